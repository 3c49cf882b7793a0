"""A running `fleet up`, inspected from outside."""

import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

import boto3
import redis

SAMPLES = Path(__file__).parents[2] / "embedded" / "samples"
FLEET = [sys.executable, "-m", "funasr_fleet"]
DEADLINE_S = 240.0

Found = TypeVar("Found")

_FOREIGN = re.compile("^(FLEET_|AWS_|CUDA_VISIBLE|CI$)")


def clean_environment(**extra: str) -> dict[str, str]:
    """This process's environment without FLEET settings, plus the given variables."""
    kept = {name: value for name, value in os.environ.items() if not _FOREIGN.match(name)}
    return {**kept, **extra}


def run_fleet(
    *arguments: str, environment: dict[str, str] | None = None, timeout_s: float = DEADLINE_S
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*FLEET, *arguments],
        env=environment if environment is not None else clean_environment(),
        capture_output=True,
        text=True,
        timeout=timeout_s,
        check=False,
    )


def wait_for(look: Callable[[], Found | None], deadline_s: float = DEADLINE_S) -> Found:
    """Poll until look returns a value, and return it."""
    give_up = time.monotonic() + deadline_s
    while time.monotonic() < give_up:
        found = look()
        if found:
            return found
        time.sleep(0.1)
    raise AssertionError(f"nothing within {deadline_s} s: {look}")


def processes_naming(text: str) -> list[str]:
    """Command lines of running processes with the text in them or in their environment."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            line, environment = (process / n for n in ("cmdline", "environ"))
            content = line.read_bytes() + environment.read_bytes()
        except OSError:
            continue
        if text.encode() in content and process.name != str(os.getpid()):
            found.append(content.replace(b"\0", b" ").decode(errors="replace")[:200])
    return found


@dataclass
class Up:
    """`fleet up`, started and ready."""

    process: "subprocess.Popen[str]"
    data: Path
    environment: dict[str, str]
    metrics_url: str

    @classmethod
    def start(cls, data: Path, **extra: str) -> "Up":
        """Start it and read the exports that it prints."""
        command = [*FLEET, "up", "--data", str(data)]
        process = subprocess.Popen(
            command,
            env=clean_environment(**extra),
            stdout=subprocess.PIPE,
            stderr=(data.parent / "up.stderr").open("w"),
            text=True,
            umask=0,  # permissive: the command sets its own
        )
        assert process.stdout
        exports, metrics_url = {}, ""
        for line in process.stdout:
            if line.startswith("export "):
                name, _, value = line.removeprefix("export ").strip().partition("=")
                exports[name] = value
            if line.startswith("# metrics:"):
                metrics_url = line.split()[-1]
            if line.startswith("# try:"):
                return cls(process, data, clean_environment(**exports), metrics_url)
        raise AssertionError(f"fleet up ended: {(data.parent / 'up.stderr').read_text()}")

    def stop(self, number: int = signal.SIGINT) -> int:
        self.process.send_signal(number)
        return self.process.wait(60)

    @cached_property
    def s3(self) -> Any:
        session = boto3.session.Session(
            aws_access_key_id=self.environment["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=self.environment["AWS_SECRET_ACCESS_KEY"],
            region_name="us-east-1",
        )
        return session.client("s3", endpoint_url=self.environment["AWS_ENDPOINT_URL_S3"])

    @cached_property
    def redis(self) -> Any:
        return redis.Redis.from_url(self.environment["FLEET_BROKER_URL"], decode_responses=True)

    def fleet(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a command against this stack."""
        return run_fleet(*arguments, environment=self.environment)

    def read_json(self, key: str) -> dict[str, Any] | None:
        """A document in the bucket of transcripts; None while it is missing."""
        try:
            body = self.s3.get_object(Bucket="transcripts", Key=key)["Body"].read()
        except self.s3.exceptions.NoSuchKey:
            return None
        document: dict[str, Any] = json.loads(body)
        return document

    def wait_for_job(self, job: str) -> dict[str, Any]:
        """The job's status once it is complete."""

        def complete() -> dict[str, Any] | None:
            status: dict[str, Any] = json.loads(self.fleet("status", job, "--json").stdout)
            return status if status["complete"] else None

        return wait_for(complete)

    def page(self, path: str) -> tuple[int, str]:
        """Status and text of a page of the worker."""
        try:
            with urllib.request.urlopen(self.metrics_url.replace("/metrics", path)) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()
