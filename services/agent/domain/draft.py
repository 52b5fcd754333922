"""The narrative of a report: sentences, each naming the facts and citations that it rests on."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Sentence:
    """One sentence of plain text.

    Attributes:
        text: at most 600 characters; plain text, never markup.
        rests_on: ids of facts (``F1`` ...) and citations that back it; at least one.
    """

    text: str
    rests_on: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Draft:
    """What a writer returns. Facts, severity, citations' text and recipients are not his to write.

    Attributes:
        headline: one sentence without a full stop, at most 120 characters.
        what_was_seen: one to six sentences.
        why_it_matters: one to six sentences.
        immediate_action: one to three sentences.
        actions: ids of corrective actions out of those offered, at least one above PPE.
    """

    headline: Sentence
    what_was_seen: tuple[Sentence, ...]
    why_it_matters: tuple[Sentence, ...]
    immediate_action: tuple[Sentence, ...]
    actions: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Writer:
    """Who wrote the narrative.

    Attributes:
        name: model name, or ``template``.
        prompt_version: version of the prompt or of the template.
        fallback_reason: why the template wrote although a model was configured; empty otherwise.
        input_tokens, output_tokens: as the model's service reports; 0 for the template.
        cost_usd: from the prices in settings; 0 for the template.
    """

    name: str
    prompt_version: str
    fallback_reason: str = ""
    input_tokens: int = 0
    output_tokens: int = 0
    cost_usd: float = 0.0


@dataclass(frozen=True, slots=True)
class Written:
    """A draft and its writer."""

    draft: Draft
    writer: Writer
