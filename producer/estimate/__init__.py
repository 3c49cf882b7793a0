"""Estimate files, audio hours, time and cost of a backlog before anything is published.

estimate    counts the sources and samples their files
durations   durations of the sampled files from their headers
headers     where headers are read: in stored objects, by range, or in folders not uploaded yet
stratified  PURE: extrapolates a random sample to all files, with an error band
cost        PURE: audio, time and cost, with error bands
"""
