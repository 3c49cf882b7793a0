"""Training recipe of the embedded demo model: spoken digits, English and Mandarin.

The first group of modules is pure, the second produces audio, the third trains.

- `vocabulary` the tokens, and the spoken word of each digit
- `voices` voices for training, and held-out voices for the evaluation
- `utterances` seeded plans: digits, voice, rate and pauses
- `formats`, `clips` containers and codecs, and the plan of the sample files in `embedded/samples/`
- `boundaries`, `word_errors` error measures against the reference

- `speak` espeak-ng: turns a plan into samples and word times
- `noises`, `augment` noise, and the effects of rooms, telephone lines and codecs
- `scenes` utterances with silence and noise around them, for the speech detector
- `sound` decoding to and encoding from 16 kHz mono, with PyAV

- `corpus` turns plans into features cached on disk
- `asr`, `timestamps` the Paraformer: configuration, training, and the times of its words
- `vad` the FSMN speech detector
- `export` directories that `funasr.AutoModel(model=DIRECTORY)` loads unchanged
- `evaluate`, `card` the evaluation and its numbers in the model card
- `samples` the audio files of the demo
- `__main__` the commands: `python -m training all`
"""
