"""What Celery's parent process does beside handing out messages. It has no torch and no boto3.

step.py         what the consumer's steps have in common
in_hand.py      what its children have in hand, and what it does for them in Redis
leases.py       consumer step: messages in flight stay ours while their children make progress
stall_watch.py  consumer step: a child that hangs, or starts no message, is killed
celery_pool.py  the pipes of Celery's pool: those of killed children are forgotten
unstarted.py    which reserved messages no idle child starts
drain.py        consumer step: SIGTERM stops taking work and hands back what is not done in time
presence.py     consumer step: which queue this worker serves with which model, told to producers
child_watch.py  consumer step: when children cannot load their model, the worker ends
requests.py     what becomes of a message whose child died or gave it back
envelopes.py    what lies in a queue need not be a message
refusing.py     the consumer: what is no task is put aside
returning.py    what is given back goes to the head of its queue
"""
