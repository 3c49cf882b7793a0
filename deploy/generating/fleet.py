"""The dashboard Fleet: throughput, backlog, GPU use, errors, Redis."""

from deploy.generating.declaring import Dashboard, Row, Variable
from deploy.generating.fleet_devices import DEVICES
from deploy.generating.fleet_trouble import REDIS, TROUBLE
from deploy.generating.fleet_work import BACKLOG, GLANCE, WORK

FLEET = Dashboard(
    uid="funasr-fleet",
    title="Fleet",
    description=(
        "Top to bottom: overview, backlog and capacity, throughput, device use and placement, "
        "errors, Redis."
    ),
    variables=(Variable(name="instance", label="Worker", metric="asr_slots", many=True),),
    rows=(
        Row("Overview", GLANCE),
        Row("Backlog", BACKLOG),
        Row("Throughput", WORK),
        Row("Devices", DEVICES),
        Row("Errors", TROUBLE),
        Row("Redis", REDIS),
    ),
)
