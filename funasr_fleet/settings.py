"""All settings of the fleet: read once, frozen, and printable without secrets.

Precedence: arguments of load(), such as command-line flags > environment > fleet.toml > default.
"""

import difflib
import os
import re
import tempfile
import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Field, ValidationError, field_validator
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)
from redis.connection import parse_url

from funasr_fleet.contract.layout import check_output

PREFIX = "FLEET_"
DEMO = "demo"
"""Name of the embedded model."""


class BadConfiguration(Exception):
    """A setting is invalid: correct what the message names."""


class Settings(BaseSettings):
    """Each field is FLEET_<NAME> in the environment, or its lower-case name in fleet.toml."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        frozen=True,
        extra="forbid",
        toml_file="fleet.toml",
        use_attribute_docstrings=True,
    )

    broker_url: str = "redis://127.0.0.1:6379/0"
    """URL of the Redis or Valkey server for tasks and ledger: redis:// or rediss://."""
    key_prefix: str = ""
    """Prefix of every Redis key, so that several fleets can share one Redis."""
    queue: str = "fleet"
    """The queue that a worker consumes and a producer publishes to."""
    model: str = "paraformer-zh"
    """Recognition model: hub name (optionally with @revision), directory, or demo for the embedded
    model."""
    vad_model: str = "auto"
    """VAD model: hub name or directory; auto selects the one that matches FLEET_MODEL."""
    punc_model: str = ""
    """Punctuation model: hub name or directory; empty for none."""
    spk_model: str = ""
    """Speaker model: hub name or directory; empty for none."""
    devices: str = "auto"
    """auto (every GPU), cpu, or a list: 0,1 or GPU-<uuid>,...; one worker child each."""
    on_missing_gpu: Literal["fail", "cpu"] = "fail"
    """What to do when a GPU is missing: refuse to start, or run on the CPU."""
    torch_threads: Literal["auto"] | int = "auto"
    """CPU threads of each child; auto divides the physical cores among the children."""
    decode_processes: Literal["auto"] | int = "auto"
    """Processes of each child that decode audio; auto is half of its threads, from 1 to 8."""
    batch_seconds: Literal["auto"] | Annotated[float, Field(gt=0)] = "auto"
    """Audio seconds per recognition batch, padding included; auto is 60 on a CPU, and on a GPU as
    much as fits into half of its free memory. Smaller batches are tried when memory runs out."""
    precision: Literal["fp32", "bf16", "fp16"] = "fp32"
    """Number format of the recogniser's matrix products; its weights are not converted."""
    metrics_port: int = Field(default=9464, ge=0, le=65535)
    """Port of /metrics, /healthz and /readyz; 0 disables them."""
    metrics_host: str = ""
    """Address on which the metrics servers of workers and of the exporter listen; empty for all
    interfaces. `fleet up` and `fleet demo` use 127.0.0.1."""
    log_format: Literal["text", "json"] = "text"
    """Log format, one line per event: text for people, json for machines."""
    visibility_timeout_s: int = Field(default=120, ge=15)
    """Time after which the tasks of a vanished worker are redelivered to another, in seconds. A
    worker renews its deliveries at least six times within it."""
    stall_s: float = Field(default=300.0, ge=1)
    """A child that makes no progress on a shard for this long, in seconds, is killed; its shard is
    retried."""
    min_rtfx: float = Field(default=0.2, gt=0)
    """Minimum processing speed, in audio seconds per second: a file that takes longer than that
    plus FLEET_STALL_S fails; if a shard takes twice as long, its child is killed."""
    drain_s: float = Field(default=25.0, ge=0)
    """Drain time after SIGTERM, in seconds: files in progress may finish within it; the rest is
    requeued at the head of the queue."""
    max_resident_mb: int = Field(default=0, ge=0)
    """A child that uses more memory than this after a shard, in MiB, is replaced; 0 is no limit."""
    max_attempts: int = Field(default=3, ge=1)
    """Number of attempts before a file is moved to the dead letters."""
    max_audio_s: float = Field(default=12 * 3600.0, gt=0)
    """Maximum audio duration, in seconds."""
    max_bytes: int = Field(default=8 << 30, ge=1)
    """Maximum size of an audio file, in bytes; 12 h of 16-bit stereo at 48 kHz are 8.3 GB."""
    max_channels: int = Field(default=32, ge=1)
    """Maximum number of channels of a file, whether or not all of them are transcribed."""
    max_sample_rate: int = Field(default=384_000, ge=1000, le=2_822_400)
    """Maximum sample rate of a file, in Hz; DSD, which FFmpeg counts in bytes, may have 2,822,400.
    """
    max_decoded_mb: float = Field(default=20_000, gt=0)
    """Maximum size of a file's decoded samples, in MB: one hour of one channel is 230, 12 hours of
    seven channels are 19,400."""
    allowed_buckets: str = ""
    """The only buckets that may be read or written, separated by commas; empty for all."""
    allowed_http_hosts: str = ""
    """Hosts from which audio may be fetched by http:// or https://, separated by commas; empty for
    none."""
    scratch: str = ""
    """Prefix for uploads and results of `fleet transcribe`: s3://bucket/prefix/."""
    run_dir: Path = Path(tempfile.gettempdir()) / "funasr-fleet"
    """Directory for the state and metrics that the processes of a worker share, and for compiled
    code unless NUMBA_CACHE_DIR is set. Both directories are created with mode 0700; a worker does
    not start if another user owns them or can write to them."""

    @field_validator("torch_threads", "decode_processes")
    @classmethod
    def _at_least_one(cls, threads: Literal["auto"] | int) -> Literal["auto"] | int:
        if isinstance(threads, int) and threads < 1:
            raise ValueError("must be auto or at least 1")
        return threads

    @field_validator("broker_url")
    @classmethod
    def _speaks_redis(cls, url: str) -> str:
        if not url.startswith(("redis://", "rediss://")):
            raise ValueError("must begin with redis:// or rediss://")
        try:
            parse_url(url)
        except ValueError:  # its text could contain a part of the password
            raise ValueError(
                "is not a valid URL; percent-encode characters such as / : @ in the password"
            ) from None
        return url

    @field_validator("scratch")
    @classmethod
    def _is_a_prefix(cls, scratch: str) -> str:
        return check_output(scratch) if scratch else scratch

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Precedence: arguments > environment > fleet.toml. No .env file, no secrets directory."""
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls)

    @classmethod
    def load(cls, **overrides: Any) -> Self:
        """Read the settings.

        Raises:
            BadConfiguration: naming the invalid setting; for an unknown one, the closest match.
        """
        refuse_unknown(os.environ)
        try:
            return cls(**{name: value for name, value in overrides.items() if value is not None})
        except tomllib.TOMLDecodeError as error:
            raise BadConfiguration(f"fleet.toml cannot be read: {error}") from None
        except ValidationError as error:
            raise BadConfiguration("; ".join(map(_explain, error.errors()))) from None

    def redacted(self) -> dict[str, str]:
        """Every setting as text, with passwords in URLs replaced by ***."""
        return {name: redact(str(value)) for name, value in self.model_dump().items()}

    def to_environment(self) -> dict[str, str]:
        """The settings as FLEET_ variables, for a child process."""
        return {PREFIX + name.upper(): str(value) for name, value in self.model_dump().items()}


def listed(names: str) -> frozenset[str]:
    """The names in a comma-separated setting."""
    return frozenset(name.strip() for name in names.split(",") if name.strip())


def listed_hosts(names: str) -> frozenset[str]:
    """The hosts in a comma-separated setting, in lower case."""
    return frozenset(name.lower() for name in listed(names))


def redact(text: str) -> str:
    """Replace with *** the password of every URL, and query and fragment of http(s) URLs."""
    text = re.sub(r"(?<=://)([^:/\s]*):[^/\s]*@", r"\1:***@", text)
    return re.sub(r"(https?://[^\s?#\"']*)[?#][^\s\"']+", r"\1?***", text)


def refuse_unknown(environment: "os._Environ[str] | dict[str, str]") -> None:
    """Reject unknown FLEET_ variables.

    Raises:
        BadConfiguration: with the closest known name.
    """
    known = {PREFIX + name.upper() for name in Settings.model_fields}
    for name in environment:
        if name.startswith(PREFIX) and name not in known:
            near = difflib.get_close_matches(name, known, n=1, cutoff=0)[0]
            raise BadConfiguration(f"{name} is not a setting; did you mean {near}?")


def _explain(error: Any) -> str:
    name = ".".join(map(str, error["loc"]))
    if error["type"] == "extra_forbidden":
        near = difflib.get_close_matches(name, Settings.model_fields, n=1, cutoff=0)[0]
        return f"{name} in fleet.toml is not a setting; did you mean {near}?"
    return f"{PREFIX}{name.split('.')[0].upper()}: {error['msg']}"
