"""Side-by-side measurements, each printing one JSON line; bench/results/ keeps what was measured.

soak.py        one long file many times in one child: the second as fast as the first
endurance.py   half an hour of mixed files in one child: memory stays flat
scaling.py     time by number of files and by their length; chart.py draws it
work.py        the real worker that those two give work to
backlog.py     a huge backlog: publishing, memory, looking, enqueueing again
fairness.py    a small job enqueued behind a huge one
recovery.py    how soon work goes on after something died; casualties.py is what dies
autoscale/     the scaler of deploy/kubernetes played against days of work, beside others
broker.py      what one Redis has to do for workers, shards and files; messages.py for messages
engine.py      FunASR's own generate against our engine
precision.py   what 16 bits do to the words
speakers.py    speakers of two long recordings, beside FunASR's own clustering
sides.py       how either side hears the recordings
loading.py     both sides loaded, with the threads of one worker child
models.py      the demo's models, and Paraformer-large's size with random weights
mixed_audio.py recordings of all lengths, the samples between silence and noise
long_audio.py  long recordings with known words, made of the samples
bundle.py      all that engine.py and precision.py need on an offline machine with a GPU
machine.py     what a result says of the machine that it was measured on
"""
