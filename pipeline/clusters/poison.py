"""Find the pictures that kill the workers of a job, each by itself."""

from dataclasses import replace

from pipeline import quarantine
from pipeline.clusters import Lost, Spread
from pipeline.jobs import Job, probe
from pipeline.lake import Lake


def find(lake: Lake, job: Job, spread: Spread) -> list[quarantine.Entry]:
    """Halve the pictures of a job that killed its workers until those that do it alone are found.

    Args:
        lake: Where the job's snapshots lie; their bytes are hashed here, never decoded.
        job: The job that was lost.
        spread: Workers to probe with.

    Returns:
        An entry for the ledger of each; none where no picture kills by itself, or the job reads no pictures.
    """
    if "snapshots" not in job.reads:
        return []
    snapshots = quarantine.blanked(lake.read(job.reads["snapshots"], job.part), job.quarantined)

    def kills(spans: list[quarantine.Span]) -> list[bool]:
        return [isinstance(each, Lost) for each in spread(probe, [replace(job, only=span) for span in spans])]

    suspects = quarantine.culprits(quarantine.pictured(snapshots), kills)
    # probed beside others, a picture may have waited on a worker that another killed: each once more, with none beside it
    guilty = [key for key in suspects if kills([quarantine.Span(key, key, 1)])[0]]
    return [quarantine.entry(snapshots, key, f"killed its worker in {job.table}") for key in guilty]
