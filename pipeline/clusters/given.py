"""Use the workers of a Dask scheduler that operators run: over mutual TLS, or on loopback."""

import ipaddress
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

from distributed import Client

from pipeline.clusters import Keep, Spread
from pipeline.clusters.crew import Crew, reported
from pipeline.clusters.workers import built_of
from pipeline.errors import PipelineError, SettingsError

CONNECT_S, WORKERS_S = 10, 60
"""Seconds to wait for a scheduler to answer, and for it to have a worker."""


@contextmanager
def at(scheduler: str, keep: Keep | None = None) -> Iterator[Spread]:
    """Spread over the workers of the Dask scheduler at an address; its certificates are Dask's own configuration.

    Raises:
        SettingsError: the address is open to the network, or a worker has several threads or other code.
        PipelineError: nobody answers there, or no worker has come.
    """
    _refuse_open(scheduler)
    with _connected(scheduler) as client:
        libraries = _check_workers(client, scheduler)
        with reported(keep):
            yield Crew(client, scheduler, libraries)


def _refuse_open(scheduler: str) -> None:
    """Refuse an address on which others could read along, or send code: Dask's messages are programs."""
    found = urlsplit(scheduler)
    if found.scheme not in ("tls", "tcp") or not found.hostname or not found.port:
        raise SettingsError(f"--scheduler {scheduler}: not an address of a Dask scheduler; write tls://HOST:8786")
    if found.scheme == "tcp" and not _is_loopback(found.hostname):
        raise SettingsError(
            f"--scheduler {scheduler}: plain tcp to another machine lets anyone there run code; "
            "start it with TLS and write tls:// (`thoroughfare certificates`, docs/dask.md)"
        )


def _is_loopback(host: str) -> bool:
    """Tell whether a host is this machine."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _connected(scheduler: str) -> Client:
    """Connect, or say within seconds why not."""
    try:
        return Client(scheduler, timeout=CONNECT_S)
    except (OSError, TimeoutError, TypeError, ValueError, RuntimeError) as error:
        raise PipelineError(
            f"--scheduler {scheduler}: no Dask scheduler answers there within {CONNECT_S} s ({_reason(error)}); start it, or "
            "set distributed.comm.tls ca-file, client.cert and client.key to certificates it knows (docs/dask.md)"
        ) from error


def _reason(error: BaseException) -> str:
    """Return the first cause of an error, in one line."""
    while error.__cause__ is not None:
        error = error.__cause__
    return (str(error) or type(error).__name__).splitlines()[0]


def _check_workers(client: Client, scheduler: str) -> dict[str, str]:
    """Raise unless there is a worker, each with one thread and the code of this run; return what libraries they have.

    This run needs none of the models' libraries: the image of Airflow has no TensorFlow.
    """
    try:
        client.wait_for_workers(1, timeout=WORKERS_S)
    except TimeoutError as error:
        raise PipelineError(
            f"--scheduler {scheduler}: no worker has come within {WORKERS_S} s; start one: dask worker {scheduler} --nthreads 1"
        ) from error
    if several := {address: threads for address, threads in client.nthreads().items() if threads != 1}:
        raise SettingsError(
            f"--scheduler {scheduler}: workers with several threads {several}; start them with --nthreads 1 --nworkers N, "
            "for a job that is out of time ends its worker"
        )
    (code, ours), built = built_of(), client.run(built_of)
    theirs: dict[str, str] = next(libraries for _, libraries in built.values())
    wanted = code, {name: ours.get(name, version) for name, version in theirs.items()}
    if others := sorted(address for address, found in built.items() if found != wanted):
        raise SettingsError(
            f"--scheduler {scheduler}: workers {others} have other code or libraries than this run; install the same version"
        )
    return theirs
