"""A demo camera: shows an MP4 clip in a loop over RTSP, at the clip's own pace: python camera.py CLIP.mp4

It runs in the detection image, whose PyAV reads the clip and packs it into RTP. Streams go through the RTSP
connection (TCP) only; each client sees the clip from its beginning. For demonstrations: no password, no sound.
"""

import socketserver
import struct
import sys
import time
from base64 import b64encode
from fractions import Fraction
from threading import Event, Lock, Thread

import av

PORT, PATH = 8554, "/yard"
RTP_BYTES = 1400
RTCP_TYPES = range(200, 205)


def main(clip: str) -> None:
    with av.open(clip) as container:
        video = container.streams.video[0]
        print(f"camera: {clip}, {video.width} x {video.height}, at port {PORT}, path {PATH}", flush=True)
    _Server(("", PORT), clip).serve_forever()


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = daemon_threads = True

    def __init__(self, address: tuple[str, int], clip: str) -> None:
        self.clip = clip
        super().__init__(address, _Client)


class _Client(socketserver.StreamRequestHandler):
    """One connection: RTSP requests come in between RTP packets that go out. https://www.rfc-editor.org/rfc/rfc2326"""

    server: _Server

    def setup(self) -> None:
        super().setup()
        self.gone, self.sending = Event(), Lock()

    def handle(self) -> None:
        try:
            while first := self.rfile.read(1):
                self._skip_rtcp() if first == b"$" else self._answer(first)
        except (ConnectionError, ValueError, EOFError):
            pass  # the client is gone, or speaks no RTSP
        finally:
            self.gone.set()

    def _skip_rtcp(self) -> None:
        _, length = struct.unpack(">BH", self.rfile.read(3))
        self.rfile.read(length)

    def _answer(self, first: bytes) -> None:
        method, url, _ = (first + self.rfile.readline()).decode("ascii").split()
        headers = {}
        while line := self.rfile.readline().decode("ascii").strip():
            name, _, value = line.partition(":")
            headers[name.lower()] = value.strip()
        status, more, body = self._reply(method, url, headers)
        lines = [f"RTSP/1.0 {status}", f"CSeq: {headers.get('cseq', '0')}", *more]
        if body:
            lines += ["Content-Type: application/sdp", f"Content-Length: {len(body)}"]
        self._send("\r\n".join([*lines, "", body]).encode())
        if method == "PLAY":
            Thread(target=self._play, daemon=True).start()

    def _reply(self, method: str, url: str, headers: dict[str, str]) -> tuple[str, list[str], str]:
        match method:
            case "OPTIONS":
                return "200 OK", ["Public: OPTIONS, DESCRIBE, SETUP, PLAY, GET_PARAMETER, TEARDOWN"], ""
            case "DESCRIBE" if PATH not in url:
                return "404 Not Found", [], ""
            case "DESCRIBE":
                return "200 OK", [f"Content-Base: {url.rstrip('/')}/"], description(self.server.clip)
            case "SETUP" if "TCP" not in headers.get("transport", ""):
                return "461 Unsupported Transport", [], ""
            case "SETUP":
                return (
                    "200 OK",
                    ["Session: 1;timeout=60", "Transport: RTP/AVP/TCP;unicast;interleaved=0-1"],
                    "",
                )
            case "PLAY" | "GET_PARAMETER" | "TEARDOWN":
                return "200 OK", ["Session: 1"], ""
        return "501 Not Implemented", [], ""

    def _play(self) -> None:
        try:
            play(self.server.clip, self, self.gone)
        except (OSError, av.FFmpegError):
            self.gone.set()  # the client went away while it was written to

    def write(self, packet: bytes) -> int:
        """Send one RTP or RTCP packet, in the frame that tells it from RTSP."""
        channel = 1 if packet[1] in RTCP_TYPES else 0
        self._send(struct.pack(">cBH", b"$", channel, len(packet)) + bytes(packet))
        return len(packet)

    def _send(self, data: bytes) -> None:
        with self.sending:
            self.wfile.write(data)


def description(clip: str) -> str:
    """What is shown, as SDP: https://www.rfc-editor.org/rfc/rfc6184#section-8.2.1"""
    with av.open(clip) as container:
        parameter_sets = ",".join(b64encode(one).decode() for one in _parameter_sets(container))
    format_lines = (
        f"a=rtpmap:96 H264/90000\r\na=fmtp:96 packetization-mode=1;sprop-parameter-sets={parameter_sets}\r\n"
    )
    return (
        "v=0\r\no=- 0 0 IN IP4 0.0.0.0\r\ns=demo camera\r\nc=IN IP4 0.0.0.0\r\nt=0 0\r\n"
        f"m=video 0 RTP/AVP 96\r\n{format_lines}a=control:video\r\n"
    )


def _parameter_sets(container: av.container.InputContainer) -> list[bytes]:
    """SPS and PPS out of the MP4 file's AVCDecoderConfigurationRecord (ISO/IEC 14496-15)."""
    record = container.streams.video[0].codec_context.extradata or b""
    found, at = [], 5
    for mask in (0x1F, 0xFF):
        count, at = record[at] & mask, at + 1
        for _ in range(count):
            (length,) = struct.unpack_from(">H", record, at)
            found.append(record[at + 2 : at + 2 + length])
            at += 2 + length
    return found


def play(clip: str, target: _Client, gone: Event) -> None:
    """Write *clip* to *target* as RTP, at its own pace, again and again until *gone* is set."""
    began_s, offset = time.monotonic(), 0
    with av.open(target, "w", format="rtp", options={"packetsize": str(RTP_BYTES)}) as out:
        stream = None
        while not gone.is_set():
            with av.open(clip) as container:
                video = container.streams.video[0]
                stream = stream or out.add_stream_from_template(video)
                for packet in container.demux(video):
                    if packet.dts is None or gone.is_set():
                        break
                    base: Fraction = packet.time_base
                    packet.pts, packet.dts = packet.pts + offset, packet.dts + offset
                    gone.wait(max(0.0, began_s + float(packet.dts * base) - time.monotonic()))
                    packet.stream = stream
                    out.mux(packet)
                offset += video.duration


if __name__ == "__main__":
    main(*sys.argv[1:])
