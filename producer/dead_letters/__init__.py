"""Dead letters: messages that failed permanently and are kept for inspection.

select   select, list and drop dead letters
requeue  publish dead letters again
jobs     reopen the jobs of requeued dead letters
"""
