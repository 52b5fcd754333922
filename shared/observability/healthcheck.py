"""Asks the service in this container whether it lives: `python -m services.NAME healthcheck`.

Imports next to nothing and reads no other setting: a container's health check runs it every few seconds.
"""

import http.client
import os
import sys

HEALTHY, SICK = 0, 1
TIMEOUT_S = 3.0
_ANY_ADDRESS = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - what a service listens at is asked at home


def healthcheck() -> int:
    """Ask /healthz at HEALTH_HOST and HEALTH_PORT, and say what it answers.

    Returns:
        0 if all loops turn; 1 if one is stuck, nobody answers or HEALTH_PORT is not set.
    """
    port = os.environ.get("HEALTH_PORT", "")
    if not port.isdecimal():
        return _told(SICK, f"HEALTH_PORT is {port[:20]!a}; do: set it to the service's port")
    host = os.environ.get("HEALTH_HOST") or "127.0.0.1"
    try:
        status, body = _ask(_ANY_ADDRESS.get(host, host), int(port))
    except (OSError, http.client.HTTPException) as error:
        return _told(SICK, f"nobody answers at port {port}: {error}")
    return _told(HEALTHY if status == http.client.OK else SICK, body)


def _ask(host: str, port: int) -> tuple[int, str]:
    connection = http.client.HTTPConnection(host, port, timeout=TIMEOUT_S)
    try:
        connection.request("GET", "/healthz")
        answer = connection.getresponse()
        return answer.status, answer.read(100_000).decode("utf-8", "replace")
    finally:
        connection.close()


def _told(code: int, text: str) -> int:
    print(text.strip(), file=sys.stdout if code == HEALTHY else sys.stderr)
    return code
