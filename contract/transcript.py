"""The documents that users read from S3; nothing else defines their shape."""

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
Outcome = Literal["ok", "empty", "failed", "skipped", "cancelled"]
"""How a file of a job ended; skipped means that its result was already there."""
WarningKind = Literal[
    "speech_without_text",
    "implausible_rate",
    "repeated_phrase",
    "text_ends_early",
    "audio_damaged",
]
"""What makes a result doubtful; see worker.planning.quality, and worker.damage for the audio."""
Stage = Literal["fetch", "decode", "vad", "recognise", "punctuate", "write"]
STAGES: tuple[Stage, ...] = get_args(Stage)


def utc_now() -> str:
    """Now in UTC, ISO 8601 to the second, as every document here writes it."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


class _Frozen(BaseModel):
    model_config = ConfigDict(
        frozen=True,
        populate_by_name=True,
        serialize_by_alias=True,
        protected_namespaces=(),
    )


class Word(_Frozen):
    """One word (or one Han character) with its place in the audio."""

    text: str
    start_ms: int
    end_ms: int


class Segment(_Frozen):
    """One stretch of speech and what was said in it; times count from the file's beginning."""

    start_ms: int
    end_ms: int
    text: str
    speaker: str | None = None
    """Label of the speaker, None when speakers were not asked for."""
    confidence: float | None = None
    """0-1, None when the model gives no score."""
    words: tuple[Word, ...] | None = None
    """None when word times were not asked for or the model has none."""
    language: str | None = None
    """What the model heard spoken; only models that tell it by segment."""
    emotion: str | None = None
    """How it was said, such as happy; only models that tell it."""
    events: tuple[str, ...] = ()
    """What else was heard, such as laughter; only models that tell it."""

    @model_serializer(mode="wrap")
    def _leave_out_what_few_models_tell(
        self, serialize: SerializerFunctionWrapHandler
    ) -> dict[str, Any]:
        document: dict[str, Any] = serialize(self)
        told = ("language", "emotion", "events")
        return {name: value for name, value in document.items() if value or name not in told}


class AudioInfo(_Frozen):
    """The audio as it was found; None where it could not be read."""

    uri: str
    etag: str | None = None
    duration_ms: int | None = None
    sample_rate: int | None = None
    """Samples per second before resampling, in Hz."""
    channels: int | None = None
    channel: int | None = None
    """The channel transcribed, None for the mix of all."""
    start_ms: int | None = None
    end_ms: int | None = None
    lost_ms: int | None = None
    """How much of the stretch could not be decoded; silence stands in its place. Left out when
    nothing was lost."""

    @model_serializer(mode="wrap")
    def _leave_out_what_is_whole(self, serialize: SerializerFunctionWrapHandler) -> dict[str, Any]:
        document: dict[str, Any] = serialize(self)
        if not self.lost_ms:
            document.pop("lost_ms", None)
        return document


class Receipt(_Frozen):
    """How a transcript came about."""

    job: str | None
    fingerprint: str
    """See contract.layout.fingerprint."""
    model: str
    """Name as configured."""
    model_revision: str
    """sha256 of the model's files."""
    funasr: str
    torch: str
    device: str
    precision: str
    torch_threads: int
    """Intra-operator threads while this file was transcribed."""
    options: dict[str, Any]
    attempt: int
    worker: str
    slot: int
    speech_ms: int
    """Length of all speech spans together."""
    stages_ms: dict[Stage, int]
    rtfx: float
    """Audio seconds per second of processing, from fetch to write."""
    finished_at: str
    """UTC, ISO 8601."""


class Transcript(_Frozen):
    """The .json of one file. Written last: its presence says that the file is done."""

    schema_version: Literal[1] = Field(default=1, alias="schema")
    audio: AudioInfo
    language: str | None
    text: str
    segments: tuple[Segment, ...]
    warnings: tuple[WarningKind, ...] = ()
    receipt: Receipt

    def to_json(self) -> bytes:
        """UTF-8; warnings only when there are some."""
        exclude = None if self.warnings else {"warnings"}
        return self.model_dump_json(exclude=exclude).encode() + b"\n"


class FailureDetail(_Frozen):
    """Why a file failed for good."""

    kind: ErrorKind
    message: str
    attempts: int
    worker: str
    at: str
    """UTC, ISO 8601."""


class ErrorReport(_Frozen):
    """The .error.json of one file."""

    schema_version: Literal[1] = Field(default=1, alias="schema")
    audio: AudioInfo
    error: FailureDetail

    def to_json(self) -> bytes:
        """UTF-8, one object."""
        return self.model_dump_json().encode() + b"\n"
