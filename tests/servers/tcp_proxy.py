"""A TCP proxy that misbehaves on command: it stalls, cuts, refuses or flips bytes."""

import contextlib
import random
import socket
import ssl
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Self

from tests.servers.rtsp import free_port

_CHUNK = 16_384


class TcpProxy:
    """Forwards `port` to *upstream_port* on this machine; use it as a context manager.

    Args:
        upstream_port: where the real server listens.
        tls: speaks TLS to the clients, and plainly to the server.
        before_tls: what is said in clear to each client first, as Postgres does.
    """

    def __init__(
        self,
        upstream_port: int,
        tls: ssl.SSLContext | None = None,
        before_tls: Callable[[socket.socket], object] = lambda client: None,
    ) -> None:
        self.port = free_port()
        self._tls = tls
        self._before_tls = before_tls
        self._upstream_port = upstream_port
        self._flowing = threading.Event()
        self._flowing.set()
        self._flip_share = 0.0
        self._random = random.Random(7)
        self._lock = threading.Lock()
        self._sockets: set[socket.socket] = set()
        self._listener: socket.socket | None = None

    def stall(self) -> None:
        """Forward nothing more, with all sockets left open; new connections are accepted and hear nothing."""
        self._flowing.clear()

    def resume(self) -> None:
        self._flowing.set()

    def cut(self) -> None:
        """Close what is open; new connections still come through."""
        with self._lock:
            for open_socket in self._sockets:
                _close(open_socket)
            self._sockets.clear()

    def flip_bytes(self, share: float) -> None:
        """Alter this *share* of the bytes that go to the client; 0 ends it."""
        self._flip_share = share

    def __enter__(self) -> Self:
        self._listener = socket.create_server(("127.0.0.1", self.port))
        threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._listener is not None:
            _close(self._listener)
        self.cut()
        self.resume()

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        self._flowing.wait()
        try:
            self._before_tls(client)
            client = self._tls.wrap_socket(client, server_side=True) if self._tls else client
            upstream = socket.create_connection(("127.0.0.1", self._upstream_port), timeout=5)
        except OSError:
            _close(client)
            return
        upstream.settimeout(None)
        with self._lock:
            self._sockets |= {client, upstream}
        threading.Thread(target=self._pump, args=(client, upstream, False), daemon=True).start()
        self._pump(upstream, client, True)

    def _pump(self, source: socket.socket, target: socket.socket, to_client: bool) -> None:
        with contextlib.suppress(OSError):
            while chunk := source.recv(_CHUNK):
                self._flowing.wait()
                target.sendall(self._flipped(chunk) if to_client else chunk)
        with self._lock:
            self._sockets -= {source, target}
        _close(source)
        _close(target)

    def _flipped(self, chunk: bytes) -> bytes:
        if not self._flip_share:
            return chunk
        altered = bytearray(chunk)
        for _ in range(_binomial(self._random, len(chunk), self._flip_share)):
            altered[self._random.randrange(len(chunk))] ^= self._random.randrange(1, 256)
        return bytes(altered)


def _binomial(source: random.Random, trials: int, share: float) -> int:
    """A rough draw with the right mean: the whole part, and one more with the fraction's probability."""
    mean = trials * share
    return int(mean) + (source.random() < mean % 1)


def _close(open_socket: socket.socket) -> None:
    with contextlib.suppress(OSError):
        open_socket.shutdown(socket.SHUT_RDWR)
    open_socket.close()
