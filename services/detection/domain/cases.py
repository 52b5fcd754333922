"""From observations to violations: candidates are confirmed, opened once, kept while they last, and closed once.

A pure state machine on the frames' own time. It proposes (`Opening`, `Closing`); a proposal that the caller
could not store comes again at the next look until it is accepted, or dropped: nothing is opened that was not accepted.
"""

import hashlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from services.detection.domain.confirmation import BLIND_S, History, needed_for
from services.detection.domain.detection import Reliability
from services.detection.domain.geometry import Box
from services.detection.domain.scene import Observation, Stance, Subject
from shared.config.site import PpeRule, Rule
from shared.contracts.violation import FindingFacts
from shared.vocabulary import Finding

SETTLE_S = 4.0  # how long a confirmed finding waits for others of the same person
END_S = 5.0  # without support, the subject gone or compliant: it has ended
UNCLEAR_S = 60.0  # without support while the view is unclear
ADOPT_S = 10.0  # after a gap or a restart, how long an open violation waits to be seen again
LONGEST_GAP_S = 120.0  # after a longer gap nobody can say that it is the same violation
SAME_PLACE = 0.3  # overlap from which somebody stands where an open violation was

CloseReason = Literal["ended", "unobserved", "source-ended"]


@dataclass(frozen=True, slots=True)
class Case:
    """An open violation.

    Attributes:
        id: violation id.
        subject: who or what it is about; the track changes when a restart or a gap made a new one.
        findings: what was reported.
        first_s, last_s: first and last supporting look, seconds in the session.
        people: most at once.
        supporting, looks: numbers of looks.
        box: last box of the (first) person, in pixels.
        waiting_since_s: set while it waits to be seen again after a gap or a restart.
        seen_s: last look at the subject, whatever that said, seconds in the session.
    """

    id: str
    subject: Subject
    findings: tuple[Finding, ...]
    first_s: float
    last_s: float
    people: int
    supporting: int
    looks: int
    box: Box | None
    waiting_since_s: float | None = None
    seen_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Opening:
    """A confirmed violation, to be stored and then told to `Cases.opened`."""

    case: Case
    findings: tuple[FindingFacts, ...]


@dataclass(frozen=True, slots=True)
class Closing:
    """An open violation that has ended, to be stored and then told to `Cases.closed`."""

    case: Case
    reason: CloseReason


@dataclass(frozen=True, slots=True)
class Decision:
    """Why something was or was not raised; for people."""

    subject: Subject
    finding: Finding
    stance: Stance
    confidence: float
    progress: str
    why: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one look led to.

    Attributes:
        openings, closings: to be stored.
        decisions: one for each observation.
        suppressed: confirmed again within the cooldown, each told once.
    """

    openings: tuple[Opening, ...]
    closings: tuple[Closing, ...]
    decisions: tuple[Decision, ...] = ()
    suppressed: tuple[tuple[Subject, Finding], ...] = ()


@dataclass(slots=True)
class _Candidate:
    subject: Subject  # where he was last seen lacking it
    began: Box | None  # where he was first seen
    histories: dict[Finding, History] = field(default_factory=dict)
    confirmed_since_s: float | None = None
    box: Box | None = None
    seen_s: float = 0.0
    proposed: int = 0
    suppressed: set[Finding] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class Identity:
    """What makes a violation's id unique beside its subject and time."""

    site: str
    camera: str
    session: str


@dataclass(slots=True)
class Cases:
    """All candidates and open violations of one camera. State of a track goes when the track does."""

    identity: Identity
    rules: Mapping[str, Rule]
    reliability: Reliability = field(default_factory=dict)
    open: dict[str, Case] = field(default_factory=dict)
    last_look_s: float | None = None
    _proposed: dict[str, Opening] = field(default_factory=dict)  # by id, until accepted
    _born: dict[int, float] = field(default_factory=dict)  # tracks alive, since when
    _ends: dict[Subject, dict[Finding, float]] = field(default_factory=dict)
    _candidates: dict[Subject, _Candidate] = field(default_factory=dict)

    def look(self, observations: Sequence[Observation], alive: Collection[int], at_s: float) -> Outcome:
        """Take in one look.

        Args:
            observations: what the rules say of it.
            alive: tracks that may still be seen again.
            at_s: seconds in the session, rising.
        """
        self._after_gap(at_s)
        self.last_look_s = at_s
        self._born = {track: self._born.get(track, at_s) for track in alive}
        decisions = [self._take(observation, at_s) for observation in observations]
        self._propose({self._who(observation.subject) for observation in observations}, at_s)
        closings = self._closings(alive, at_s)
        self._forget(alive, at_s)
        openings = tuple(self._proposed.values())
        return Outcome(openings, tuple(closings), tuple(decisions), tuple(self._suppressed(at_s)))

    def opened(self, opening: Opening) -> None:
        """*opening* has been accepted."""
        self.open[opening.case.id] = self._proposed.pop(opening.case.id, opening).case
        candidate = self._candidates.get(self._who(opening.case.subject))
        if candidate:
            candidate.confirmed_since_s = None

    def dropped(self, opening: Opening) -> None:
        """*opening* can never be stored."""
        self._proposed.pop(opening.case.id, None)

    def closed(self, closing: Closing) -> None:
        """*closing* has been accepted."""
        case = self.open.pop(closing.case.id)
        self._ends.setdefault(self._who(case.subject), {}).update(dict.fromkeys(case.findings, case.last_s))

    def use(self, rules: Mapping[str, Rule], zones: Collection[str]) -> None:
        """Go on with changed rules and zones; what is open keeps the rule that opened it."""

        def as_before(subject: Subject) -> bool:
            return rules.get(subject.rule) == self.rules[subject.rule] and subject.zone in zones

        self._candidates = {who: one for who, one in self._candidates.items() if as_before(one.subject)}
        self._proposed = {id_: one for id_, one in self._proposed.items() if as_before(one.case.subject)}
        self.rules = {**self.rules, **rules}

    def scale(self, x: float, y: float) -> None:
        """From now on pictures are *x* times as wide and *y* times as high."""
        for case in self._all():
            self._change(replace(case, box=case.box and case.box.scaled(x, y)))
        for candidate in self._candidates.values():
            candidate.began = candidate.began and candidate.began.scaled(x, y)
            candidate.box = candidate.box and candidate.box.scaled(x, y)

    def finish(self, at_s: float) -> Outcome:
        """The source has ended: open what is confirmed, close what is open."""
        self._propose(frozenset(), at_s)
        closings = [Closing(case, "source-ended") for case in self._all()]
        return Outcome(tuple(self._proposed.values()), tuple(closings))

    @property
    def ended(self) -> dict[Subject, tuple[float, tuple[Finding, ...]]]:
        """What the cooldown holds back, for a restart: only zones outlive one, and a zone has one finding."""
        return {subject: (max(ends.values()), tuple(ends)) for subject, ends in self._ends.items()}

    @ended.setter
    def ended(self, ended: Mapping[Subject, tuple[float, tuple[Finding, ...]]]) -> None:
        self._ends = {subject: dict.fromkeys(findings, end_s) for subject, (end_s, findings) in ended.items()}

    @property
    def busy(self) -> bool:
        """Whether somebody is being looked at: the motion gate must stay open."""
        return bool(self.open or self._proposed) or any(
            history.supported
            for candidate in self._candidates.values()
            for history in candidate.histories.values()
        )

    @property
    def subjects(self) -> frozenset[Subject]:
        """Whose evidence must be kept."""
        proposed = (opening.case.subject for opening in self._proposed.values())
        return frozenset([*(candidate.subject for candidate in self._candidates.values()), *proposed])

    def _all(self) -> list[Case]:
        """The open violations and the proposed ones."""
        return [*self.open.values(), *(opening.case for opening in self._proposed.values())]

    def _change(self, case: Case) -> None:
        proposed = self._proposed.get(case.id)
        if proposed:
            self._proposed[case.id] = replace(proposed, case=case)
        else:
            self.open[case.id] = case

    def _who(self, subject: Subject) -> Subject:
        """The same for one person wherever he stands, unless the rule is about the place."""
        about_the_person = subject.track is not None and isinstance(self.rules.get(subject.rule), PpeRule)
        return replace(subject, zone="") if about_the_person else subject

    def _take(self, observation: Observation, at_s: float) -> Decision:
        who = self._who(observation.subject)
        candidate = self._candidates.setdefault(who, _Candidate(observation.subject, observation.box))
        if observation.stance is Stance.SUPPORTS:
            candidate.subject = observation.subject
        history = candidate.histories.setdefault(
            observation.finding,
            History(
                observation.finding,
                needed_for(self.rules[observation.subject.rule]),
                self.reliability.get(observation.finding, {}),
            ),
        )
        ignored = history.add(observation, at_s)
        candidate.seen_s = at_s
        if observation.box:
            candidate.box = observation.box
        supports = observation.stance is Stance.SUPPORTS and not ignored
        case = self._case_of(who, observation, supports, at_s)
        if case:
            self._continue(case, observation, supports, at_s)
        why = ignored or observation.why
        if supports and case:
            why += f"; counted into open violation {case.id[:8]}"
        elif supports and (left := self._cooling_s(who, observation.finding, at_s)):
            why += f"; suppressed by the cooldown for {left:.0f} s more"
        return Decision(
            observation.subject,
            observation.finding,
            observation.stance,
            observation.confidence,
            history.progress(),
            why,
        )

    def _case_of(self, who: Subject, observation: Observation, supports: bool, at_s: float) -> Case | None:
        """The violation that *observation* belongs to; a lost person's goes to who turns up and stands there."""
        for case in self._all():
            if self._who(case.subject) == who and observation.finding in case.findings:
                return case
        return self._adopted(who, observation, at_s) if supports else None

    def _adopted(self, who: Subject, observation: Observation, at_s: float) -> Case | None:
        began, box = self._candidates[who].began, observation.box
        waiting = [
            case
            for case in self._all()
            if self._may_be(case, who.track)
            and not self._ended(case, self._born, at_s)
            and replace(self._who(case.subject), track=who.track) == who
            and observation.finding in case.findings
            and began is not None
            and box is not None
            and case.box is not None
            and box.iou(case.box) >= SAME_PLACE
            and began.covered_by(case.box) >= SAME_PLACE
        ]
        if not waiting:
            return None
        case = max(waiting, key=lambda case: (case.last_s, case.id))
        return replace(case, subject=replace(case.subject, track=who.track))

    def _may_be(self, case: Case, track: int | None) -> bool:
        """Whether *track* may be the lost person of *case*: after a gap anyone, else who was never seen beside him."""
        if case.waiting_since_s is not None:
            return True
        lost = case.subject.track is not None and case.subject.track not in self._born
        return lost and track in self._born and self._born[track] > case.seen_s

    def _continue(self, case: Case, observation: Observation, supports: bool, at_s: float) -> None:
        decisive = observation.stance is not Stance.CANNOT_TELL and case.findings[0] is observation.finding
        changed = replace(case, looks=case.looks + decisive, seen_s=at_s)
        if supports:
            changed = replace(
                changed,
                last_s=at_s,
                people=max(case.people, observation.people),
                supporting=case.supporting + decisive,
                box=observation.box or case.box,
                waiting_since_s=None,
            )
        self._change(changed)

    def _propose(self, seen: Collection[Subject], at_s: float) -> None:
        """Propose what is confirmed and need not wait for other findings of the same person."""
        for who, candidate in self._candidates.items():
            news = self._news(who, candidate, at_s)
            if not news:
                candidate.confirmed_since_s = None
                continue
            if candidate.confirmed_since_s is None:
                candidate.confirmed_since_s = at_s
            waited = at_s - candidate.confirmed_since_s >= SETTLE_S
            leaning = any(history.leaning for history in candidate.histories.values())
            if waited or not leaning or who not in seen:
                opening = self._opening(candidate, news, at_s)
                candidate.proposed += 1
                self._proposed[opening.case.id] = opening

    def _news(self, who: Subject, candidate: _Candidate, at_s: float) -> list[History]:
        """The confirmed findings that no violation and no cooldown covers."""
        mine = [case for case in self._all() if self._who(case.subject) == who]
        covered = {finding for case in mine for finding in case.findings}
        return [
            history
            for finding, history in candidate.histories.items()
            if history.confirmed and finding not in covered and not self._cooling_s(who, finding, at_s)
        ]

    def _suppressed(self, at_s: float) -> Iterable[tuple[Subject, Finding]]:
        for who, candidate in self._candidates.items():
            for finding, history in candidate.histories.items():
                told = finding in candidate.suppressed
                if history.confirmed and not told and self._cooling_s(who, finding, at_s):
                    candidate.suppressed.add(finding)
                    yield candidate.subject, finding

    def _cooling_s(self, who: Subject, finding: Finding, at_s: float) -> float:
        """Seconds of cooldown left for *finding*; 0 if it may be raised."""
        ended_s = self._ends.get(who, {}).get(finding)
        return 0.0 if ended_s is None else max(0.0, self.rules[who.rule].cooldown_s - (at_s - ended_s))

    def _opening(self, candidate: _Candidate, news: list[History], at_s: float) -> Opening:
        first_s = min(history.first_support_s for history in news)
        facts = tuple(history.facts() for history in news)
        case = Case(
            id=self._id(candidate.subject, candidate.proposed, first_s),
            subject=candidate.subject,
            findings=tuple(history.finding for history in news),
            first_s=first_s,
            last_s=at_s,
            people=max(history.people for history in news),
            supporting=facts[0].supporting,
            looks=facts[0].looked,
            box=candidate.box,
            seen_s=candidate.seen_s,
        )
        return Opening(case, facts)

    def _closings(self, alive: Collection[int], at_s: float) -> list[Closing]:
        return [
            Closing(case, reason) for case in self.open.values() if (reason := self._ended(case, alive, at_s))
        ]

    def _ended(self, case: Case, alive: Collection[int], at_s: float) -> CloseReason | None:
        if case.waiting_since_s is not None:
            return "unobserved" if at_s - case.waiting_since_s > ADOPT_S else None
        unclear = case.subject.track in alive and not self._denied(case)
        return "ended" if at_s - case.last_s > (UNCLEAR_S if unclear else END_S) else None

    def _denied(self, case: Case) -> bool:
        candidate = self._candidates.get(self._who(case.subject))
        if candidate is None:
            return False
        histories = [
            candidate.histories[finding] for finding in case.findings if finding in candidate.histories
        ]
        return all(history.denied for history in histories)

    def _after_gap(self, at_s: float) -> None:
        """After a start or a while without looks people may have moved: violations wait to be seen again."""
        if self.last_look_s is not None and at_s - self.last_look_s <= BLIND_S:
            return
        self._propose(frozenset(), self.last_look_s or 0.0)
        for case in self._all():
            too_long = at_s - case.last_s > LONGEST_GAP_S
            self._change(replace(case, waiting_since_s=at_s - ADOPT_S - 1 if too_long else at_s))
        self._candidates.clear()

    def _forget(self, alive: Collection[int], at_s: float) -> None:
        """Drop what can no longer matter."""
        for candidate in self._candidates.values():
            for history in candidate.histories.values():
                history.forget(at_s)
        gone = [
            subject
            for subject, candidate in self._candidates.items()
            if (subject.track is not None and subject.track not in alive)
            or all(history.empty for history in candidate.histories.values())
        ]
        for subject in gone:
            del self._candidates[subject]
        for subject, ends in list(self._ends.items()):
            gone_track = subject.track is not None and subject.track not in alive
            rule = self.rules.get(subject.rule)  # None: it was open before a restart, and the rule is gone
            if gone_track or rule is None or at_s - max(ends.values()) > rule.cooldown_s:
                del self._ends[subject]

    def _id(self, subject: Subject, earlier: int, first_s: float) -> str:
        """128 bits of a hash over what makes the violation itself; the same input gives the same id for ever."""
        who = "zone" if subject.track is None else f"track-{subject.track}"
        parts = (
            self.identity.site,
            self.identity.camera,
            subject.rule,
            subject.zone,
            self.identity.session,
            f"{who}.{earlier}",
            f"{round(first_s * 1000)}",
        )
        return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()[:32]
