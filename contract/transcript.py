"""The result documents in S3: Transcript and ErrorReport. This module alone defines their shape."""

from datetime import UTC, datetime
from typing import Any, Literal, get_args

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SerializerFunctionWrapHandler,
    model_serializer,
)

ErrorKind = Literal[
    "undecodable_audio",
    "audio_missing",
    "audio_too_long",
    "audio_too_short",
    "access_denied",
    "out_of_memory",
    "poison",
    "model_error",
    "cancelled",
]
PostponeReason = Literal[
    "disk_full",
    "storage_unavailable",
    "credentials_refused",
    "truncated_audio",
    "local_error",
    "job_locked",
]
"""Why a worker republished a shard to retry it later."""
Outcome = Literal["ok", "empty", "failed", "skipped", "cancelled"]
"""How a file of a job ended; skipped: a current result already existed."""
WarningKind = Literal[
    "speech_without_text",
    "implausible_rate",
    "repeated_phrase",
    "text_ends_early",
    "low_confidence",
    "probably_no_speech",
    "audio_damaged",
    "audio_truncated",
    "audio_gaps_filled",
    "several_audio_tracks",
    "format_changed",
    "channels_cancel",
    "language_ignored",
    "source_unverified",
]
"""Quality warnings of a result; see worker.text.quality and worker.audio.decoding."""
Stage = Literal["fetch", "decode", "vad", "recognise", "punctuate", "write"]
STAGES: tuple[Stage, ...] = get_args(Stage)


def utc_now() -> str:
    """The current time in UTC, ISO 8601 to the second, the format of all documents."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


class _Frozen(BaseModel):
    model_config = ConfigDict(
        frozen=True,
        populate_by_name=True,
        serialize_by_alias=True,
        protected_namespaces=(),
    )


class Word(_Frozen):
    """One word (or one Han character) with its times."""

    text: str
    start_ms: int
    end_ms: int


class Segment(_Frozen):
    """A segment of speech and its text; times count from the start of the file."""

    start_ms: int
    end_ms: int
    text: str
    speaker: str | None = None
    """Label of the speaker; None unless speakers were requested."""
    confidence: float | None = None
    """0-1; None when the model returns no score."""
    words: tuple[Word, ...] | None = None
    """None unless word times were requested and the model has them."""
    language: str | None = None
    """Detected language; only from models that report it per segment."""
    emotion: str | None = None
    """Emotion of the speaker, such as happy; only from models that report it."""
    events: tuple[str, ...] = ()
    """Sound events, such as laughter; only from models that report them."""
    no_speech_prob: float | None = None
    """Probability, 0-1, that there is no speech; only from models that report it."""

    @model_serializer(mode="wrap")
    def _omit_empty_optional_fields(
        self, serialize: SerializerFunctionWrapHandler
    ) -> dict[str, Any]:
        document: dict[str, Any] = serialize(self)
        optional = ("language", "emotion", "events", "no_speech_prob")
        return {k: v for k, v in document.items() if k not in optional or v or v == 0}


class LeftOut(_Frozen):
    """Text that was left out of the transcript because its clip probably contains no speech."""

    start_ms: int
    end_ms: int
    text: str


class AudioInfo(_Frozen):
    """Properties of the audio; None where they could not be read."""

    uri: str
    etag: str | None = None
    duration_ms: int | None = None
    sample_rate: int | None = None
    """Samples per second before resampling, in Hz."""
    channels: int | None = None
    channel: int | None = None
    """The transcribed channel; None for the mix of all channels."""
    start_ms: int | None = None
    end_ms: int | None = None
    lost_ms: int | None = None
    """Length of audio that could not be decoded, that FFmpeg did not read, or that is missing at
    the end, in ms. Silence replaces it, except at the end. Left out when nothing was lost."""
    repaired: int | None = None
    """Number of places where damaged audio was skipped or replaced by silence; left out when 0."""
    track: int | None = None
    """The audio track of a file with several, counted from 0. Left out for other files."""

    @model_serializer(mode="wrap")
    def _omit_what_is_usual(self, serialize: SerializerFunctionWrapHandler) -> dict[str, Any]:
        document: dict[str, Any] = serialize(self)
        usual = {"lost_ms": (None, 0), "repaired": (None, 0), "track": (None,)}
        return {name: value for name, value in document.items() if value not in usual.get(name, ())}


class Receipt(_Frozen):
    """How a transcript was made: model, software, options, device and timings."""

    job: str | None
    fingerprint: str
    """Hash of everything the result depends on; see contract.layout.fingerprint."""
    model: str
    """The configured name."""
    model_revision: str
    """sha256 of the model's files."""
    funasr: str
    torch: str
    device: str
    precision: str
    torch_threads: int
    """Intra-op threads of torch while this file was transcribed."""
    options: dict[str, Any]
    attempt: int
    worker: str
    slot: int
    speech_ms: int
    """Total length of all speech spans."""
    stages_ms: dict[Stage, int]
    rtfx: float
    """Audio seconds per second of processing, from fetch to write."""
    finished_at: str
    """UTC, ISO 8601."""


class Transcript(_Frozen):
    """The .json of one file. It is written last: if it exists, the file is done."""

    schema_version: Literal[1] = Field(default=1, alias="schema")
    audio: AudioInfo
    language: str | None
    text: str
    segments: tuple[Segment, ...]
    warnings: tuple[WarningKind, ...] = ()
    left_out: tuple[LeftOut, ...] = ()
    receipt: Receipt

    def to_json(self) -> bytes:
        """One line of JSON in UTF-8, without `warnings` and `left_out` where they are empty."""
        optional = ("warnings", "left_out")
        exclude = {name for name in optional if not getattr(self, name)}
        return self.model_dump_json(exclude=exclude).encode() + b"\n"


class FailureDetail(_Frozen):
    """Why a file failed permanently."""

    kind: ErrorKind
    message: str
    attempts: int
    worker: str
    at: str
    """UTC, ISO 8601."""


class ErrorReport(_Frozen):
    """The .error.json of one file."""

    schema_version: Literal[1] = Field(default=1, alias="schema")
    job: str | None = None
    """The job whose file failed; left out for a shard without a job."""
    audio: AudioInfo
    error: FailureDetail

    def to_json(self) -> bytes:
        """One line of JSON in UTF-8."""
        exclude = {"job"} if self.job is None else None
        return self.model_dump_json(exclude=exclude).encode() + b"\n"
