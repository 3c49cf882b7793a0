"""Every setting of the fleet: read once, frozen, and printable without its secrets.

Order: environment (where flags of the command line are put) > fleet.toml > default.
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

from contract.job import check_output

PREFIX = "FLEET_"
DEMO = "demo"
"""Name of the embedded model."""


class BadConfiguration(Exception):
    """A setting is wrong: correct what the message names."""


class Settings(BaseSettings):
    """FLEET_<NAME> in the environment, or the lower-case name in fleet.toml."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        frozen=True,
        extra="forbid",
        toml_file="fleet.toml",
        use_attribute_docstrings=True,
    )

    broker_url: str = "redis://127.0.0.1:6379/0"
    """Redis or Valkey that carries the tasks and the ledger: redis:// or rediss://."""
    key_prefix: str = ""
    """Put before every key, so that several fleets can share one Redis."""
    queue: str = "fleet"
    """The queue that this worker consumes or this producer fills."""
    model: str = "paraformer-zh"
    """Recogniser: hub name (with @revision for one of its own), directory, or demo, the embedded
    model."""
    vad_model: str = "auto"
    """Finds the speech: hub name or directory; auto fits the recogniser."""
    punc_model: str = ""
    """Restores punctuation: hub name or directory; empty for none."""
    spk_model: str = ""
    """Tells speakers apart: hub name or directory; empty for none."""
    devices: str = "auto"
    """auto (every GPU), cpu, or a list: 0,1 or GPU-<uuid>,...; one worker child each."""
    on_missing_gpu: Literal["fail", "cpu"] = "fail"
    """What to do when a GPU is not there: refuse to start, or work on the CPU."""
    torch_threads: Literal["auto"] | int = "auto"
    """CPU threads of each child; auto shares the physical cores out."""
    batch_seconds: Literal["auto"] | Annotated[float, Field(gt=0)] = "auto"
    """Padded audio seconds that go through the recogniser at once; auto is 60 on a CPU, and on a
    GPU as many as half of its free memory takes. Less is tried when memory runs out."""
    precision: Literal["fp32", "bf16", "fp16"] = "fp32"
    """Number format of the recogniser's matrix products; its weights stay as they are."""
    metrics_port: int = Field(default=9464, ge=0, le=65535)
    """Port of /metrics, /healthz and /readyz; 0 turns them off."""
    log_format: Literal["text", "json"] = "text"
    """One line per event, for people or for machines."""
    visibility_timeout_s: int = Field(default=120, ge=15)
    """After how long the tasks of a vanished worker are given to another, in seconds; a worker
    renews its hold on what it works on at least six times as often."""
    stall_s: float = Field(default=300.0, ge=1)
    """A child that makes no progress on a shard for so long, in seconds, is killed; its shard is
    tried again."""
    min_rtfx: float = Field(default=0.2, gt=0)
    """Slowest speed that is taken for work, in audio seconds per second: a file that needs more
    time (and FLEET_STALL_S) fails, a shard that needs twice as much takes its child down."""
    drain_s: float = Field(default=25.0, ge=0)
    """After SIGTERM, how long files in hand may take to be finished, in seconds; what is not
    done then goes back to the head of the queue."""
    max_resident_mb: int = Field(default=0, ge=0)
    """A child that holds more MiB of memory after a shard is replaced; 0 is no limit."""
    max_attempts: int = Field(default=3, ge=1)
    """How often a file is tried before it is put aside."""
    max_audio_s: float = Field(default=12 * 3600.0, gt=0)
    """Longest audio accepted."""
    max_bytes: int = Field(default=8 << 30, ge=1)
    """Largest file fetched, in bytes; 12 h of 16-bit stereo at 48 kHz are 8.3 GB."""
    max_channels: int = Field(default=32, ge=1)
    """Most channels a file may have, whichever of them are asked for."""
    max_decoded_mb: float = Field(default=20_000, gt=0)
    """Largest size of a file's samples once decoded, in MB: an hour of one channel is 230, twelve
    hours of seven are 19,400."""
    allowed_buckets: str = ""
    """The only buckets that are read or written, separated by commas; empty for all."""
    allowed_http_hosts: str = ""
    """Hosts whose http:// and https:// addresses may be audio, separated by commas; empty for
    none."""
    scratch: str = ""
    """Where `fleet transcribe` puts uploads and results: s3://bucket/prefix/."""
    run_dir: Path = Path(tempfile.gettempdir()) / "funasr-fleet"
    """Where the processes of a worker leave their state and metrics for each other, and what is
    compiled for them unless NUMBA_CACHE_DIR says where. Both directories are made with mode 0700;
    a worker does not start where another user owns them or can write to them."""

    @field_validator("torch_threads")
    @classmethod
    def _at_least_one_thread(cls, threads: Literal["auto"] | int) -> Literal["auto"] | int:
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
        except ValueError:  # its text would show a part of the password
            raise ValueError(
                "is no valid address; percent-encode / : @ and the like in the password"
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
        """Arguments over environment over fleet.toml; no .env file, no secret folder."""
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls)

    @classmethod
    def load(cls, **overrides: Any) -> Self:
        """Read the settings.

        Raises:
            BadConfiguration: naming the setting, and the nearest known name of a misspelt one.
        """
        refuse_unknown(os.environ)
        try:
            return cls(**{name: value for name, value in overrides.items() if value is not None})
        except tomllib.TOMLDecodeError as error:
            raise BadConfiguration(f"fleet.toml cannot be read: {error}") from None
        except ValidationError as error:
            raise BadConfiguration("; ".join(map(_explain, error.errors()))) from None

    def redacted(self) -> dict[str, str]:
        """Every setting as text, passwords in addresses replaced by ***."""
        return {name: redact(str(value)) for name, value in self.model_dump().items()}

    def to_environment(self) -> dict[str, str]:
        """The settings as FLEET_ variables, for a process that is to have the same ones."""
        return {PREFIX + name.upper(): str(value) for name, value in self.model_dump().items()}


def listed(names: str) -> frozenset[str]:
    """The names in a setting that separates them by commas."""
    return frozenset(name.strip() for name in names.split(",") if name.strip())


def listed_hosts(names: str) -> frozenset[str]:
    """The same of hosts, which are the same in capitals."""
    return frozenset(name.lower() for name in listed(names))


def redact(text: str) -> str:
    """Replace by *** the password of every URL in the text, and the query of those of the web."""
    text = re.sub(r"(?<=://)([^:/\s]*):[^/\s]*@", r"\1:***@", text)
    return re.sub(r"(https?://[^\s?#\"']*)[?#][^\s\"']+", r"\1?***", text)


def refuse_unknown(environment: "os._Environ[str] | dict[str, str]") -> None:
    """Refuse FLEET_ variables that mean nothing here.

    Raises:
        BadConfiguration: naming the nearest known one.
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
