"""Why the producer refuses what it was asked for; light, so that every command can know it."""


class JobRefused(Exception):
    """The job's name cannot be used: choose another."""


class OptionsRefused(Exception):
    """The model cannot do what is asked: leave out the option named, or ask for another model."""


class NoSuchJob(Exception):
    """The ledger knows no such job: `fleet jobs` lists those that it knows."""


class NoPlan(NoSuchJob):
    """S3 holds no plan of the job: only who sent it knows what is missing."""


class AnotherProducer(Exception):
    """Somebody else publishes this job: wait until that is done, or stop it."""


class CannotRetry(Exception):
    """The job has no plan in S3, or is cancelled: enqueue its files as a new job."""


class CannotRequeue(Exception):
    """The dead letter's job is cancelled, or out of reach: drop it, or mend what is named."""


class NothingChosen(Exception):
    """It is not said which dead letters are meant: name their ids, or a job, or all."""


class HelperDied(Exception):
    """The process that reads the sources ended by itself: run the same command again."""
