"""A model's reply as a draft: untrusted input, read strictly."""

import json
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from services.agent.domain.draft import Draft, Sentence
from services.agent.domain.plain_text import one_line
from services.agent.domain.validation import Problem

MAX_REPLY = 40_000
"""Characters of a whole reply; a good one has about 3,000."""


class _SentenceReply(BaseModel):
    model_config = ConfigDict(strict=True, extra="ignore")
    text: str
    rests_on: list[str]

    def sentence(self) -> Sentence:
        return Sentence(one_line(self.text), tuple(dict.fromkeys(self.rests_on)))


class _DraftReply(BaseModel):
    model_config = ConfigDict(strict=True, extra="ignore")
    headline: _SentenceReply
    what_was_seen: list[_SentenceReply]
    why_it_matters: list[_SentenceReply]
    immediate_action: list[_SentenceReply]
    actions: list[str]

    def draft(self) -> Draft:
        return Draft(
            headline=self.headline.sentence(),
            what_was_seen=tuple(one.sentence() for one in self.what_was_seen),
            why_it_matters=tuple(one.sentence() for one in self.why_it_matters),
            immediate_action=tuple(one.sentence() for one in self.immediate_action),
            actions=tuple(dict.fromkeys(self.actions)),
        )


def read_reply(called_with: object, content: object) -> tuple[Draft | None, tuple[Problem, ...]]:
    """The draft of a reply, or what is wrong with its form.

    Args:
        called_with: arguments of the function call; None if there was none.
        content: the reply's text; some local models put the JSON there.
    """
    document = called_with if isinstance(called_with, dict) else _json_in(content)
    if document is None:
        return None, (Problem("no-draft", "draft", "no draft was handed in; call the function once"),)
    if len(json.dumps(document, default=str)) > MAX_REPLY:
        return None, (Problem("too-long", "draft", f"the reply has more than {MAX_REPLY} characters"),)
    try:
        return _DraftReply.model_validate(document).draft(), ()
    except ValidationError as error:
        return None, tuple(
            _problem(one["loc"], one["msg"]) for one in error.errors(include_url=False, include_input=False)
        )


def _json_in(content: object) -> dict[str, Any] | None:
    if not isinstance(content, str) or len(content) > MAX_REPLY:
        return None
    start, end = content.find("{"), content.rfind("}")
    try:
        document = json.loads(content[start : end + 1])
    except (ValueError, RecursionError):
        return None
    return document if isinstance(document, dict) else None


def _problem(place: tuple[int | str, ...], message: str) -> Problem:
    return Problem("schema", ".".join(str(step) for step in place)[:80] or "draft", message[:200])
