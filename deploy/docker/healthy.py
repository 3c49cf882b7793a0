"""HEALTHCHECK of the images: asks /healthz; the slim image has no curl.

python healthy.py [PORT]     by default FLEET_METRICS_PORT, or 9464
"""

import os
import sys
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException

_PATIENCE_S = 4.0
"""Less than the time-out of the health checks that run this."""


def ask(port: int) -> int:
    """Print what is said there; 0 when all is well, else 1."""
    connection = HTTPConnection("127.0.0.1", port, timeout=_PATIENCE_S)
    try:
        connection.request("GET", "/healthz")
        answer = connection.getresponse()
        print(answer.read(500).decode(errors="replace").strip())
    except (OSError, HTTPException) as error:
        print(f"port {port}: {error}")
        return 1
    return 0 if answer.status == HTTPStatus.OK else 1


def main(arguments: list[str]) -> int:
    """Ask on the port given, or on the worker's."""
    port = int(arguments[0] if arguments else os.environ.get("FLEET_METRICS_PORT") or 9464)
    if not port:
        print("FLEET_METRICS_PORT is 0: nobody can be asked")
        return 0
    return ask(port)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
