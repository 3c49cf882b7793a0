"""The only room that imports torch and funasr, so that the Celery parent never does.

interface.py   Engine: what the pipeline asks of it, in numpy's types
build.py       settings + slot plan -> a checked FunasrEngine
funasr.py      the engine on FunASR's models: a path for each step
steps.py       what each step does, whichever path it takes
stock.py, stock_detector.py   the stock paths: FunASR's own inference
fast/          the fast paths, each equal to its stock twin
families/      how each model family words its results
memory.py      how much a GPU's memory takes at once, and another try when it is full
faults.py      what torch and FunASR raise -> our errors
voices.py      whose voice: embeddings of windows, and clusters of them
checks.py      every parameter on its device, a file of weights there
checkpoint.py  every tensor was given its value by that file
canary.py      a clip with known words, transcribed before the first task
revision.py    name -> directory, directory -> sha256
threads.py     torch's thread counts: set, read, set again
"""
