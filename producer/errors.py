"""Typed errors of the producer. Cheap to import, because every command imports them."""


class BadArgument(ValueError):
    """An argument is invalid: correct what the message names."""


class JobRefused(Exception):
    """The job name cannot be used: choose another, or reconcile the job if Redis has lost it."""


class OptionsRefused(Exception):
    """The model does not support an option: remove the option named, or choose another model."""


class NoSuchJob(Exception):
    """The ledger has no such job, or lost it: check the name, or reconcile the job."""


class JobLost(Exception):
    """Redis lost data of the job while a command worked on it: run the command that is named."""


class NoPlan(NoSuchJob):
    """S3 has no plan for the job: its sender must send the missing files again."""


class PlannedFileInvalid(Exception):
    """This release does not accept a file that an earlier one planned: enqueue it in a new job."""


class AnotherProducer(Exception):
    """Another process is publishing this job: wait until it ends, or stop it."""


class CannotRetry(Exception):
    """The job has no complete plan or is cancelled: reconcile it, or enqueue a new job."""


class CannotClose(Exception):
    """The job cannot be closed: wait for its files, or pass the number of files."""


class CannotRequeue(Exception):
    """The dead letter cannot be requeued: drop it, or fix the cause named in the message."""


class NothingChosen(Exception):
    """No dead letters are selected: give their ids, a job, or all."""


class HelperDied(Exception):
    """The subprocess that reads the sources exited unexpectedly: run the same command again."""
