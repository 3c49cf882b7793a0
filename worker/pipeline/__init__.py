"""Processes one shard: fetch, decode, VAD, recognise, assemble, write. The stages overlap.

pipeline        runs all stages of one shard
fetch           fetches and decodes files in blocks of one minute, ahead of the current file
bounded_queue   bounded queue between two threads
vad             audio -> clips of speech, merged and cut to the requested lengths
recognise       recognises the clips of many files in one batch; retries suspect ones in pieces
file_state      results of one file while it is processed
file_finalizer  decides and records the outcome of every file
result_writer   builds the transcript and error documents and writes the outputs to S3
output_store    reads and writes the outputs of one file
shard_reporter  reports a shard to the ledger and writes its per-file records to S3
timers          seconds per stage; how long the models are in use
"""
