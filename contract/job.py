"""The message of the task: a shard of audio references with the options of their job."""

from typing import Annotated, Any, Literal, Self, get_args

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    FailFast,
    Field,
    ValidationError,
    model_validator,
)

from funasr_fleet.contract.audio_address import check_audio, default_name, is_web
from funasr_fleet.contract.invalid_fields import explain
from funasr_fleet.contract.language import language_code
from funasr_fleet.contract.layout import (
    check_job_name,
    check_output,
    check_relative,
    is_s3_uri,
    is_whole,
)

MAX_TIME_MS = 1 << 42
"""139 years: longer than any recording; at 192 kHz the sample count still fits in 64 bits."""

MAX_AUDIO_BYTES = 50 << 40
"""50 TiB; S3's largest object has 50 TB."""

MAX_CHANNEL = (1 << 16) - 1
"""A WAV header counts channels in 16 bits."""

MAX_AUDIO_TRACK = 999
"""FFmpeg opens at most 1,000 streams of a file."""

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


class MalformedShard(ValueError):
    """The message is not a shard of schema 1: correct the fields named and send it again."""


def _check_text(text: str) -> str:
    if not is_whole(text):
        raise ValueError("must not contain a lone surrogate")
    return text


def _refuse_boolean(value: Any) -> Any:
    """Reject booleans, which Python accepts as integers."""
    if isinstance(value, bool):
        raise ValueError("must be a whole number, not true or false")
    return value


def _check_hotword(word: str) -> str:
    """Reject hotwords that FunASR would open: URLs, files, and tags that name audio."""
    if any(c in word for c in "/\\:") or word.lower().endswith(".txt") or "<|" in word:
        raise ValueError(
            r"a hotword must not contain / \ : or <|, nor end with .txt: FunASR would read it as a "
            "URL, a file or a tag"
        )
    return word


MAX_INDEX = (1 << 27) - 1
"""At most 134 million files in a job: a bitmap of 16 MiB per outcome."""

MAX_SPEAKERS = 100
MAX_SEGMENT_S = 600.0
"""Maximum length, in seconds, of a clip that is recognised in one piece."""

MAX_HOTWORDS = 10_000

MAX_ETAG_CHARS = 1024
"""S3's ETags have about 40 characters."""

Whole = Annotated[int, BeforeValidator(_refuse_boolean), Field(ge=0)]
TimeMs = Annotated[Whole, Field(le=MAX_TIME_MS)]
AudioBytes = Annotated[Whole, Field(le=MAX_AUDIO_BYTES)]
Channel = Annotated[Whole, Field(le=MAX_CHANNEL)]
AudioTrack = Annotated[Whole, Field(le=MAX_AUDIO_TRACK)]
Text = Annotated[str, AfterValidator(_check_text)]
Hotword = Annotated[Text, Field(min_length=1, max_length=100), AfterValidator(_check_hotword)]
Language = Annotated[Text, AfterValidator(language_code)]
JobName = Annotated[str, AfterValidator(check_job_name)]
AudioAddress = Annotated[str, AfterValidator(check_audio)]
OutputPrefix = Annotated[str, AfterValidator(check_output)]
Relative = Annotated[str, AfterValidator(check_relative)]


class _Frozen(BaseModel):
    model_config = ConfigDict(
        frozen=True, extra="forbid", populate_by_name=True, serialize_by_alias=True
    )


class Options(_Frozen):
    """How the files of a job are transcribed."""

    formats: Annotated[tuple[Format, ...], Field(max_length=100), FailFast()] = ("json",)
    """Output formats; json is always written, since it is the commit marker."""
    language: Language | None = None
    """Code of the spoken language; None lets the model detect it. Some models ignore it."""
    hotwords: Annotated[tuple[Hotword, ...], Field(max_length=MAX_HOTWORDS), FailFast()] = ()
    """Words that the model should prefer; never logged."""
    timestamps: Literal["segment", "word"] = "segment"
    """Whether segments contain their words with times."""
    speakers: bool = False
    """Whether segments have speaker labels."""
    speaker_count: Annotated[int, Field(ge=1, le=MAX_SPEAKERS)] | None = None
    """Number of speakers; None lets the model estimate it."""
    channels: Literal["mix", "split"] = "mix"
    """One transcript of all channels mixed, or one per channel."""
    audio_track: AudioTrack | None = None
    """The audio track to transcribe, counted from 0; None lets the decoder choose one."""
    itn: bool | None = None
    """Whether numbers, dates and the like are written in digits; None: decided by the model."""
    segments: Literal["speech", "sentence"] = "speech"
    """What a segment is: the speech between two pauses, or a sentence."""
    merge_seconds: Annotated[float, Field(gt=0, le=MAX_SEGMENT_S)] | None = None
    """Adjacent speech is merged up to this length in seconds; None merges nothing."""
    max_segment_seconds: Annotated[float, Field(ge=1, le=MAX_SEGMENT_S)] | None = None
    """Longer speech is split at its quietest point, in seconds; None: decided by the model."""
    second_look: bool = False
    """Whether speech with a suspect text is split and recognised again."""

    @model_validator(mode="before")
    @classmethod
    def _count_means_speakers(cls, data: Any) -> Any:
        """A speaker_count implies speakers."""
        if isinstance(data, dict) and data.get("speaker_count") and "speakers" not in data:
            return {**data, "speakers": True}
        return data

    def overlaid(self, ref: "AudioRef") -> "Options":
        """These options, overridden by those of one file.

        Raises:
            ValidationError: the file's options are invalid.
        """
        if not ref.options:
            return self
        # up to 10,000 hotwords are not validated again for each of 10,000 files
        own = self.model_dump(exclude_defaults=True, exclude={"hotwords"})
        merged = Options.model_validate({**own, **ref.options})
        kept = {} if "hotwords" in ref.options else {"hotwords": self.hotwords}
        return merged.model_copy(update=kept)


class AudioRef(_Frozen):
    """A range of one audio object: a pointer, never bytes."""

    index: Annotated[Whole, Field(le=MAX_INDEX)] | None = None
    """Position in the job, and in the ledger's bitmaps."""
    audio: AudioAddress
    """Address of the audio: s3://, or http(s):// of a host in FLEET_ALLOWED_HTTP_HOSTS."""
    relative: Relative = ""
    """Name of the outputs below the output prefix; by default the object's key or the URL path."""
    etag: Annotated[Text, Field(max_length=MAX_ETAG_CHARS)] | None = None
    """ETag seen when the file was listed."""
    size_bytes: AudioBytes | None = Field(default=None, alias="bytes")
    """Size in bytes seen when the file was listed."""
    start_ms: TimeMs | None = None
    """Start of the range in ms; None is the start of the audio."""
    end_ms: TimeMs | None = None
    """End of the range in ms; None is the end of the audio."""
    channel: Channel | None = None
    """The channel to transcribe; None mixes all channels."""
    options: dict[str, Any] = Field(default_factory=dict)
    """Options of this file only, which override those of the shard."""

    @model_validator(mode="before")
    @classmethod
    def _name_after_key(cls, data: Any) -> Any:
        if isinstance(data, dict) and not data.get("relative"):
            audio = data.get("audio")
            if isinstance(audio, str) and (is_s3_uri(audio) or is_web(audio)):
                return {**data, "relative": default_name(audio)}
        return data

    @model_validator(mode="after")
    def _check_range(self) -> Self:
        if self.end_ms is not None and self.end_ms <= (self.start_ms or 0):
            raise ValueError("end_ms must be after start_ms")
        return self


class Shard(_Frozen):
    """A message: the files of one unit of work, with their options and output prefix."""

    schema_version: Literal[1] = Field(alias="schema")
    """Version of this document."""
    shard: Text = Field(min_length=1, max_length=200)
    """Id of the shard, the same for every delivery of it."""
    job: JobName | None = None
    """The job in whose ledger these files are counted, if any."""
    output: OutputPrefix
    """Prefix under which the outputs are written."""
    job_files: Annotated[Whole, Field(ge=1, le=MAX_INDEX + 1)] | None = None
    """Number of files of the whole job, if the client gives it; see docs/contract.md."""
    files: tuple[AudioRef, ...] = Field(min_length=1, max_length=10_000)
    """The files; each is committed on its own."""
    options: Options = Options()
    """Options of every file that does not override them."""
    overwrite: bool = False
    """Whether only results of this job count as done; otherwise any current result does."""

    @model_validator(mode="after")
    def _check_overrides(self) -> Self:
        for position, ref in enumerate(self.files):
            try:
                self.options.overlaid(ref)
            except ValidationError as error:
                raise ValueError(f"options of file {position}: {explain(error)}") from None
        if self.job is None and (self.overwrite or self.job_files):
            raise ValueError(f"{'overwrite' if self.overwrite else 'job_files'} needs a job")
        return self

    @classmethod
    def from_message(cls, document: Any) -> Self:
        """Parse a task's argument.

        Raises:
            MalformedShard: it is not a shard; the message names up to ten invalid fields.
        """
        try:
            return cls.model_validate(document)
        except ValidationError as error:
            raise MalformedShard(f"malformed shard: {explain(error)}") from None

    def to_message(self) -> dict[str, Any]:
        """The message as JSON, without fields that have their default."""
        return self.model_dump(mode="json", exclude_defaults=True) | {"schema": 1}
