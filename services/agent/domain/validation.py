"""What any writer's draft must pass before it becomes a report; what is wrong comes back as a list to repair.

The checks are one-sided on purpose: a refused good sentence costs a repair or brings the template's report, an accepted
bad one goes out under the site's name. They read English: any other language or script is refused, but for site names.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from services.agent.domain import claims, forbidden
from services.agent.domain.citation import Citation, code
from services.agent.domain.draft import Draft, Sentence
from services.agent.domain.plain_text import UNNAMED, is_invisible, plain, shorten
from services.agent.domain.report import Brief
from services.agent.domain.wording import HAZARDS
from shared.regulations.table import SITE_POLICY
from shared.vocabulary import Jurisdiction

MAX_HEADLINE = 120
MAX_SENTENCE = 600
MAX_PARAGRAPH = 2_000
MAX_TOTAL = 8_000
MAX_ACTIONS = 8
MAX_RESTS_ON = 12
SECTION_LENGTHS = {"what_was_seen": (1, 6), "why_it_matters": (1, 6), "immediate_action": (1, 3)}
SHORT_NAME, SHORTER_NAME = 60, 40

_SEEN = ("headline", "what_was_seen")
_MIN_WORDS_FOR_LANGUAGE = 5


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong with a draft.

    Attributes:
        code: short name of the kind, such as ``unbacked-number``.
        where: section and number of the sentence, such as ``why_it_matters[2]``.
        text: what is wrong and what to do; excerpts are cut and escaped.
    """

    code: str
    where: str
    text: str


def draft_problems(draft: Draft, brief: Brief) -> tuple[Problem, ...]:
    """All that is wrong with *draft* as a report on *brief*; empty if nothing is."""
    shape = [*_lengths(draft), *_actions(draft, brief)]
    too_long = any(problem.code == "too-long" for problem in shape)
    # Text of any length may come from a model: the patterns run only over what is short enough to be printed.
    known = _Known(brief)
    content = [] if too_long else [p for where, s in sentences(draft) for p in _sentence(where, s, known)]
    return (*shape, *content, *([] if too_long else _whole(draft)))


def sentences(draft: Draft) -> Iterator[tuple[str, Sentence]]:
    """All sentences of *draft* with their places."""
    yield "headline", draft.headline
    for section in SECTION_LENGTHS:
        for number, sentence in enumerate(getattr(draft, section), start=1):
            yield f"{section}[{number}]", sentence


def spoken_names(brief: Brief) -> tuple[str, ...]:
    """The site's own names as a narrative may hold them, whole or shortened, longest first; any script."""
    opened = brief.opened
    names = (opened.site.name, opened.camera.name, opened.zone.name, opened.rule.title, opened.site.policy)
    forms = {
        form
        for name in names
        for form in (plain(name), shorten(name, SHORT_NAME), shorten(name, SHORTER_NAME))
    }
    return tuple(sorted(forms - {UNNAMED}, key=lambda name: (-len(name), name)))


def _lengths(draft: Draft) -> Iterator[Problem]:
    if len(draft.headline.text) > MAX_HEADLINE or draft.headline.text.rstrip().endswith("."):
        yield Problem(
            "headline", "headline", f"at most {MAX_HEADLINE} characters, without a full stop at its end"
        )
    for section, (least, most) in SECTION_LENGTHS.items():
        texts = [sentence.text for sentence in getattr(draft, section)]
        if not least <= len(texts) <= most:
            yield Problem("schema", section, f"needs {least} to {most} sentences, has {len(texts)}")
        if sum(map(len, texts)) + len(texts) > MAX_PARAGRAPH:
            yield Problem("too-long", section, f"at most {MAX_PARAGRAPH} characters in all")
    for where, sentence in sentences(draft):
        if len(sentence.text) > MAX_SENTENCE:
            yield Problem("too-long", where, f"at most {MAX_SENTENCE} characters, has {len(sentence.text)}")
        if not sentence.text.strip():
            yield Problem("schema", where, "is empty")
    if sum(len(sentence.text) for _, sentence in sentences(draft)) > MAX_TOTAL:
        yield Problem("too-long", "draft", f"at most {MAX_TOTAL} characters in all")


def _actions(draft: Draft, brief: Brief) -> Iterator[Problem]:
    offered = {action.id: action for action in brief.offered_actions}
    unknown = [one for one in draft.actions if one not in offered]
    if unknown:
        yield Problem(
            "unknown-action", "actions", f"{_shown(unknown[0])} is not offered; choose ids from the list"
        )
    if not 1 <= len(draft.actions) <= MAX_ACTIONS or len(set(draft.actions)) != len(draft.actions):
        yield Problem("schema", "actions", f"choose 1 to {MAX_ACTIONS} different ids")
    if not any(offered[one].level != "ppe" for one in draft.actions if one in offered):
        yield Problem("only-ppe", "actions", "choose at least one action of a level above ppe")


def _whole(draft: Draft) -> Iterator[Problem]:
    if not any(forbidden.CALLED_POTENTIAL.search(sentence.text) for _, sentence in sentences(draft)):
        yield Problem("not-potential", "draft", "say at least once that this is a potential non-compliance")


class _Known:
    """What all sentences of a draft are checked against.

    Attributes:
        brief: all that may be said.
        facts: name and value by id.
        citations: allowed ones by id.
        names: the site's own names that may stand in a sentence, longest first.
        words: every word of the brief in lower case; names of the site are left out of a text before it is used.
    """

    def __init__(self, brief: Brief) -> None:
        self.brief = brief
        self.facts = {fact.id: f"{fact.name} {fact.value}" for fact in brief.facts}
        self.citations = {citation.id: citation for citation in allowed_citations(brief)}
        self.names = [name for name in spoken_names(brief) if _is_name(name)]
        actions = [action.text for action in brief.offered_actions]
        cited = [_citation_text(citation) for citation in self.citations.values()]
        texts = [*self.facts.values(), *cited, *actions, *HAZARDS.values()]
        self.words = frozenset(claims.words(claims.fold(" ; ".join(texts))))


def _sentence(where: str, sentence: Sentence, known: _Known) -> Iterator[Problem]:
    yield from _grounds(where, sentence, known)
    ground = _Ground(where.partition("[")[0], sentence, known)
    yield from (Problem(code_, where, text) for code_, text in _text_problems(sentence.text, ground))
    yield from (Problem(code_, where, text) for code_, text in _wording_problems(ground))
    yield from (Problem(code_, where, text) for code_, text in _claim_problems(ground))


def _grounds(where: str, sentence: Sentence, known: _Known) -> Iterator[Problem]:
    if not 1 <= len(sentence.rests_on) <= MAX_RESTS_ON:
        yield Problem(
            "no-ground", where, f"must rest on 1 to {MAX_RESTS_ON} ids of facts or allowed citations"
        )
    for one in sentence.rests_on:
        if one not in known.facts and one not in known.citations:
            yield Problem("unknown-ground", where, f"{_shown(one)} is no id of a fact or an allowed citation")


def allowed_citations(brief: Brief) -> tuple[Citation, ...]:
    """Every citation that *brief* allows, each once."""
    return tuple({c.id: c for reference in brief.references for c in reference.citations}.values())


class _Ground:
    """What one sentence says and rests on, folded for comparison.

    Attributes:
        section: where it stands.
        text: what it says.
        bare: the same without the site's own names and what it quotes of the citations that it rests on.
        facts: values of the facts that it rests on.
        cited: citations that it rests on.
        backing: what may back a claim here: facts, and outside what was seen the citations too.
    """

    def __init__(self, section: str, sentence: Sentence, known: _Known) -> None:
        self.section = section
        self.known = known
        self.brief = known.brief
        self.text = claims.fold(sentence.text)
        self.cited = [known.citations[one] for one in sentence.rests_on if one in known.citations]
        facts = [known.facts[one] for one in sentence.rests_on if one in known.facts]
        self.facts = claims.fold(" ; ".join(facts))
        law = "" if section in _SEEN else " ; ".join(_citation_text(c) for c in self.cited)
        self.backing = f"{self.facts} ; {claims.fold(law)}"
        without_law = _without(self.text, [form for c in self.cited for form in _quotable(c)])
        self.bare = _without(without_law, known.names)


def _is_name(name: str) -> bool:
    """Digits alone are no name: a camera called 3 must not back every 3."""
    return bool(re.search(r"[^\d\s.,:%-]", name))


def _quotable(citation: Citation) -> tuple[str, ...]:
    """The table's own words, which a sentence may repeat as they stand."""
    return citation.title, code(citation.title), citation.requirement, citation.applies_when


def _citation_text(citation: Citation) -> str:
    return f"{citation.title} {citation.requirement} {citation.applies_when} {citation.equipment_standard}"


def _without(text: str, parts: list[str]) -> str:
    for part in sorted({claims.fold(part) for part in parts if part}, key=len, reverse=True):
        start = r"(?<!\w)" if part[0].isalnum() else ""
        # A title followed by a further paragraph, as in 1926.100(a)(2), is another reference.
        text = re.sub(rf"{start}{re.escape(part)}(?![\w(]|\.\d)", " ", text, flags=re.IGNORECASE)
    return text


def _text_problems(text: str, ground: _Ground) -> Iterator[tuple[str, str]]:
    hidden = [c for c in text if is_invisible(c) or c in "\n\r\t\u2028\u2029\v\f\x85"]
    if hidden:
        yield "control-character", f"holds {_shown(hidden[0])}; write plain text on one line"
    for one in forbidden.MARKUP:
        match = one.pattern.search(ground.bare)
        if match:
            yield one.code, f"{_shown(match.group(0))}: {one.why}"
    foreign = claims.foreign_letters(ground.bare)
    found = claims.words(ground.text)
    if foreign:
        yield "not-english", f"{_shown(foreign)}: write English; other scripts only in the site's own names"
    elif len(claims.words(ground.bare)) >= _MIN_WORDS_FOR_LANGUAGE and not found & forbidden.ENGLISH:
        yield "not-english", "write plain English sentences"


def _wording_problems(ground: _Ground) -> Iterator[tuple[str, str]]:
    for one in (*forbidden.WORDING, *((forbidden.EVENT,) if ground.section in _SEEN else ())):
        match = one.pattern.search(ground.bare)
        if match:
            yield one.code, f"{_shown(match.group(0))}: {one.why}"
    for pattern in forbidden.REFERENCES:
        match = pattern.search(ground.bare)
        if match:
            yield (
                "reference",
                f"{_shown(match.group(0))}: only titles of allowed citations in rests_on, word for word",
            )
            break
    yield from _legal_problems(ground)


def _legal_problems(ground: _Ground) -> Iterator[tuple[str, str]]:
    match = forbidden.LEGAL_WORDS.search(ground.bare)
    laws = [citation for citation in ground.cited if citation.jurisdiction in set(Jurisdiction)]
    if match and not laws:
        yield "claims-law", f"{_shown(match.group(0))}: the sentence rests on no regulation"
    elif match and match.group(0).casefold() in _REGULATORS and not _has_regulator(match.group(0), laws):
        yield "claims-law", f"{_shown(match.group(0))}: is not whose rule the sentence rests on"
    yield from _law_of_another_finding(ground, laws)
    named = [
        c for c in ground.cited if c.needs_person_confirmation and claims.fold(code(c.title)) in ground.text
    ]
    unsure = [c for c in named if c.jurisdiction != SITE_POLICY]
    if unsure and not forbidden.HEDGES.search(ground.bare):
        yield "stated-as-fact", f"{unsure[0].id} has to be confirmed by a person: say that it may apply"


def _law_of_another_finding(ground: _Ground, laws: list[Citation]) -> Iterator[tuple[str, str]]:
    """A law that is allowed for the hard hat must not be said of the vest."""
    for reference in ground.brief.references:
        if reference.finding not in claims.named_findings(ground.bare, [reference.finding]):
            continue
        for law in laws:
            if law not in reference.citations:
                yield (
                    "wrong-finding",
                    f"{law.id} is not allowed for {reference.finding}; one sentence for each item",
                )


_REGULATORS = {"osha": "us-osha", "hse": "gb"}


def _has_regulator(word: str, laws: list[Citation]) -> bool:
    return any(citation.jurisdiction.startswith(_REGULATORS[word.casefold()]) for citation in laws)


def _claim_problems(ground: _Ground) -> Iterator[tuple[str, str]]:
    opened, bare = ground.brief.opened, ground.bare
    findings = [found.finding for found in opened.findings]
    for word in claims.unbacked_numbers(bare, ground.backing)[:3]:
        yield "unbacked-number", f"{_shown(word)} does not stand in what the sentence rests on"
    for word in claims.unbacked_measures(bare, ground.backing)[:3]:
        yield "unbacked-number", f"{_shown(word)} does not stand so in what the sentence rests on"
    for word in claims.miscounted_people(bare, opened.people):
        yield "people", f"{_shown(word)}: the facts say {opened.people}"
    if ground.section in _SEEN and opened.people == 1 and (plural := claims.plural_people(bare)):
        yield "people", f"{_shown(plural[0])}: one person was seen"
    for word in claims.unbacked_items(bare, findings, ground.backing if ground.section not in _SEEN else "")[
        :2
    ]:
        yield "unbacked-item", f"{_shown(word)}: no finding of this report is about it"
    for word in claims.unbacked_hazards(bare, opened.zone.hazards, findings, ground.backing)[:2]:
        yield "unbacked-hazard", f"{_shown(word)}: nobody declared this hazard for the zone"
    for word in claims.unknown_names(bare, ground.known.words)[:2]:
        yield "unknown-name", f"{_shown(word)}: no fact names it"
    yield from _history_problems(ground)
    yield from _decided_problems(ground)
    if ground.section in _SEEN:
        yield from _worn_problems(bare)


def _worn_problems(bare: str) -> Iterator[tuple[str, str]]:
    """The camera saw what is missing, or who is where: of nothing is it known that it was worn."""
    for worn in forbidden.WORN.finditer(bare):
        clause = re.split(r"[.;:]", bare[: worn.start()])[-1]
        if not forbidden.NOT_SO.search(clause):
            yield (
                "contradiction",
                f"{_shown(worn.group(0))}: the findings say what is missing, not what is worn",
            )


def _history_problems(ground: _Ground) -> Iterator[tuple[str, str]]:
    relative = forbidden.RELATIVE_TIME.search(ground.bare)
    if relative and ground.section != "immediate_action":
        yield "unbacked-time", f"{_shown(relative.group(0))}: use the times of the facts"
    habit = forbidden.HABIT.search(ground.bare)
    if habit and not ground.brief.recurrence.days_30 and ground.section != "immediate_action":
        yield "unbacked-habit", f"{_shown(habit.group(0))}: no earlier observation counts"


def _decided_problems(ground: _Ground) -> Iterator[tuple[str, str]]:
    """What code has decided: how severe it is, what was seen missing, whether faces are blurred."""
    grading = ground.brief.grading
    graded = (grading.severity, grading.consequence, grading.likelihood)
    for said in claims.misgraded(ground.bare, graded)[:2]:
        yield "contradiction", f"{_shown(said)}: it is graded {', '.join(graded)}"
    for clause in re.split(r"[,.;]|\b(?:and|but|while|whereas)\b", ground.bare):
        seen = forbidden.SEEN_MISSING.search(clause)
        if seen and not (_NO_CLAIM.search(clause[: seen.start()]) or _seen_missing(clause, ground)):
            yield "unbacked-item", f"{_shown(seen.group(0))}: the item was not seen, which is not the same"
    denied = forbidden.NOT_BLURRED.search(ground.bare)
    blurred = forbidden.BLURRED.search(forbidden.NOT_BLURRED.sub(" ", ground.bare))
    wrong = denied if ground.brief.opened.evidence.faces_blurred else blurred
    if wrong:
        yield "contradiction", f"{_shown(wrong.group(0))}: the fact on faces says otherwise"


_NO_CLAIM = re.compile(r"(?<!\w)(?:not|than|rather)(?!\w)")


def _seen_missing(clause: str, ground: _Ground) -> bool:
    """Whether an item that *clause*, or else its sentence, speaks of was seen missing."""
    missing = {found.finding: found.basis == "seen-missing" for found in ground.brief.opened.findings}
    named = claims.named_findings(clause, missing) or claims.named_findings(ground.bare, missing) or missing
    return any(missing[finding] for finding in named)


def _shown(text: str) -> str:
    return f"{text[:60]!a}"
