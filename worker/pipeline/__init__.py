"""Processes one shard: fetch, decode, VAD, recognise, assemble, write. The stages overlap.

pipeline        runs all stages of one shard; groups the clips that are recognised together
fetch           skips a file that has a current result; else fetches and decodes it, in blocks
bounded_queue   bounded queue between two threads
vad             audio -> clips of speech, merged and cut to the requested lengths
recognise       recognises a group of clips of many files; retries suspect ones in pieces
file_state      results of one file while it is processed
file_finalizer  decides the outcome of each processed file: ok, empty, failed or skipped
pending_writes  files whose outputs are being written
storage_errors  decides which files are started, and when errors of storage stop a shard
result_writer   builds the transcript and error documents and writes the outputs to S3
output_store    reads the existing result of one file, writes its outputs
child_counters  what a child has done since it started
shard_reporter  reports a shard to the ledger while it is processed
shard_records   writes the records of a shard's files to S3
periodic_call   calls a function at an interval while a block of code runs
timers          seconds per stage; how long the models are in use
"""
