"""The dashboard Worker: one worker, its slots, and the time per stage."""

from deploy.generating.declaring import Dashboard, Row, Variable
from deploy.generating.worker_slot import DEVICE, HEALTH
from deploy.generating.worker_work import SIZES, TIME

WORKER = Dashboard(
    uid="funasr-fleet-worker",
    title="Worker",
    description=(
        "One worker and one of its slots. Metrics per file (stages, shards, RTFx) cover all slots "
        "of the worker together."
    ),
    variables=(
        Variable(name="instance", label="Worker", metric="asr_slots"),
        Variable(
            name="slot", label="Slot", metric='asr_model_ready{instance="$instance"}', many=True
        ),
    ),
    rows=(
        Row("Health", HEALTH),
        Row("Time and throughput", TIME),
        Row("Device and memory", DEVICE),
        Row("Batches and errors", SIZES),
    ),
)
