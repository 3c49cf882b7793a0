"""The message of the one task: a shard of audio references with the options of their job."""

import re
from typing import Annotated, Any, Literal, Self, get_args

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    model_validator,
)

from contract.audio_address import check_audio, default_name, is_web
from contract.job_name import check_job_name
from contract.layout import check_relative, is_s3_uri, is_whole, names_jobs_folder
from contract.number_limits import AudioBytes, Channel, TimeMs, Whole

Format = Literal[
    "json",
    "txt",
    "srt",
    "vtt",
    "tsv",
    "rttm",
    "ctm",
    "textgrid",
    "whisper",
    "openai-verbose",
    "aws-transcribe",
]
FORMATS: tuple[Format, ...] = get_args(Format)


_MOST_TOLD = 10
_LONGEST_TOLD = 200
"""Of ten thousand errors, somebody reads the first few."""


class MalformedShard(ValueError):
    """The message is not a shard of schema 1: correct the fields named and send it again."""


def explain(error: ValidationError) -> str:
    """One line naming the wrong fields; values are left out, they may be private."""
    errors = error.errors(include_url=False, include_input=False, include_context=False)
    told = [f"{_place(one['loc'])}: {one['msg'][:_LONGEST_TOLD]}" for one in errors[:_MOST_TOLD]]
    more = len(errors) - len(told)
    return "; ".join([*told, *([f"and {more} more"] if more else [])])


def _place(path: tuple[int | str, ...]) -> str:
    """Where an error is; names that a stranger made up may be of any length and sort."""
    named = ".".join(map(str, path))[:_LONGEST_TOLD] or "message"
    return named.encode("utf-8", "backslashreplace").decode()


def check_output(uri: str) -> str:
    """Return the output prefix unchanged.

    Raises:
        ValueError: when it is none.
    """
    if not re.fullmatch(r"s3://[^/\0]+/([^\0\n]*/)?", uri) or not is_whole(uri):
        raise ValueError("must be s3://bucket/prefix/ and end with a slash")
    if names_jobs_folder(uri):
        raise ValueError("must not have _jobs as a part: documents of jobs are kept there")
    return uri


def _check_text(text: str) -> str:
    if not is_whole(text):
        raise ValueError("must not hold half of a surrogate pair")
    return text


def _check_hotword(word: str) -> str:
    """FunASR opens hotwords that look like an address or a file, and audio named in a tag."""
    if any(c in word for c in "/\\:") or word.lower().endswith(".txt") or "<|" in word:
        raise ValueError("a hotword must not look like an address, a file or a tag")
    return word


MAX_INDEX = (1 << 27) - 1
"""134 million files in a job: a bitmap of 16 MiB per outcome."""

MAX_SPEAKERS = 100
MAX_SEGMENT_S = 600.0
"""Nothing longer is recognised in one piece."""

Text = Annotated[str, AfterValidator(_check_text)]
Hotword = Annotated[Text, Field(min_length=1, max_length=100), AfterValidator(_check_hotword)]
JobName = Annotated[str, AfterValidator(check_job_name)]
AudioAddress = Annotated[str, AfterValidator(check_audio)]
OutputPrefix = Annotated[str, AfterValidator(check_output)]
Relative = Annotated[str, AfterValidator(check_relative)]


class _Frozen(BaseModel):
    model_config = ConfigDict(
        frozen=True, extra="forbid", populate_by_name=True, serialize_by_alias=True
    )


class Options(_Frozen):
    """How a job wants its files transcribed."""

    formats: tuple[Format, ...] = ("json",)
    """Output formats; json is written whether named or not, it is the commit marker."""
    language: Text | None = None
    """Language code for models that take one; None lets the model find out."""
    hotwords: tuple[Hotword, ...] = ()
    """Words to prefer; never logged."""
    timestamps: Literal["segment", "word"] = "segment"
    """Whether segments carry their words with times."""
    speakers: bool = False
    """Whether segments name their speaker."""
    speaker_count: Annotated[int, Field(ge=1, le=MAX_SPEAKERS)] | None = None
    """How many speakers there are; None lets the model find out."""
    channels: Literal["mix", "split"] = "mix"
    """One transcript of all channels mixed, or one per channel."""
    itn: bool | None = None
    """Whether numbers, dates and the like are written in digits; None leaves it to the model."""
    segments: Literal["speech", "sentence"] = "speech"
    """What a segment is: a stretch of speech between pauses, or a sentence."""
    merge_seconds: Annotated[float, Field(gt=0, le=MAX_SEGMENT_S)] | None = None
    """Neighbouring speech is recognised as one up to this length in s; None keeps it apart."""
    max_segment_seconds: Annotated[float, Field(ge=1, le=MAX_SEGMENT_S)] | None = None
    """Longer speech is cut where it is quietest, in s; None leaves it to the model."""
    second_look: bool = False
    """Whether speech whose text is doubtful is cut and recognised once more."""

    @model_validator(mode="before")
    @classmethod
    def _count_means_speakers(cls, data: Any) -> Any:
        """Whoever says how many there are wants them told apart."""
        if isinstance(data, dict) and data.get("speaker_count") and "speakers" not in data:
            return {**data, "speakers": True}
        return data

    def overlaid(self, ref: "AudioRef") -> "Options":
        """These options with those of one file laid over them.

        Raises:
            ValidationError: when the file's are none.
        """
        if not ref.options:
            return self
        own = self.model_dump(exclude_defaults=True)
        return Options.model_validate({**own, **ref.options})


class AudioRef(_Frozen):
    """One stretch of one audio object: a pointer, never bytes."""

    index: Annotated[Whole, Field(le=MAX_INDEX)] | None = None
    """Position in the job, the key of the ledger's bitmaps."""
    audio: AudioAddress
    """Where the audio lies: s3://, or http(s):// of a host in FLEET_ALLOWED_HTTP_HOSTS."""
    relative: Relative = ""
    """Name of the outputs below the output prefix; by default the object's key, or the path."""
    etag: Text | None = None
    """ETag seen when the file was listed."""
    size_bytes: AudioBytes | None = Field(default=None, alias="bytes")
    """Size in bytes seen when the file was listed."""
    start_ms: TimeMs | None = None
    """Start of the stretch in ms; None is the beginning."""
    end_ms: TimeMs | None = None
    """End of the stretch in ms; None is the end of the audio."""
    channel: Channel | None = None
    """The one channel to transcribe; None mixes all of them."""
    options: dict[str, Any] = Field(default_factory=dict)
    """Options of this file alone, laid over those of the shard."""

    @model_validator(mode="before")
    @classmethod
    def _name_after_key(cls, data: Any) -> Any:
        if isinstance(data, dict) and not data.get("relative"):
            audio = data.get("audio")
            if isinstance(audio, str) and (is_s3_uri(audio) or is_web(audio)):
                return {**data, "relative": default_name(audio)}
        return data

    @model_validator(mode="after")
    def _check_stretch(self) -> Self:
        if self.end_ms is not None and self.end_ms <= (self.start_ms or 0):
            raise ValueError("end_ms must lie after start_ms")
        return self


class Shard(_Frozen):
    """A message: some files worth a stretch of device time, and what to do with them."""

    schema_version: Literal[1] = Field(alias="schema")
    """Version of this document."""
    shard: Text = Field(min_length=1, max_length=200)
    """Identity of the message, the same however often it is delivered."""
    job: JobName | None = None
    """The job whose ledger counts these files, if any."""
    output: OutputPrefix
    """Prefix under which the outputs are written."""
    files: tuple[AudioRef, ...] = Field(min_length=1, max_length=10_000)
    """The files, each of which commits on its own."""
    options: Options = Options()
    """Options of every file that does not override them."""
    overwrite: bool = False
    """Whether only a result of this very job counts as done; otherwise any current one does."""

    @model_validator(mode="after")
    def _check_overrides(self) -> Self:
        for position, ref in enumerate(self.files):
            try:
                self.options.overlaid(ref)
            except ValidationError as error:
                raise ValueError(f"options of file {position}: {explain(error)}") from None
        if self.overwrite and self.job is None:
            raise ValueError("overwrite needs a job")
        return self

    @classmethod
    def from_message(cls, document: Any) -> Self:
        """Parse a task's argument.

        Raises:
            MalformedShard: with every field that is wrong.
        """
        try:
            return cls.model_validate(document)
        except ValidationError as error:
            raise MalformedShard(f"malformed shard: {explain(error)}") from None

    def to_message(self) -> dict[str, Any]:
        """The JSON document of the interface, without what is default."""
        return self.model_dump(mode="json", exclude_defaults=True) | {"schema": 1}
