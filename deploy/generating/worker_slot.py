"""Panels of the dashboard Worker: the slot, its device and its memory."""

from deploy.generating.declaring import Meaning, Query, Step, graph, stat, states

_SLOT = '{instance="$instance", slot=~"$slot"}'
_LEGEND = "slot {{slot}}"

HEALTH = (
    stat(
        "Children",
        "Children with loaded models, and the configured number.",
        "none",
        Query('sum(asr_model_ready{instance="$instance"})', "ready"),
        Query('sum(asr_slots{instance="$instance"})', "configured"),
    ),
    stat(
        "Device",
        "Devices of the slots, and the number of slots on each.",
        "none",
        Query(
            'count by (device, name) (asr_device_info{instance="$instance", slot=~"$slot"})',
            "{{device}} {{name}}",
        ),
    ),
    stat(
        "Model load time",
        "Duration of the last load of the models.",
        "s",
        Query(f"max(asr_model_load_seconds{_SLOT})"),
    ),
    stat(
        "Threads",
        "torch threads of the slot after its last file.",
        "none",
        Query(f"max(asr_torch_threads{_SLOT})"),
    ),
    stat(
        "Model utilisation",
        "Share of the last shard's time in which the models ran. The rest is fetching, decoding "
        "and writing.",
        "percentunit",
        Query(f"avg(asr_busy_ratio{_SLOT})"),
    ),
    stat(
        "Failed children",
        "Consecutive children of the slot that could not load their models, and that exited.",
        "none",
        Query(f"max(asr_model_load_failures{_SLOT})", "loading"),
        Query(f"max(asr_child_deaths{_SLOT})", "exited"),
        steps=(Step(1, "yellow"), Step(6, "red")),
    ),
)

DEVICE = (
    graph(
        "Utilisation",
        "Busy share of the GPU, or of the child's CPU threads.",
        "percentunit",
        Query(f"asr_device_utilization_ratio{_SLOT}", _LEGEND),
        most=1,
    ),
    graph(
        "Device memory",
        "Used and total memory of the whole device; memory allocated and reserved by torch in "
        "this child, now and after the last file.",
        "bytes",
        Query(f"asr_device_memory_bytes{_SLOT}", "slot {{slot}} {{kind}}"),
        Query(f"asr_file_device_bytes{_SLOT}", "slot {{slot}} after a file"),
    ),
    graph(
        "Memory of the child",
        "Resident memory now, and after the last file.",
        "bytes",
        Query(f"asr_resident_bytes{_SLOT}", "slot {{slot}} now"),
        Query(f"asr_file_resident_bytes{_SLOT}", "slot {{slot}} after a file"),
    ),
    graph(
        "Temperature",
        "Temperature of the GPU. Most GPUs throttle above 85 degrees.",
        "celsius",
        Query(f"asr_device_temperature_celsius{_SLOT}", _LEGEND, needs="gpu"),
        steps=(Step(85, "red"),),
    ),
    graph(
        "Power",
        "Power drawn by the GPU.",
        "watt",
        Query(f"asr_device_power_watts{_SLOT}", _LEGEND, needs="gpu"),
    ),
    graph(
        "Threads over time",
        "torch threads after each file. The number must stay constant.",
        "none",
        Query(f"asr_torch_threads{_SLOT}", _LEGEND),
    ),
    states(
        "Device guard",
        "Whether the models are on the planned device.",
        Query(f"asr_device_expected{_SLOT}", _LEGEND),
        Meaning(1, "as planned", "green"),
        Meaning(0, "elsewhere, or loading", "red"),
    ),
    states(
        "Ready",
        "Whether the child has loaded its models.",
        Query(f"asr_model_ready{_SLOT}", _LEGEND),
        Meaning(1, "ready", "green"),
        Meaning(0, "not ready", "red"),
    ),
    states(
        "Fast paths",
        "Whether each fast path is used, or FunASR's own. A child compares both when it starts.",
        Query(f"asr_fast_path{_SLOT}", "slot {{slot}} {{path}}"),
        Meaning(1, "fast", "green"),
        Meaning(0, "FunASR's own", "yellow"),
    ),
)
