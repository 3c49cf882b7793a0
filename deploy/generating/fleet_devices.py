"""Panels of the dashboard Fleet: the GPUs, or the CPUs where there is no GPU."""

from deploy.generating.declaring import Meaning, Query, Step, graph, states

_SLOT = "{{instance}} slot {{slot}}"
_CHOSEN = '{instance=~"$instance"}'

DEVICES = (
    graph(
        "Utilisation",
        "Busy share of each GPU, or of a child's CPU threads.",
        "percentunit",
        Query(f"asr_device_utilization_ratio{_CHOSEN}", _SLOT),
        most=1,
    ),
    graph(
        "Memory",
        "Share of each device's memory that is in use, by any process.",
        "percentunit",
        Query(
            'asr_device_memory_bytes{instance=~"$instance", kind="used"} '
            '/ ignoring (kind) asr_device_memory_bytes{instance=~"$instance", kind="total"}',
            _SLOT,
        ),
        steps=(Step(0.95, "red"),),
        most=1,
    ),
    graph(
        "Temperature",
        "Temperature of each GPU. Most GPUs throttle above 85 degrees.",
        "celsius",
        Query(f"asr_device_temperature_celsius{_CHOSEN}", _SLOT, needs="gpu"),
        steps=(Step(85, "red"),),
    ),
    graph(
        "Power",
        "Power drawn by each GPU. A busy GPU draws close to its rated power.",
        "watt",
        Query(f"asr_device_power_watts{_CHOSEN}", _SLOT, needs="gpu"),
    ),
    states(
        "Device guard",
        "Whether the models of each slot are on the planned device. Elsewhere means that the GPU "
        "is idle and the CPU is used. Children that are loading are not shown.",
        Query(f"asr_device_expected{_CHOSEN} and asr_model_ready{_CHOSEN} == 1", _SLOT),
        Meaning(1, "as planned", "green"),
        Meaning(0, "elsewhere", "red"),
    ),
    graph(
        "Threads",
        "torch threads of each child after its last file. A rise above the planned number fires "
        "an alert.",
        "none",
        Query(f"asr_torch_threads{_CHOSEN}", _SLOT),
    ),
)
