"""The embedded demo model and the recipe that makes it: spoken digits, English and Mandarin.

Which room do I want? The first group is pure, the second makes sound, the third trains.

- `vocabulary` the tokens, and the words a digit is spoken as
- `voices` who speaks in training and who is kept for the examination
- `utterances` seeded plans: which digits, which voice, how fast, with which pauses
- `formats`, `clips` how sound is packed, and the plan of the sample files in `local/samples/`
- `boundaries`, `word_errors` how far an answer is from the truth

- `speak` espeak-ng: a plan becomes samples and the times of its words
- `noises`, `augment` what a room, a telephone line or a codec does to speech
- `scenes` utterances with silence and noise around them, for the speech detector
- `sound` decoding to and encoding from 16 kHz mono, with PyAV

- `corpus` plans become cached features on disk
- `asr`, `timestamps` the Paraformer: configuration, training, and the times of its words
- `vad` the FSMN speech detector
- `export` directories that `funasr.AutoModel(model=DIRECTORY)` loads unchanged
- `evaluate`, `card` the examination and its numbers in the model card
- `samples` the audio files of the demo
- `__main__` the verbs: `python -m models all`
"""

from pathlib import Path

DEMO = Path(__file__).parent / "demo"
"""What is shipped: two model directories, a canary and the model card."""

DEMO_ASR = DEMO / "asr"
"""Model directory of the recogniser."""

DEMO_VAD = DEMO / "vad"
"""Model directory of the speech detector."""

DEMO_CANARY = DEMO / "canary.wav"
"""A short clip whose transcript is known: 16 kHz, mono, PCM16."""

DEMO_CANARY_REFERENCE = DEMO / "canary.json"
"""`{"text": ...}`: what the recogniser must answer for the canary."""
