"""Panels of the dashboard Worker: the slot, its device and its memory."""

from deploy.generating.declaring import Meaning, Query, Step, graph, stat, states

_SLOT = '{instance="$instance", slot=~"$slot"}'
_LEGEND = "slot {{slot}}"

HEALTH = (
    stat(
        "Children",
        "Children with loaded models, and those that there should be.",
        "none",
        Query('sum(asr_model_ready{instance="$instance"})', "ready"),
        Query('sum(asr_slots{instance="$instance"})', "there"),
    ),
    stat(
        "Device",
        "What each slot runs on, and how many of it.",
        "none",
        Query(
            'count by (device, name) (asr_device_info{instance="$instance", slot=~"$slot"})',
            "{{device}} {{name}}",
        ),
    ),
    stat(
        "Models loaded in",
        "Time that the last load of the models took.",
        "s",
        Query(f"max(asr_model_load_seconds{_SLOT})"),
    ),
    stat(
        "Threads",
        "torch's threads of the slot, as found after its last file.",
        "none",
        Query(f"max(asr_torch_threads{_SLOT})"),
    ),
    stat(
        "Models at work",
        "Share of the last shard's time in which the models were at work; the rest is fetching, "
        "decoding and writing.",
        "percentunit",
        Query(f"avg(asr_busy_ratio{_SLOT})"),
    ),
    stat(
        "Children that failed",
        "Children of the slot in a row that could not load their models, and that died.",
        "none",
        Query(f"max(asr_model_load_failures{_SLOT})", "loading"),
        Query(f"max(asr_child_deaths{_SLOT})", "died"),
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
        "Used and total of the whole device; allocated and reserved by this child's torch, now and "
        "as found after the last file.",
        "bytes",
        Query(f"asr_device_memory_bytes{_SLOT}", "slot {{slot}} {{kind}}"),
        Query(f"asr_file_device_bytes{_SLOT}", "slot {{slot}} after a file"),
    ),
    graph(
        "Memory of the child",
        "Resident now, and as found after the last file.",
        "bytes",
        Query(f"asr_resident_bytes{_SLOT}", "slot {{slot}} now"),
        Query(f"asr_file_resident_bytes{_SLOT}", "slot {{slot}} after a file"),
    ),
    graph(
        "Temperature",
        "Temperature of the GPU: most slow down above 85 degrees.",
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
        "torch's threads, as found after each file: they must stay what they were.",
        "none",
        Query(f"asr_torch_threads{_SLOT}", _LEGEND),
    ),
    states(
        "Device guard",
        "Whether the models sit on the device that was planned.",
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
        "Whether each fast path is taken, or FunASR's own: a child compares both when it starts.",
        Query(f"asr_fast_path{_SLOT}", "slot {{slot}} {{path}}"),
        Meaning(1, "fast", "green"),
        Meaning(0, "FunASR's own", "yellow"),
    ),
)
