"""Report writer without a model: sentences of a template, complete in itself, with no key and no network."""

from services.agent.domain.actions import chosen_actions
from services.agent.domain.citation import Citation, Reference, code
from services.agent.domain.draft import Draft, Sentence, Writer, Written
from services.agent.domain.facts import (
    CAMERA,
    CONFIDENCE,
    DURATION,
    FACES,
    FIRST_SEEN,
    GRADING,
    HAZARDS_DECLARED,
    LAST_SEEN,
    PEOPLE,
    RECURRENCE,
    RULE,
    SITE,
    SOURCE,
    ZONE,
    duration_text,
    observation_name,
    percent,
    seconds_text,
    spoken_start,
)
from services.agent.domain.plain_text import shorten
from services.agent.domain.report import Action, Brief
from services.agent.domain.severity import by_matrix, relevant_hazard
from services.agent.domain.validation import MAX_ACTIONS, MAX_HEADLINE, SHORT_NAME, SHORTER_NAME
from services.agent.domain.wording import HAZARDS, PRESENCE, counted, listed, missing_thing, worn_thing
from shared.contracts.violation import FindingFacts, Opened
from shared.regulations.table import SITE_POLICY
from shared.vocabulary import Finding, Hazard, Severity

TEMPLATE = "template"
TEMPLATE_VERSION = "template-1"

MAX_TOLD = 3
"""So many findings get a sentence of their own; more are told in one."""


class TemplateReportWriter:
    """Writes from the brief alone; the same brief gives the same draft."""

    def write(self, brief: Brief, picture: bytes) -> Written:
        """The narrative of *brief*; *picture* is not looked at."""
        return Written(_draft(brief), Writer(name=TEMPLATE, prompt_version=TEMPLATE_VERSION))


def _draft(brief: Brief) -> Draft:
    return Draft(
        headline=_headline(brief),
        what_was_seen=tuple(_what_was_seen(brief)),
        why_it_matters=tuple(_why_it_matters(brief)),
        immediate_action=tuple(_immediate_action(brief)),
        actions=tuple(action.id for action in _actions(brief)),
    )


# ---------------------------------------------------------------- headline


def _headline(brief: Brief) -> Sentence:
    zone = shorten(brief.opened.zone.name, SHORTER_NAME)
    told = _observed(brief.opened)
    text = f"Potential non-compliance in {zone}: {told}"
    if len(text) > MAX_HEADLINE:
        text = f"Potential non-compliance in {zone}: required equipment not seen on {_who(brief.opened)}"
    return _sentence(brief, text, ZONE, PEOPLE, *_observation_names(brief))


def _observed(opened: Opened) -> str:
    presence = [_PRESENCE_HEADLINE[f.finding] for f in opened.findings if f.finding in PRESENCE]
    missing = [missing_thing(f.finding) for f in opened.findings if f.finding not in PRESENCE]
    worn = [worn_thing(f.finding) for f in opened.findings if f.finding not in PRESENCE]
    certain = all(f.basis == "seen-missing" for f in opened.findings)
    if presence:
        return f"{_who(opened)} {listed(presence)}"
    if certain:
        return f"{_who(opened)} without {listed(worn)}"
    return f"{listed(missing)} not seen on {_who(opened)}"


def _who(opened: Opened) -> str:
    return "a person" if opened.people == 1 else f"{opened.people} people"


_PRESENCE_HEADLINE = {
    Finding.RESTRICTED_ZONE: "inside a restricted zone",
    Finding.PROXIMITY_VEHICLE: "close to a vehicle",
    Finding.UNDER_LOAD: "under a load",
    Finding.WORK_AT_HEIGHT: "at an edge or at height",
}


# ---------------------------------------------------------------- what was seen


def _what_was_seen(brief: Brief) -> list[Sentence]:
    opened = brief.opened
    told = [_place_and_time(brief)]
    if len(opened.findings) <= MAX_TOLD:
        told += [
            _sentence(brief, _looks(found, opened), observation_name(found)) for found in opened.findings
        ]
    else:
        told.append(_many_findings(brief))
    return [*told, _still_going_on(brief), _how_sure(brief)]


def _place_and_time(brief: Brief) -> Sentence:
    opened = brief.opened
    camera, zone, site = (
        shorten(named.name, SHORT_NAME) for named in (opened.camera, opened.zone, opened.site)
    )
    text = f"At {site}, the camera “{camera}” observed {_who(opened)} in the zone “{zone}” {spoken_start(opened)}."
    return _sentence(brief, text, SITE, CAMERA, ZONE, PEOPLE, FIRST_SEEN)


def _looks(found: FindingFacts, opened: Opened) -> str:
    looks = f"{found.supporting} of {counted(found.looked, 'look', 'looks')}"
    sure = (
        f"in {looks} within {seconds_text(found.window_s)}, with a confidence of {percent(found.confidence)}"
    )
    if found.finding in PRESENCE:
        return f"{_PRESENCE_SEEN[found.finding]} {sure}."
    if found.basis == "seen-missing":
        return f"{_WITHOUT[found.finding]} was seen {sure}."
    somebody = "the person" if opened.people == 1 else "at least one of them"
    thing = missing_thing(found.finding)
    return f"No {thing} could be seen on {somebody} {sure}; the system counts only looks where it would be visible."


_PRESENCE_SEEN = {
    Finding.RESTRICTED_ZONE: "Somebody stood inside the restricted zone",
    Finding.PROXIMITY_VEHICLE: "Somebody was close to a vehicle",
    Finding.UNDER_LOAD: "Somebody was under a load",
    Finding.WORK_AT_HEIGHT: "Somebody was at an edge or at height",
}

_WITHOUT = {
    Finding.NO_HARDHAT: "A head without a hard hat",
    Finding.NO_VEST: "An upper body without a high-visibility vest",
    Finding.NO_MASK: "A face without a mask",
    Finding.NO_GOGGLES: "A face without eye protection",
    Finding.NO_GLOVES: "A hand without a glove",
    Finding.NO_BOOTS: "A foot without safety footwear",
    Finding.NO_HEARING_PROTECTION: "An ear without hearing protection",
}


def _many_findings(brief: Brief) -> Sentence:
    told = [
        f"{_SHORT[found.finding]} ({found.supporting} of {found.looked} looks, {percent(found.confidence)})"
        for found in brief.opened.findings
    ]
    text = f"The camera's looks support these findings, each with its confidence: {listed(told)}."
    return _sentence(brief, text, *_observation_names(brief))


_SHORT = {
    finding: _PRESENCE_HEADLINE[finding] if finding in PRESENCE else f"no {missing_thing(finding)}"
    for finding in Finding
}


def _still_going_on(brief: Brief) -> Sentence:
    seconds = (brief.opened.last_seen - brief.opened.first_seen).total_seconds()
    since = f", {duration_text(seconds)} after it was first seen" if round(seconds) else ""
    return _sentence(brief, f"It was still going on when this was recorded{since}.", LAST_SEEN, DURATION)


def _how_sure(brief: Brief) -> Sentence:
    faces = (
        "faces in the picture are blurred"
        if brief.opened.evidence.faces_blurred
        else "faces are not blurred here"
    )
    text = (
        f"Taken together the system is {percent(brief.opened.confidence)} confident that this is a potential "
        f"non-compliance; a competent person decides what it means. Nobody was identified, and {faces}."
    )
    return _sentence(brief, text, CONFIDENCE, FACES, PEOPLE)


# ---------------------------------------------------------------- why it matters


def _why_it_matters(brief: Brief) -> list[Sentence]:
    findings = dict.fromkeys(found.finding for found in brief.opened.findings)
    harms = list(dict.fromkeys(_harm(finding, brief.opened) for finding in findings))[:2]
    told = [_sentence(brief, harm, HAZARDS_DECLARED, RULE) for harm in harms]
    told += _references(brief)[: 4 - len(harms)]
    return [*told, _graded(brief), _recurring(brief)]


def _harm(finding: Finding, opened: Opened) -> str:
    hazard = relevant_hazard(finding, opened.zone.hazards)
    if hazard is None:
        return _NO_HAZARD.get(finding) or _asked_for(opened)
    declared = HAZARDS[hazard].capitalize()
    verb = "are" if declared.partition(" of ")[0].endswith("s") else "is"
    harm = _AREA_HARM[hazard] if finding in PRESENCE else _HARM[finding]
    return f"{declared} {verb} declared for this zone: {harm}."


def _asked_for(opened: Opened) -> str:
    findings = [found.finding for found in opened.findings if found.finding not in PRESENCE]
    bare = [f for f in dict.fromkeys(findings) if relevant_hazard(f, opened.zone.hazards) is None]
    things = listed([worn_thing(finding) for finding in bare])
    return f"The site asks for {things} in this zone; without that, one layer of protection is missing."


_NO_HAZARD = {
    Finding.RESTRICTED_ZONE: "The site's own rule keeps people out of this zone, and the site knows the reason best.",
    Finding.PROXIMITY_VEHICLE: "A driver may not see a person on foot in time.",
    Finding.UNDER_LOAD: "A load can drop or swing without warning.",
    Finding.WORK_AT_HEIGHT: "A fall from an edge can be life-threatening.",
}

_HARM = {
    Finding.NO_HARDHAT: "a blow to an unprotected head can be severe or worse",
    Finding.NO_VEST: "somebody who is hard to see may be noticed too late",
    Finding.NO_MASK: "what is breathed in can harm health, and may go unnoticed at first",
    Finding.NO_GOGGLES: "an unprotected eye can be lost in a moment",
    Finding.NO_GLOVES: "unprotected hands are the first to be hurt",
    Finding.NO_BOOTS: "something heavy, sharp or rolling can harm an unprotected foot",
    Finding.NO_HEARING_PROTECTION: "damage to hearing does not heal",
}

_AREA_HARM = {
    Hazard.OVERHEAD_WORK: "an object that falls can strike whoever is below",
    Hazard.VEHICULAR_TRAFFIC: "a driver may not see a person on foot in time",
    Hazard.PUBLIC_TRAFFIC: "a driver may not see a person on foot in time",
    Hazard.EXCAVATION: "equipment that digs can strike whoever is near, and dug ground can give way",
    Hazard.CRANE_SWING: "the moving crane can strike or crush whoever is in its reach",
    Hazard.LIFTING: "a load can drop or swing without warning",
    Hazard.POWERED_TRUCKS: "a truck driver may not see a person on foot in time",
    Hazard.MACHINERY: "moving parts can catch or crush whoever comes within reach",
    Hazard.ELECTRICAL: "a live part within reach can kill at a touch",
    Hazard.FALL_EDGE: "a fall from the edge can be life-threatening",
    Hazard.HOT_WORK: "sparks and heat reach further than the work itself",
    Hazard.CHEMICAL: "contact or vapour can harm before it is noticed",
}


def _references(brief: Brief) -> list[Sentence]:
    several = len(brief.references) > 1
    told: dict[str, Sentence] = {}
    for reference in brief.references:
        citation = reference.citations[0]
        text = _reference(reference, citation, several)
        told.setdefault(citation.id, Sentence(text, (citation.id, *_ids(brief, RULE, HAZARDS_DECLARED))))
    return list(told.values())


def _reference(reference: Reference, citation: Citation, several: bool) -> str:
    if citation.jurisdiction == SITE_POLICY:
        text = f"the reference is the site's own rule, {citation.title}."
    elif citation.needs_person_confirmation:
        text = f"this may relate to {code(citation.title)}, which a person has to confirm: {citation.applies_when}"
    else:
        text = f"this may relate to {citation.title}: {citation.requirement}"
    if several:
        return f"For the finding “{_SHORT[reference.finding]}”, {text}"
    return text[0].upper() + text[1:]


def _graded(brief: Brief) -> Sentence:
    grading, graded = brief.grading, by_matrix(brief.grading)
    set_by_site = (
        f"The site file sets the severity of this rule to {grading.severity}; the matrix would give {graded}"
    )
    begin = f"The severity is {grading.severity}" if grading.severity == graded else set_by_site
    text = f"{begin}: the consequence could be {grading.consequence}, and harm is {grading.likelihood}."
    return _sentence(brief, text, GRADING)


def _recurring(brief: Brief) -> Sentence:
    earlier = brief.recurrence
    if earlier.days_30 == 0:
        text = "No other observation of this rule by this camera is on record for the 30 days before"
    else:
        text = (
            f"The same camera and rule had {counted(earlier.days_7, 'other observation', 'other observations')} in the "
            f"7 days before, and {earlier.days_30} in the 30 days before"
        )
    return _sentence(brief, f"{text}, not counting any dismissed, authorised or exempt.", RECURRENCE)


# ---------------------------------------------------------------- immediate action


def _immediate_action(brief: Brief) -> list[Sentence]:
    first = _sentence(brief, _first_step(brief), RULE, ZONE, GRADING)
    check = (
        "Then look at the evidence picture: if the person was authorised or exempt, or the system is mistaken, "
        "record that instead."
    )
    return [first, _sentence(brief, check, CONFIDENCE, SOURCE)]


def _first_step(brief: Brief) -> str:
    grave = brief.grading.severity in (Severity.HIGH, Severity.CRITICAL)
    findings = [found.finding for found in brief.opened.findings]
    if any(finding in PRESENCE for finding in findings):
        stop = "Stop the work that endangers the zone and ask" if grave else "Ask"
        return f"{stop} whoever is inside to leave by a safe way, and keep the zone empty until it has been checked."
    things = listed([worn_thing(finding) for finding in dict.fromkeys(findings)])
    if grave:
        return f"Pause the work in the zone until everybody inside wears {things}, and talk it through on the spot."
    return f"Ask everybody in the zone to step out and to come back wearing {things}."


# ---------------------------------------------------------------- corrective actions


def _actions(brief: Brief) -> tuple[Action, ...]:
    chosen: list[str] = []
    for finding in dict.fromkeys(found.finding for found in brief.opened.findings):
        chosen += _choice(finding, brief)
    return chosen_actions(brief, tuple(chosen[:MAX_ACTIONS]))


def _choice(finding: Finding, brief: Brief) -> list[str]:
    """One lasting measure, one of organisation and one of equipment, in this order: the first never is PPE."""
    mine = [action for action in brief.offered_actions if action.id.startswith(f"{finding}.")]
    wanted = (("engineering", "elimination", "substitution"), ("administrative",), ("ppe",))
    picks = [next((a for level in levels for a in mine if a.level == level), None) for levels in wanted]
    return [action.id for action in picks if action]


# ---------------------------------------------------------------- grounds


def _observation_names(brief: Brief) -> list[str]:
    return [observation_name(found) for found in brief.opened.findings]


def _sentence(brief: Brief, text: str, *names: str) -> Sentence:
    return Sentence(text, _ids(brief, *names))


def _ids(brief: Brief, *names: str) -> tuple[str, ...]:
    return tuple(fact.id for fact in brief.facts if fact.name in names)
