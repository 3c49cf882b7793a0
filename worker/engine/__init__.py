"""Model inference. The only package that imports torch and funasr; the Celery parent does not.

interface      Engine: the protocol that the pipeline calls, in NumPy types
loader         limits torch's threads; settings and slot plan -> a checked FunasrEngine
funasr         the engine on FunASR's models: forms batches within the memory budget,
               chooses a path for each step, holds torch's number of threads
stock          the stock paths: FunASR's own inference
fast/          the fast paths, each equivalent to its stock path
families/      how each model family is called and how its results are parsed
device_errors  errors of torch and FunASR -> typed errors; retries when device memory is full
diarization    speaker embeddings per window, and their clustering
checks         checks that every tensor is on its device and comes from the weights file
canary         a clip with known text, transcribed before the first task
directories    checks of model directories before anything is loaded
revision       name -> directory, directory -> sha256
funasr_import  imports only those modules of FunASR that a model needs
"""

from funasr_fleet.worker.engine.funasr_import import install

install()
