"""Say what went wrong, where, and what to do about it."""


class PipelineError(Exception):
    """Something the pipeline cannot go on from; exit code 1."""

    exit_code = 1


class SettingsError(PipelineError, ValueError):
    """`settings.toml` or an option asks for something that cannot be; exit code 2."""

    exit_code = 2


class FeedNotFoundError(PipelineError, LookupError):
    """No feed, detector or encoder of that name; exit code 3."""

    exit_code = 3


class FeedError(PipelineError, OSError):
    """A feed's list, folder or answer cannot be read; exit code 4."""

    exit_code = 4


class SchemaError(PipelineError, ValueError):
    """A table is not what `tables.py` says it is; exit code 5."""

    exit_code = 5


class WindowNotFoundError(PipelineError, FileNotFoundError):
    """The lake holds no committed table for that window or night; exit code 6."""

    exit_code = 6


class IntegrityError(PipelineError):
    """A file's bytes, a weight's hash or a table's invariant do not hold; exit code 7."""

    exit_code = 7


class PrivacyError(PipelineError, PermissionError):
    """What was asked would show too few vehicles or too much of one; exit code 8."""

    exit_code = 8


class SpaceError(PipelineError, OSError):
    """The disk has not the room that a night needs, so it is not begun; exit code 9."""

    exit_code = 9


class StorageError(PipelineError, OSError):
    """The disk or the bucket that a lake lies in cannot be reached, read or written; exit code 10."""

    exit_code = 10
