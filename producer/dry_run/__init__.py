"""What a backlog would take, before any of it is published.

looking.py       counts the sources and takes a sample of their files
unsent.py        local folders, looked at before they are uploaded
sampling.py      the lengths of that sample, some at a time
durations.py     how long audio is, by its header
ranges.py        a file in S3 of which only the bytes that are read are fetched
extrapolating.py PURE: from a random sample to all files, with an error band
effort.py        PURE: audio, time and cost, with bands
"""
