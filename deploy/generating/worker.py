"""The dashboard Worker: one worker, one of its slots, and where its time goes."""

from deploy.generating.declaring import Dashboard, Row, Variable
from deploy.generating.worker_slot import DEVICE, HEALTH
from deploy.generating.worker_work import SIZES, TIME

WORKER = Dashboard(
    uid="funasr-fleet-worker",
    title="Worker",
    description=(
        "One worker and one of its slots. What is counted by the file (stages, shards, RTFx) is of "
        "all slots of the worker together."
    ),
    variables=(
        Variable(name="instance", label="Worker", metric="asr_slots"),
        Variable(
            name="slot", label="Slot", metric='asr_model_ready{instance="$instance"}', many=True
        ),
    ),
    rows=(
        Row("How it is", HEALTH),
        Row("Where time goes", TIME),
        Row("Device and memory", DEVICE),
        Row("Batches and trouble", SIZES),
    ),
)
