"""An HTTP server before another one, that refuses with 503 as an overloaded service does while there is a storm."""

import http.client
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

SLOW_DOWN = b"<Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message></Error>"
_OURS = ("connection", "transfer-encoding", "content-length")


class Storm:
    """Passes all on to 127.0.0.1:*upstream_port*, except while `raging`. Use it as a context manager.

    Attributes:
        raging: refuse everything.
        refused: requests that were refused.
    """

    def __init__(self, upstream_port: int) -> None:
        self.raging = False
        self.refused = 0
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self, upstream_port))
        self.port: int = self._server.server_address[1]

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()


def _handler(storm: Storm, upstream_port: int) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def handle_one_request(self) -> None:
            self.raw_requestline = self.rfile.readline(65_537)
            if not self.raw_requestline or not self.parse_request():
                self.close_connection = True
                return
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            if storm.raging:
                storm.refused += 1
                self._answer(503, {"Content-Type": "application/xml"}, SLOW_DOWN)
            else:
                self._pass_on(body)
            self.wfile.flush()

        def _pass_on(self, body: bytes) -> None:
            upstream = http.client.HTTPConnection("127.0.0.1", upstream_port, timeout=30)
            upstream.request(self.command, self.path, body, dict(self.headers))
            answer = upstream.getresponse()
            headers = {name: value for name, value in answer.getheaders() if name.lower() not in _OURS}
            self._answer(answer.status, headers, answer.read())
            upstream.close()

        def _answer(self, status: int, headers: dict[str, str], body: bytes) -> None:
            self.send_response_only(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(b"" if self.command == "HEAD" else body)

        def log_message(self, *_: Any) -> None:
            """Says nothing."""

    return Handler
