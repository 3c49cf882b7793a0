"""Benchmarks, each printing one JSON line; bench/results/ holds the results.

soak.py        one long file many times in one child: the second must be as fast as the first
endurance.py   half an hour of mixed files in one child: memory must stay flat
scaling.py     time by number of files and by their length; chart.py draws it
work.py        the real worker that these three benchmarks use
backlog.py     a very large backlog: publishing, memory, status, enqueueing again
fairness.py    a small job enqueued behind a very large one
faults/        fault injection: processes, broker, network, object store
recovery.py    recovery time after a failure; casualties.py is the fleet that fails
autoscale/     simulation of the scaler of deploy/kubernetes and others on days of work
broker.py      load on one Redis per worker, shard and file; messages.py per message
engine.py      FunASR's own generate against our engine
decoding.py    decoder processes against the ffmpeg command
precision.py   differences in the text between 16-bit and 32-bit precision
speakers.py    speaker clustering of two long recordings, compared with FunASR's own
sides.py       transcription of the recordings by FunASR and by our engine
loading.py     loads the models of both, with the threads of one worker child
models.py      the demo's models, and Paraformer-large's size with random weights
mixed_audio.py recordings of mixed lengths: the samples with silence and noise between them
long_audio.py  long recordings with known words, concatenated from the samples
bundle.py      packs what engine.py and precision.py need on an offline machine with a GPU
machine.py     description of the machine in each result
"""
