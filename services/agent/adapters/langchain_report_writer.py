"""Report writer with a language model: its draft is checked and repaired once, else the fallback writes."""

import json
import time
from collections.abc import Callable
from dataclasses import replace

import structlog

from services.agent.adapters.circuit_breaker import CircuitBreaker
from services.agent.adapters.draft_reply import read_reply
from services.agent.adapters.langchain_chat import Answer, LangChainChat, NoAnswerError, Said
from services.agent.adapters.llm_settings import LlmSettings
from services.agent.application.ports import ReportWriter
from services.agent.domain.draft import Draft, Writer, Written
from services.agent.domain.prompt import PROMPT_VERSION, SYSTEM, answer_schema, brief_text, repair_text
from services.agent.domain.report import Brief
from services.agent.domain.validation import Problem, draft_problems

TRIES = 3
MAX_ECHO = 12_000
"""Characters of a refused reply that are shown to the model again."""

log = structlog.get_logger()


class LangChainReportWriter:
    """Asks a model for a draft; whatever it answers, a checked draft comes out.

    At most three tries of `llm_timeout_s` for the draft and one for the repair: a report is never held up much longer
    than three minutes.

    Args:
        settings: the model, its service, limits and prices.
        fallback: writes when the model does not, or not well enough.
        sleep: waits between tries, in seconds.
        clock: monotonic seconds, for the breaker.
    """

    def __init__(
        self,
        settings: LlmSettings,
        fallback: ReportWriter,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._settings = settings
        self._fallback = fallback
        self._chat = LangChainChat(settings, sleep)
        self._breaker = CircuitBreaker(settings.llm_breaker_failures, settings.llm_breaker_rest_s, clock)

    def write(self, brief: Brief, picture: bytes) -> Written:
        """A draft that has passed all checks, by the model or by the fallback; never raises for the model's sake."""
        if not self._breaker.lets_through():
            return self._fall_back(
                brief, picture, "the model's service failed too often and is left alone", []
            )
        answers: list[Answer] = []
        try:
            draft, problems = self._drafted(brief, picture, answers)
        except NoAnswerError as error:
            self._breaker.failed()
            return self._fall_back(brief, picture, str(error), answers)
        self._breaker.succeeded()
        if draft is None or problems:
            codes = ", ".join(sorted({problem.code for problem in problems}))
            return self._fall_back(
                brief, picture, f"the model's draft was refused by the checks: {codes}", answers
            )
        return Written(draft, self._signed(Writer(str(self._settings.llm_model), PROMPT_VERSION), answers))

    def _drafted(
        self, brief: Brief, picture: bytes, answers: list[Answer]
    ) -> tuple[Draft | None, tuple[Problem, ...]]:
        """The model's draft and what is still wrong with it; every answer is put into *answers*."""
        schema = answer_schema(brief)
        asked = [Said("system", SYSTEM), Said("user", brief_text(brief), self._shown(brief, picture))]
        answers.append(self._chat.ask(asked, schema, TRIES))
        draft, problems = _checked(answers[-1], brief)
        if not problems:
            return draft, ()
        log.info("report.draft_refused", problems=[f"{p.where}: {p.code}" for p in problems][:20])
        again = [Said("assistant", _echo(answers[-1])), Said("user", repair_text(problems))]
        answers.append(self._chat.ask([*asked, *again], schema, tries=1))
        return _checked(answers[-1], brief)

    def _shown(self, brief: Brief, picture: bytes) -> bytes:
        """The picture for the model: only a blurred one, and only where the site lets it out."""
        return picture if self._settings.llm_send_picture and brief.opened.evidence.faces_blurred else b""

    def _fall_back(self, brief: Brief, picture: bytes, reason: str, answers: list[Answer]) -> Written:
        log.warning("report.fallback", reason=reason, violation_id=brief.opened.violation_id)
        written = self._fallback.write(brief, picture)
        return replace(written, writer=self._signed(replace(written.writer, fallback_reason=reason), answers))

    def _signed(self, writer: Writer, answers: list[Answer]) -> Writer:
        """*writer* with what all answers cost, the refused ones too."""
        inputs = sum(answer.input_tokens for answer in answers)
        outputs = sum(answer.output_tokens for answer in answers)
        cost_usd = self._settings.cost_usd(inputs, outputs)
        return replace(writer, input_tokens=inputs, output_tokens=outputs, cost_usd=cost_usd)


def _checked(answer: Answer, brief: Brief) -> tuple[Draft | None, tuple[Problem, ...]]:
    draft, problems = read_reply(answer.called_with, answer.content)
    return draft, problems if draft is None else draft_problems(draft, brief)


def _echo(answer: Answer) -> str:
    said = json.dumps(answer.called_with) if answer.called_with else str(answer.content)
    return said[:MAX_ECHO] or "(nothing)"
