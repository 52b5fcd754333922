"""The safety observation report: everything that its pages print, before any layout."""

from dataclasses import dataclass
from datetime import datetime

from services.agent.domain.citation import Reference
from services.agent.domain.draft import Draft, Writer
from shared.contracts.violation import Opened
from shared.vocabulary import Severity

DISCLAIMER = (
    "This page records a potential non-compliance that a camera system observed. It is not an injury record, "
    "not a legal finding and not a citation by a regulator, and it does not enter an injury rate. "
    "Detection by camera can be wrong: a competent person decides what it means."
)


@dataclass(frozen=True, slots=True)
class Fact:
    """One checked statement of code about the violation.

    Attributes:
        id: ``F1``, ``F2``, ...
        name: what it is, such as ``First seen``.
        value: what it says, ready to print.
    """

    id: str
    name: str
    value: str


@dataclass(frozen=True, slots=True)
class Grading:
    """Severity from the declared matrix.

    Attributes:
        severity: our grade.
        consequence: minor, serious or life-threatening: what the hazard could do.
        likelihood: unlikely, possible or likely.
        reason: why, in one sentence.
    """

    severity: Severity
    consequence: str
    likelihood: str
    reason: str


@dataclass(frozen=True, slots=True)
class Action:
    """A corrective action to propose.

    Attributes:
        id: such as ``no_hardhat.engineering.1``.
        level: elimination, substitution, engineering, administrative or ppe.
        text: what to do; never names or blames a worker.
        suggested_owner: a role, never a person.
        due_days: days after the report that we suggest; 0: at once.
    """

    id: str
    level: str
    text: str
    suggested_owner: str
    due_days: int


@dataclass(frozen=True, slots=True)
class Recurrence:
    """Earlier violations of the same camera and rule, without this one and any dismissed, authorised or exempt.

    Attributes:
        days_7, days_30: how many there were within so many times 24 hours.
        on_days: on how many of the 7 days before this one's day, by the site's calendar, there was any: twenty people
            who walk past in an hour are one occasion.
    """

    days_7: int
    days_30: int
    on_days: int = 0


@dataclass(frozen=True, slots=True)
class Brief:
    """What a writer may know and use: facts, allowed references and offered actions; code decides all of them.

    Attributes:
        opened: the violation message.
        facts: numbered facts; numbers, names and times in the narrative must come from here.
        references: what may be cited, one for each finding.
        grading: severity and why.
        offered_actions: to choose from.
        recurrence: earlier ones.
    """

    opened: Opened
    facts: tuple[Fact, ...]
    references: tuple[Reference, ...]
    grading: Grading
    offered_actions: tuple[Action, ...]
    recurrence: Recurrence


@dataclass(frozen=True, slots=True)
class Report:
    """A finished report, ready for layout.

    Attributes:
        brief: facts, references, grading, recurrence.
        draft: the narrative.
        writer: who wrote it.
        actions: the chosen ones, most effective level first.
        generated_at: aware UTC; fixed when the draft was checkpointed, so that a retry gives the same bytes.
        table_version: version of the citation table.
    """

    brief: Brief
    draft: Draft
    writer: Writer
    actions: tuple[Action, ...]
    generated_at: datetime
    table_version: str
