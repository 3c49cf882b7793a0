"""The dashboard Fleet: is work done, is it enough, do the GPUs work, does it go wrong."""

from deploy.generating.declaring import Dashboard, Row, Variable
from deploy.generating.fleet_devices import DEVICES
from deploy.generating.fleet_trouble import REDIS, TROUBLE
from deploy.generating.fleet_work import BACKLOG, GLANCE, WORK

FLEET = Dashboard(
    uid="funasr-fleet",
    title="Fleet",
    description=(
        "Top to bottom: is work done, is it enough, do the GPUs work where they should, and what "
        "goes wrong."
    ),
    variables=(Variable(name="instance", label="Worker", metric="asr_slots", many=True),),
    rows=(
        Row("At a glance", GLANCE),
        Row("What waits", BACKLOG),
        Row("Work", WORK),
        Row("Devices", DEVICES),
        Row("What goes wrong", TROUBLE),
        Row("Redis", REDIS),
    ),
)
