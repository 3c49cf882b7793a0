"""Estimate files, audio hours, time and cost of a backlog before anything is published.

estimate       counts the sources and samples their files
local_headers  reads local folders before they are uploaded
durations      durations of the sampled files from their headers
ranges         a seekable file over ranged requests
stratified     PURE: extrapolates a random sample to all files, with an error band
cost           PURE: audio, time and cost, with error bands
"""
