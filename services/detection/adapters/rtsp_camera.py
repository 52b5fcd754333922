"""Reaches a camera over RTSP or RTSPS, always through TCP."""

import socket
import ssl
from collections.abc import Generator

import av

from services.detection.adapters.source_address import StreamAddress, refuse_forbidden_hosts
from services.detection.adapters.video_stream import DecodedPicture, decode, video_of
from shared.errors import ConfigurationError, TransientError

# timeout: of each socket operation, in microseconds. analyzeduration: opens in 0.6 s instead of 5.
_OPTIONS = {
    "rtsp_transport": "tcp",
    "allowed_media_types": "video",
    "analyzeduration": "500000",
    "timeout": "8000000",
    "protocol_whitelist": "rtsp,rtsps,rtp,tcp,tls,crypto",
}
_OPEN_TIMEOUT_S = 8.0
_READ_TIMEOUT_S = 8.0
_ANSWER_TIMEOUT_S = 2.0

_WORDS: dict[type[av.FFmpegError], str] = {
    av.error.HTTPUnauthorizedError: "the camera refused the login; check user and password",
    av.error.HTTPForbiddenError: "the camera forbids this stream to this user",
    av.error.HTTPNotFoundError: "the camera knows no such stream; check the path after the host",
    av.error.ConnectionRefusedError: "the connection was refused; check the port and that streaming is switched on",
    av.error.ExitError: "no answer; check that the camera is on and can be reached from here",
    av.error.TimeoutError: "no answer; check that the camera is on and can be reached from here",
    av.error.ConnectionResetError: "the connection broke",
    av.error.BrokenPipeError: "the connection broke",
}


class RtspCamera:
    """See `LiveCamera`. A blocked read ends by itself after 8 s."""

    def __init__(self, address: StreamAddress) -> None:
        self._address = address

    @property
    def name(self) -> str:
        return self._address.name

    def pictures(self) -> Generator[DecodedPicture | None]:
        try:
            refuse_forbidden_hosts(self._address)
            with av.open(
                self._address.url, options=dict(_OPTIONS), timeout=(_OPEN_TIMEOUT_S, _READ_TIMEOUT_S)
            ) as container:
                stream = video_of(container)
                if stream is None:
                    raise TransientError("the stream holds no video; check the path after the host")
                yield from decode(container.demux(stream), stream, live=True)
        except av.FFmpegError as problem:
            raise TransientError(_WORDS.get(type(problem), f"{problem.strerror}")) from problem
        except socket.gaierror as problem:
            raise TransientError(
                "the host's name cannot be resolved; check it, and this computer's DNS"
            ) from problem

    def answers(self) -> bool:
        """Ask for the RTSP server's abilities, which needs no login; an open port alone may be a proxy's."""
        host, port = self._address.host, self._address.port
        try:
            refuse_forbidden_hosts(self._address)
            with self._connected() as connection:
                connection.sendall(f"OPTIONS rtsp://{host}:{port}/ RTSP/1.0\r\nCSeq: 1\r\n\r\n".encode())
                return connection.recv(5) == b"RTSP/"
        except (OSError, ConfigurationError):
            return False

    def _connected(self) -> socket.socket:
        connection = socket.create_connection((self._address.host, self._address.port), _ANSWER_TIMEOUT_S)
        if self._address.scheme == "rtsp":
            return connection
        return _unverified().wrap_socket(connection, server_hostname=self._address.host)


def _unverified() -> ssl.SSLContext:
    """Cameras sign their own certificates, and FFmpeg does not check them either; nothing secret is sent here."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context
