"""Side-by-side measurements, each printing one JSON line; bench/results/ keeps what was measured.

soak.py        one long file many times in one child: the second as fast as the first
engine.py      FunASR's own generate against our engine
mixed_audio.py recordings of all lengths, the samples between silence and noise
long_audio.py  long recordings with known words, made of the samples
machine.py     what a result says of the machine that it was measured on
"""
