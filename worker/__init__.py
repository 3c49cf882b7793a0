"""The worker: takes shards from the queue and writes transcripts.

app/            Celery application, launch, the one task, the run of one shard, child start-up
consumer/       Celery parent process: lease renewal, watchdog, drain, message validation
coordination/   attempt counts and shard locks in Redis
process/        devices, heartbeat, slot state, memory, health
pipeline/       fetch -> decode -> VAD -> recognise -> assemble -> write, overlapped
audio/          sources of audio; decoder processes and all that runs in them
text/           PURE: batching, alignment, sentences, speakers, quality
engine/         the only importer of torch and funasr
formats/        PURE: one file per output format
telemetry/      metrics, device readings, logs, the /metrics server
events          frozen events and the Observer protocol
error_handling  PURE: decide(): fail the file, retry, dead-letter, restart the child
errors          typed errors
"""
