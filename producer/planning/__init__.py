"""References -> windows -> shards. The plan is made once and saved in S3.

request          the arguments of a job, saved as job.json
discover         plans the references that the saved plan does not contain yet, by windows
planner_process  runs discover in a subprocess
parts            the plan in S3: a part for each window, written before any of it is published
output_names     ensures that output names are unique and not too long
disk_hash_set    a set, or a small map, of hashes in constant memory
hash_file        the hash table on disk behind disk_hash_set
bad_rows         rejected rows, saved in S3 beside the plan
estimating       PURE: estimated audio of a reference that has not been opened
packing          PURE: the files of a window -> shards, the longest files first
"""
