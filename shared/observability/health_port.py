"""One small HTTP port: /healthz (do the loops turn?), /readyz (do the dependencies answer?), /metrics (Prometheus)."""

import json
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import TCPServer
from threading import Thread
from typing import Any

import structlog
from prometheus_client.exposition import choose_encoder

from shared.errors import ConfigurationError
from shared.observability.health import Health
from shared.observability.metrics import Metrics
from shared.observability.redaction import redact

QUIET_CLIENT_S = 5.0  # a client that sends or takes nothing for so long is cut off
SLOW_CLIENT_S = 10.0  # and so is one whose whole exchange takes longer
MAX_CLIENTS = 64  # beyond it the oldest is cut off: slow ones must not keep the health check out

Answer = tuple[HTTPStatus, str, bytes]

log = structlog.get_logger()


@contextmanager
def health_port(host: str, port: int | None, metrics: Metrics) -> Iterator[None]:
    """Answer at *host*:*port* while the context lasts; nothing listens if *port* is None.

    Raises:
        ConfigurationError: the port cannot be had.
    """
    if port is None:
        yield
        return
    server = _bound(host, port, metrics)
    Thread(target=server.serve_forever, name="health-port", daemon=True).start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()


def _bound(host: str, port: int, metrics: Metrics) -> "_Server":
    try:
        return _Server(host, port, metrics)
    except OSError as error:
        raise ConfigurationError(
            f"HEALTH_PORT {port} on HEALTH_HOST {host[:100]!a} cannot be had: {error.strerror or error}; "
            "do: choose a free port, or leave HEALTH_PORT out"
        ) from error


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = MAX_CLIENTS

    def __init__(self, host: str, port: int, metrics: Metrics) -> None:
        self.metrics = metrics
        self.address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._since_s: dict[socket.socket, float] = {}
        super().__init__((host, port), _Handler)

    def server_bind(self) -> None:
        """Without HTTPServer's look-up of the host's name, which takes seconds where no name server answers."""
        TCPServer.server_bind(self)
        self.server_name, self.server_port = str(self.server_address[0]), int(self.server_address[1])

    def process_request(self, request: Any, client_address: Any) -> None:
        if len(self._since_s) >= MAX_CLIENTS:
            _cut(next(iter(self._since_s)))
        self._since_s[request] = time.monotonic()
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self._since_s.pop(request, None)
        super().shutdown_request(request)

    def service_actions(self) -> None:
        """Called twice a second."""
        latest_s = time.monotonic() - SLOW_CLIENT_S
        for request, since_s in list(self._since_s.items()):
            if since_s < latest_s:
                _cut(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is no event."""
        if not isinstance(sys.exception(), OSError):
            log.exception("health.failed")


def _cut(request: socket.socket) -> None:
    with suppress(OSError):
        request.shutdown(socket.SHUT_RDWR)  # its thread then ends


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    timeout = QUIET_CLIENT_S
    server_version, sys_version = "officer", ""

    def do_GET(self) -> None:
        self._reply(with_body=True)

    def do_HEAD(self) -> None:
        self._reply(with_body=False)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name is http.server's
        """Say nothing: a look every few seconds is no event."""

    def _reply(self, *, with_body: bool) -> None:
        status, content_type, body = self._answer()
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        if with_body:
            self.wfile.write(body)

    def _answer(self) -> Answer:
        match self.path.partition("?")[0]:
            case "/healthz":
                return liveness(self.server.metrics.health)
            case "/readyz":
                return readiness(self.server.metrics.health)
            case "/metrics":
                return self._metrics()
        return _json(HTTPStatus.NOT_FOUND, {"paths": ["/healthz", "/readyz", "/metrics"]})

    def _metrics(self) -> Answer:
        try:
            encode, content_type = choose_encoder(self.headers.get("Accept", ""))
            return HTTPStatus.OK, content_type, encode(self.server.metrics.registry)
        except Exception:  # the edge of one request: a defect in a metric must not look like a dead service
            log.exception("metrics.failed")
            return _json(HTTPStatus.INTERNAL_SERVER_ERROR, {"problem": "see the log"})


def liveness(health: Health) -> Answer:
    """200 while every loop turns, else 503; the body names each loop."""
    loops = {
        heart.name: {
            "alive": heart.alive,
            "quiet_s": None if heart.quiet_s is None else round(heart.quiet_s, 1),
            "limit_s": heart.limit_s,
        }
        for heart in health.hearts
    }
    return _json(_status(health.alive), {"alive": health.alive, "loops": loops})


def readiness(health: Health) -> Answer:
    """200 while every dependency answers, else 503; the body names each with its state and since when."""
    dependencies = {
        dependency.name: {
            "state": dependency.condition.state,
            "ready": dependency.condition.ready,
            "since": dependency.condition.since.isoformat(timespec="milliseconds"),
            "problem": redact(dependency.condition.problem),
        }
        for dependency in health.dependencies
    }
    return _json(_status(health.ready), {"ready": health.ready, "dependencies": dependencies})


def _status(good: bool) -> HTTPStatus:
    return HTTPStatus.OK if good else HTTPStatus.SERVICE_UNAVAILABLE


def _json(status: HTTPStatus, document: dict[str, Any]) -> Answer:
    body = json.dumps(document, indent=2, ensure_ascii=False).encode() + b"\n"
    return status, "application/json; charset=utf-8", body
