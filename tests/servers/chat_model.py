"""An OpenAI-compatible server on a real port whose answers a test sets one by one."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

Reply = Response | Callable[[], Response]


class ChatModel:
    """Answers each request with the next of `replies`, the last one for ever; `requests` are the bodies received.

    Attributes:
        replies: what to answer; a callable is called at the time of the request.
        requests: decoded JSON bodies, oldest first.
        keys: Authorization headers.
    """

    def __init__(self, server: HTTPServer) -> None:
        self.base_url = server.url_for("/v1")
        self.replies: list[Reply] = []
        self.requests: list[dict[str, Any]] = []
        self.keys: list[str] = []
        server.expect_request("/v1/chat/completions", method="POST").respond_with_handler(self._answer)

    def _answer(self, request: Request) -> Response:
        self.requests.append(json.loads(request.get_data()))
        self.keys.append(request.headers.get("Authorization", ""))
        reply = self.replies[min(len(self.requests), len(self.replies)) - 1]
        return reply if isinstance(reply, Response) else reply()


@contextmanager
def chat_model() -> Iterator[ChatModel]:
    """A running server."""
    with HTTPServer(threaded=True) as server:
        yield ChatModel(server)


def completion(message: dict[str, Any]) -> Response:
    """A 200 with *message* as the assistant's."""
    body = {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": "local",
        "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", **message}}],
        "usage": {"prompt_tokens": 1000, "completion_tokens": 200, "total_tokens": 1200},
    }
    return Response(json.dumps(body), content_type="application/json")


def called(arguments: object) -> Response:
    """A call of the function with *arguments*; a string goes out as it is."""
    text = arguments if isinstance(arguments, str) else json.dumps(arguments)
    call = {"id": "call_1", "type": "function", "function": {"name": "write_narrative", "arguments": text}}
    return completion({"content": None, "tool_calls": [call]})


def text(content: str) -> Response:
    """Plain text and no call."""
    return completion({"content": content})


def error(status: int, message: str = "no") -> Response:
    """An error as OpenAI words it."""
    body = {"error": {"message": message, "type": "server_error", "code": None}}
    return Response(json.dumps(body), status=status, content_type="application/json")


def hang(seconds: float) -> Reply:
    """Silence, then an error."""

    def late() -> Response:
        time.sleep(seconds)
        return error(500)

    return late


def trickle(seconds: float, pause_s: float = 0.1) -> Reply:
    """A byte every *pause_s*: each read succeeds in time, the answer never does."""

    def drops() -> Iterator[bytes]:
        for _ in range(int(seconds / pause_s)):
            yield b" "
            time.sleep(pause_s)

    return lambda: Response(drops(), content_type="application/json")
