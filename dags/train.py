"""Train the detector and the encoder when asked; no schedule."""

from datetime import timedelta

from airflow.sdk import DAG, Param
from nightly.commands import COMPUTE, PATIENCE, Command, failed

TRAIN = """
exec "$THOROUGHFARE_BIN/python" -m "pipeline.training.$THOROUGHFARE_MODEL" --source "$THOROUGHFARE_SOURCE" \
  --out "$THOROUGHFARE_OUT/$THOROUGHFARE_MODEL" ${THOROUGHFARE_RENDERS:+--renders "$THOROUGHFARE_RENDERS"} \
  ${THOROUGHFARE_STEPS:+--steps "$THOROUGHFARE_STEPS"} --seed "$THOROUGHFARE_SEED"
""".strip()
VALUES = {
    f"THOROUGHFARE_{name.upper()}": f"{{{{ params.{name} or '' }}}}" for name in ("source", "out", "renders", "steps")
} | {"THOROUGHFARE_SEED": "{{ params.seed }}"}

with DAG(
    "train",
    description="Train the detector and the encoder",
    schedule=None,
    params={
        "source": Param("../shared/data", type="string", minLength=1, description="Folder of the labelled frames."),
        "out": Param(
            "out/training", type="string", minLength=1, description="Folder of checkpoints; it goes on there."
        ),
        "renders": Param(None, type=["null", "string"], description="Folder of pipeline.training.renders."),
        "steps": Param(None, type=["null", "integer"], minimum=1, description="Steps; empty for each training's own."),
        "seed": Param(1, type="integer", minimum=0),
    },
    default_args=PATIENCE | {"pool": COMPUTE, "do_xcom_push": False, "execution_timeout": timedelta(days=2)},
    on_failure_callback=failed,
    doc_md="""
### Training
`python -m pipeline.training.detector`, then `...encoder`, from the folder of settings.toml. Started again with the same
`out` it goes on where it stopped. It ships nothing: `docs/models.md` tells how weights are exported, scored and put in place.
""",
    tags=["thoroughfare", "training"],
) as dag:
    detector, encoder = (
        Command(task_id=model, bash_command=TRAIN, values=VALUES | {"THOROUGHFARE_MODEL": model})
        for model in ("detector", "encoder")
    )
    detector >> encoder
