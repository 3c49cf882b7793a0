"""Commands on an existing job.

status             status, list, failures and report
file_warnings      files with warnings, by kind
cancel             stop a job: the batch in progress finishes, no other file is transcribed
close              declare the number of files of a job that another client sends
retry              enqueue the failed files again
reconcile          `fleet reconcile`: rebuilds the ledger, then enqueues files without an outcome
recorded_outcomes  the outcomes of a job's files, as workers recorded them in S3
own_result         the outcome of a file according to its result, if the job wrote it
rebuild            restores the outcome of every file from S3 into the ledger
report_page/       PURE: a job's report as one HTML page
"""
