"""HEALTHCHECK of the images: requests /healthz, because the slim image has no curl.

python healthy.py [PORT]     default: FLEET_METRICS_PORT, or 9464
"""

import os
import sys
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException

_TIMEOUT_S = 4.0
"""Shorter than the timeout of the health checks that run this."""


def ask(port: int) -> int:
    """Request /healthz and print the answer; return 0 if it is healthy, else 1."""
    connection = HTTPConnection("127.0.0.1", port, timeout=_TIMEOUT_S)
    try:
        connection.request("GET", "/healthz")
        answer = connection.getresponse()
        print(answer.read(500).decode(errors="replace").strip())
    except (OSError, HTTPException) as error:
        print(f"port {port}: {error}")
        return 1
    return 0 if answer.status == HTTPStatus.OK else 1


def main(arguments: list[str]) -> int:
    """Check the given port, by default the worker's; return the exit code."""
    port = int(arguments[0] if arguments else os.environ.get("FLEET_METRICS_PORT") or 9464)
    if not port:
        print("FLEET_METRICS_PORT is 0: no health endpoint to check")
        return 0
    return ask(port)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
