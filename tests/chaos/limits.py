"""Settings of the workers that are killed here: short, so that tests are."""

VISIBILITY_TIMEOUT_S = 15
STALL_S = 12
DRAIN_S = 8
MAX_AUDIO_S = 600
MAX_ATTEMPTS = 3

RELOAD_S = 90.0
"""A new child is ready by then, on a machine that others use too; ten seconds on one of its own."""

SWEEP_S = 10
"""kombu looks for messages of vanished workers so often."""

LIMITS = {
    "FLEET_VISIBILITY_TIMEOUT_S": str(VISIBILITY_TIMEOUT_S),
    "FLEET_STALL_S": str(STALL_S),
    "FLEET_DRAIN_S": str(DRAIN_S),
    "FLEET_MAX_AUDIO_S": str(MAX_AUDIO_S),
    "FLEET_MAX_ATTEMPTS": str(MAX_ATTEMPTS),
    # several workers share two cores; threads that wait for each other are slow
    "FLEET_TORCH_THREADS": "1",
}
