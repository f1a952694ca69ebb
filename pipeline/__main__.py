"""The command line: `thoroughfare COMMAND`; imports nothing heavy before a command needs it."""

import os
import signal
import sys
from dataclasses import asdict
from types import FrameType
from typing import Annotated, Any, Literal

import typer

from pipeline import errors, scans
from pipeline.commands import (
    audit,
    bench,
    curate,
    desk,
    dictionary,
    explain,
    export,
    operate,
    privacy,
    registry,
    score,
    sql,
    tracks,
)
from pipeline.commands.operate import run_night
from pipeline.commands.options import (
    LAKE,
    Json,
    LakeRoot,
    Night,
    Permission,
    Preflight,
    ScanName,
    Scheduler,
    SettingsFile,
    Source,
    Workers,
)
from pipeline.console import advise, complain, log_as, sentence, tell, trace
from pipeline.errors import PipelineError
from pipeline.scans import date_of


def exit_codes() -> dict[int, str]:
    """List what each exit code means: those of `errors.py`, a stage's own and those of a stopped command."""
    kinds = [each for each in vars(errors).values() if isinstance(each, type) and issubclass(each, PipelineError)]
    found = {kind.exit_code: str(kind.__doc__).rsplit("; exit code", maxsplit=1)[0] for kind in kinds}
    own = {0: "Done", operate.NO_SUCH_WINDOW: "A stage had nothing to do: the night has no such window"}
    stopped = {
        128 + signal.SIGINT: "Stopped by Ctrl-C; run again to go on",
        128 + signal.SIGTERM: "Stopped by SIGTERM; run again to go on",
    }
    return dict(sorted((own | found | stopped).items()))


TOLD = "\n".join(f"{code:>4}  {words}" for code, words in exit_codes().items())
app = typer.Typer(
    name="thoroughfare",
    help="Anonymous movement from public traffic cameras.",
    epilog=f"\b\nExample: thoroughfare demo\n\n\b\nExit codes:\n{TOLD}",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)

app.add_typer(operate.app)
app.add_typer(curate.app)
app.add_typer(sql.app)
app.add_typer(desk.app)
app.add_typer(explain.app)
app.add_typer(export.app)
app.add_typer(dictionary.app)
app.add_typer(registry.app, name="cameras")
app.add_typer(audit.app, name="audit")
app.add_typer(privacy.app, name="privacy")
app.add_typer(score.app, name="score")
app.add_typer(bench.app)
app.add_typer(tracks.app)
DEMO_DATE = "2026-05-05"
MISUSED: type[Any] = typer.BadParameter.__bases__[0]
"""What the parser raises for a word it does not know: it shows itself, with the usage."""
DEBUG = "THOROUGHFARE_DEBUG"
"""Environment variable that shows tracebacks."""


class StoppedError(BaseException):
    """Somebody stopped the command; nothing that catches errors catches this."""

    def __init__(self, number: int) -> None:
        """Name the signal."""
        super().__init__(f"stopped by {signal.Signals(number).name}")
        self.exit_code = 128 + number


def _tell_version(asked: bool) -> None:
    """Print the version where it is asked for, and end."""
    if asked:
        from importlib.metadata import version

        typer.echo(f"thoroughfare {version('thoroughfare')}")
        raise typer.Exit


@app.callback()
def choose(
    *,
    debug: Annotated[
        bool, typer.Option("--debug", envvar=DEBUG, help="Show where in the program an error arose.")
    ] = False,
    version: Annotated[
        bool, typer.Option("--version", is_eager=True, callback=_tell_version, help="Print the version and exit.")
    ] = False,
    log: Annotated[
        Literal["plain", "json"],
        typer.Option(envvar="THOROUGHFARE_LOG", help="Standard error: text for people, or one line of JSON a step."),
    ] = "plain",
) -> None:
    """Set what holds for every command."""
    del version
    log_as(log)
    if debug:
        os.environ[DEBUG] = "1"


@app.command(epilog="Example: thoroughfare demo --lake out/demo")
def demo(
    lake: LakeRoot = "out/demo",
    on: Night = DEMO_DATE,
    workers: Workers = 0,
    *,
    preflight: Preflight = True,
    as_json: Json = False,
) -> None:
    """Run the whole line on the built-in demo city, score it against its truth, draw map and report."""
    from pipeline import showcase

    scan = scans.load("demo", scans.bundled())
    run_night(scan, date_of(on), lake, workers, "", as_json=as_json, preflight=preflight)
    made = showcase.demo(scan, date_of(on), lake, say=_quiet if as_json else typer.echo)
    if as_json:
        tell(made)
        return
    typer.echo(showcase.summary(made))
    advise(
        f"thoroughfare sql cookbook/peak_hour_by_camera --lake {lake}", f"thoroughfare map --kind every --lake {lake}"
    )


@app.command(epilog="Example: thoroughfare run demo --date 2026-05-05")
def run(
    name: ScanName,
    on: Night,
    source: Source = None,
    lake: LakeRoot = LAKE,
    roads: Annotated[str | None, typer.Option(help="Road graph (GraphML), relative to --source.")] = None,
    workers: Workers = 0,
    scheduler: Scheduler = "",
    settings: SettingsFile = None,
    permission: Permission = None,
    *,
    preflight: Preflight = True,
    as_json: Json = False,
) -> None:
    """Bring one night of one scan up to date, from camera frames to products; a second run does nothing."""
    scan = scans.load(name, settings, source=source, roads=roads, permission=permission)
    steps = run_night(scan, date_of(on), lake, workers, scheduler, as_json=as_json, preflight=preflight)
    if as_json:
        tell([asdict(step) for step in steps])
        return
    options = f"{name} --lake {lake} --date {on}"
    typer.echo(f"\nLake: {lake}/{name}")
    advise(f"thoroughfare report {options}", f"thoroughfare map {options} --purpose '...'")


def main() -> None:
    """Run the command line; an error is one sentence and an exit code, a stop a sentence and its own."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    log_as("plain")
    sys.excepthook = trace
    if "--debug" in sys.argv[1:]:
        sys.argv[1:] = ["--debug", *(word for word in sys.argv[1:] if word != "--debug")]
    for number in (signal.SIGINT, signal.SIGTERM):
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _stop)
    try:
        _run()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    except StoppedError as stop:
        told = getattr(stop, "__notes__", ["stopped; what is done is kept, run the same command again to go on"])
        complain("; ".join(told), stop.exit_code)
        sys.exit(stop.exit_code)
    except MISUSED as error:
        error.show()
        sys.exit(error.exit_code)
    except Exception as error:
        if os.environ.get(DEBUG):
            raise
        code = getattr(error, "exit_code", PipelineError.exit_code)
        complain(sentence(error), code)
        sys.exit(code)


def _run() -> None:
    """Run the command that was asked for, up to its last word: whoever reads may have gone, as `| head` has."""
    code = app(prog_name="thoroughfare", standalone_mode=False)
    sys.stdout.flush()
    sys.exit(code if isinstance(code, int) else 0)


def _stop(number: int, _: FrameType | None) -> Any:
    """Stop once in order; a second signal stops at once."""
    signal.signal(number, signal.SIG_DFL)
    raise StoppedError(number)


def _quiet(_: str) -> None:
    """Say nothing."""


if __name__ == "__main__":
    main()
