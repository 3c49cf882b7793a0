"""The embedded demo model: spoken digits, English and Mandarin. The recipe is in `training/`."""

from pathlib import Path

DEMO = Path(__file__).parent / "demo"
"""Contents: two model directories, a canary and the model card."""

DEMO_ASR = DEMO / "asr"
"""Model directory of the recogniser."""

DEMO_VAD = DEMO / "vad"
"""Model directory of the VAD."""

DEMO_CANARY = DEMO / "canary.wav"
"""A short clip with a known transcript: 16 kHz, mono, PCM16."""

DEMO_CANARY_REFERENCE = DEMO / "canary.json"
"""`{"text": ...}`: the expected transcript of the canary."""
