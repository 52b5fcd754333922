"""One question to a language model through LangChain: tries, deadline, and what went wrong in our own words."""

import asyncio
import base64
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from functools import cache
from threading import Lock, Thread
from typing import TYPE_CHECKING, Any, TypeVar

import structlog
from tenacity import Retrying, retry_if_exception, stop_after_attempt, wait_exponential_jitter

from services.agent.adapters.llm_settings import OPENAI, LlmSettings

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel
    from langchain_core.messages import BaseMessage

FIRST_WAIT_S, LONGEST_WAIT_S = 1.0, 8.0
OPENAI_URL = "https://api.openai.com/v1"

_TRY_AGAIN = frozenset([408, 409, 425, 429])
_Result = TypeVar("_Result")

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Said:
    """One turn of a conversation.

    Attributes:
        role: system, user or assistant.
        text: what is said.
        picture: JPEG shown with it; empty for none.
    """

    role: str
    text: str
    picture: bytes = b""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a model's service answered.

    Attributes:
        called_with: arguments of the function call, as they came; None if there was none.
        content: the text beside it.
        input_tokens, output_tokens: as the service counts them; 0 where it does not.
    """

    called_with: object
    content: object
    input_tokens: int
    output_tokens: int


class NoAnswerError(Exception):
    """The service gave no usable answer; the text is fit for a report and holds no secret."""


class LangChainChat:
    """Any chat model that LangChain's `init_chat_model` knows. LangChain is imported at the first question (seconds).

    Args:
        settings: the model, its service and limits.
        sleep: waits between tries, in seconds.
    """

    def __init__(self, settings: LlmSettings, sleep: Callable[[float], None] = time.sleep) -> None:
        self._settings = settings
        self._sleep = sleep
        self._building = Lock()
        self._model: BaseChatModel | None = None

    def ask(self, conversation: list[Said], schema: dict[str, Any], tries: int) -> Answer:
        """The answer to *conversation* as a call of the function that *schema* (JSON Schema) describes.

        Raises:
            NoAnswerError: the service cannot be reached, refuses, is too slow or sends garbage.
        """
        retrying = Retrying(
            stop=stop_after_attempt(tries),
            wait=wait_exponential_jitter(FIRST_WAIT_S, LONGEST_WAIT_S),
            retry=retry_if_exception(_passes),
            sleep=self._sleep,
            reraise=True,
        )
        try:
            return retrying(self._told_call, conversation, schema)
        except Exception as error:  # the edge: vendors raise anything, a TypeError for a garbled body
            log.warning("report.model_failed", model=self._settings.llm_model, error=type(error).__name__)
            raise NoAnswerError(_told(error, self._settings.llm_timeout_s)) from error

    def _told_call(self, conversation: list[Said], schema: dict[str, Any]) -> Answer:
        """One call, and a log line of what became of it: each one takes time and may cost money."""
        began_s = time.monotonic()
        try:
            answer = self._call(conversation, schema)
        except Exception as error:  # told, and passed on
            self._tell(began_s, "failed", error=type(error).__name__)
            raise
        self._tell(
            began_s,
            "answered",
            input_tokens=answer.input_tokens,
            output_tokens=answer.output_tokens,
            cost_usd=self._settings.cost_usd(answer.input_tokens, answer.output_tokens),
        )
        return answer

    def _tell(self, began_s: float, outcome: str, **fields: object) -> None:
        seconds = round(time.monotonic() - began_s, 3)
        log.info("llm.called", model=self._settings.llm_model, outcome=outcome, seconds=seconds, **fields)

    def _call(self, conversation: list[Said], schema: dict[str, Any]) -> Answer:
        # Function calling, not the service's own JSON mode: there a bad answer raises inside the SDK and is lost.
        chain = self._chat_model().with_structured_output(schema, method="function_calling", include_raw=True)
        messages = [_message(said) for said in conversation]
        raw = _run(_within(self._settings.llm_timeout_s, lambda: _untraced(chain, messages)))["raw"]
        calls = getattr(raw, "tool_calls", None) or [{}]
        usage = getattr(raw, "usage_metadata", None) or {}
        return Answer(
            called_with=calls[0].get("args"),
            content=raw.content,
            input_tokens=int(usage.get("input_tokens", 0)),
            output_tokens=int(usage.get("output_tokens", 0)),
        )

    def _chat_model(self) -> "BaseChatModel":
        with self._building:
            if self._model is None:
                self._model = _build(self._settings)
            return self._model


def _message(said: Said) -> "BaseMessage":
    from langchain_core.messages import AIMessage, HumanMessage, SystemMessage

    if said.role == "user":
        content: list[str | dict[str, Any]] = [{"type": "text", "text": said.text}]
        if said.picture:
            data = base64.b64encode(said.picture).decode()
            content.append({"type": "image", "base64": data, "mime_type": "image/jpeg"})
        return HumanMessage(content=content)
    return SystemMessage(said.text) if said.role == "system" else AIMessage(said.text)


def _build(settings: LlmSettings) -> "BaseChatModel":
    from langchain.chat_models import init_chat_model

    provider, _, name = str(settings.llm_model).partition(":")
    options: dict[str, Any] = {
        "timeout": settings.llm_timeout_s,
        "max_retries": 0,  # the tries are ours
        "max_tokens": settings.llm_max_output_tokens,
        "temperature": settings.llm_temperature,
        "base_url": settings.llm_base_url,
        "api_key": settings.key.get_secret_value() if settings.key else None,
    }
    if provider == OPENAI and not settings.llm_base_url:
        options["base_url"] = OPENAI_URL  # else a stray OPENAI_BASE_URL would get key, facts and picture
    elif provider == OPENAI and not settings.key:
        options["api_key"] = "none"  # local servers ask for no key, the client insists on one
    given = {option: value for option, value in options.items() if value is not None}
    model: BaseChatModel = init_chat_model(name, model_provider=provider, **given)
    return model


async def _untraced(chain: Any, messages: "list[BaseMessage]") -> Any:
    from langsmith import tracing_context

    with tracing_context(
        enabled=False
    ):  # a stray environment variable must not send reports to a third party
        return await chain.ainvoke(messages)


async def _within(seconds: float, call: Callable[[], Coroutine[Any, Any, _Result]]) -> _Result:
    """A deadline for the whole answer: the client's own timeout starts again with each byte that trickles in."""
    async with asyncio.timeout(seconds):
        return await call()


def _run(coroutine: Coroutine[Any, Any, _Result]) -> _Result:
    return asyncio.run_coroutine_threadsafe(coroutine, _loop()).result()


@cache
def _loop() -> asyncio.AbstractEventLoop:
    """One loop for the process: the vendors' clients keep connections that belong to their loop."""
    loop = asyncio.new_event_loop()
    Thread(target=loop.run_forever, name="llm", daemon=True).start()
    return loop


def _passes(error: BaseException) -> bool:
    """Whether trying again may help."""
    status = _status(error)
    if status is not None:
        return status in _TRY_AGAIN or status >= 500
    return isinstance(error, (TimeoutError, ConnectionError)) or _is_connection_error(error)


def _status(error: BaseException) -> int | None:
    status = getattr(error, "status_code", None)
    return status if isinstance(status, int) else None


def _is_connection_error(error: BaseException) -> bool:
    import openai

    return isinstance(error, openai.APIConnectionError)


def _told(error: BaseException, timeout_s: float) -> str:
    """Our own words: a vendor's may hold a part of the key."""
    status = _status(error)
    if status is not None:
        return f"the model's service answered {status}"
    if isinstance(error, TimeoutError) or type(error).__name__ == "APITimeoutError":
        return f"the model's service did not answer within {timeout_s:g} s"
    if isinstance(error, ConnectionError) or _is_connection_error(error):
        return "the model's service cannot be reached"
    if isinstance(error, ImportError):
        return "the package for the model's provider is not installed"
    return f"the model's service sent an unusable answer ({type(error).__name__})"
