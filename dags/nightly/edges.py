"""Read the edges of a night from the line: which table of which window waits for which."""

from dataclasses import dataclass

from pipeline.stages import STAGES, Stage, stage


@dataclass(frozen=True)
class Step:
    """One table of one window, or of the night."""

    table: str
    window: int | None = None
    """Number of the window from 0; None for the night."""


def steps(windows: int) -> list[Step]:
    """List every step of a night in an order that never goes back."""
    return [Step(line.table, window) for line in STAGES for window in _windows(line, windows)]


def waits_for(step: Step, windows: int) -> list[Step]:
    """List the steps whose tables a step reads, and those that must have read what it will drop."""
    line = stage(step.table)
    read = [each for name in line.reads for each in _read(line, stage(name), step.window, windows)]
    earlier = [other for other in STAGES[: STAGES.index(line)] if set(other.reads) & set(line.outlived)]
    return list(dict.fromkeys([*read, *(Step(other.table, step.window) for other in earlier)]))


def _windows(line: Stage, windows: int) -> list[int | None]:
    """List the windows a stage runs on."""
    return list(range(windows)) if line.unit in ("shard", "window") else [None]


def _read(line: Stage, source: Stage, window: int | None, windows: int) -> list[Step]:
    """List the steps that make one input: of the night, of all windows, or of the window and those before it."""
    if source.unit in ("scan", "night"):
        return [Step(source.table)]
    if window is None:
        return [Step(source.table, each) for each in range(windows)]
    return [Step(source.table, each) for each in line.windows(source.table, window)]
