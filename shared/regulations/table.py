"""The citation table, read strictly: citations, corrective actions and known misuses, looked up by id."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Annotated, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, model_validator

from shared.config.yaml_file import read_model
from shared.errors import ConfigurationError
from shared.vocabulary import Finding, Hazard, Jurisdiction, Severity

FOLDER = Path(__file__).parent
SITE_POLICY = "site-policy"
STANDARD = "standard"
US_PARTS = frozenset((Jurisdiction.US_CONSTRUCTION, Jurisdiction.US_GENERAL_INDUSTRY))

Level = Literal["elimination", "substitution", "engineering", "administrative", "ppe"]
LEVELS: tuple[Level, ...] = ("elimination", "substitution", "engineering", "administrative", "ppe")

Id = Annotated[str, Field(pattern=r"^[a-z0-9]+(?:-[a-z0-9]+)*$", max_length=40)]
Text = Annotated[str, Field(min_length=3, max_length=300)]
Days = Annotated[int, Field(ge=1, le=365)]
Verified = Literal["yes", "partly", "from memory", "own rule"]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Entry(_Strict):
    """One reference and the conditions under which it may be printed; citations.yaml explains the fields."""

    id: Id
    title: Text
    jurisdiction: Jurisdiction | Literal["site-policy", "standard"]
    role: Literal["primary", "supporting", "after-review"]
    beside: tuple[Jurisdiction, ...] = ()
    requirement: Text
    applies_when: Text
    equipment_standard: str = Field("", max_length=200)
    findings: tuple[Finding, ...] = Field(min_length=1)
    zone_hazards: tuple[Hazard, ...] = ()
    zone_hazards_all: tuple[Hazard, ...] = ()
    needs_person_confirmation: bool
    verified: Verified
    source: str | None = None
    source_kind: Literal["official", "secondary"] | None = None

    @model_validator(mode="after")
    def _consistent(self) -> "Entry":
        own = self.jurisdiction == SITE_POLICY
        if own == bool(self.zone_hazards or self.zone_hazards_all):
            raise ValueError("a law or standard needs zone_hazards or zone_hazards_all, site policy has none")
        if self.verified in ("yes", "partly") and not (self.source and self.source_kind):
            raise ValueError("verified yes or partly needs source and source_kind")
        if self.jurisdiction == STANDARD and (self.role == "primary" or not self.beside):
            raise ValueError("a product standard is supporting and names the jurisdictions it stands beside")
        return self

    def fits(self, hazards: Iterable[Hazard]) -> bool:
        """Whether a zone that declares *hazards* meets the entry's conditions."""
        declared = set(hazards)
        any_met = not self.zone_hazards or bool(declared & set(self.zone_hazards))
        return any_met and declared >= set(self.zone_hazards_all)


class Review(_Strict):
    """That a competent person has read one version of the table for one jurisdiction."""

    jurisdiction: Jurisdiction
    table_version: str
    reviewed_by: Text
    role: Text
    reviewed_on: Annotated[str, Field(pattern=r"^\d{4}-\d{2}-\d{2}$")]
    note: str = Field("", max_length=1000)


class CorrectiveAction(_Strict):
    """What could be done; its id is ``finding.level.number``."""

    id: Annotated[str, Field(pattern=r"^[a-z_]+\.[a-z]+\.[1-9][0-9]?$")]
    text: Text
    zone_hazards: tuple[Hazard, ...] = ()
    at_once: bool = False

    @model_validator(mode="after")
    def _known_parts(self) -> "CorrectiveAction":
        finding, level, _ = self.id.split(".")
        if finding not in set(Finding) or level not in LEVELS:
            raise ValueError(f"{self.id} is not finding.level.number; levels are {', '.join(LEVELS)}")
        return self

    @property
    def finding(self) -> Finding:
        return Finding(self.id.split(".")[0])

    @property
    def level(self) -> Level:
        return next(level for level in LEVELS if level == self.id.split(".")[1])


class KnownMisuse(_Strict):
    """A reference that must not be cited in the case described; without findings in no case at all."""

    cites: tuple[Text, ...] = Field(min_length=1)
    misused_for: Text
    findings: tuple[Finding, ...] = ()
    zone_hazards: tuple[Hazard, ...] = ()
    jurisdictions: tuple[Jurisdiction, ...] = ()
    truth: Text
    verified: Verified
    source: str

    def allowed_by(self, entry: Entry) -> bool:
        """Whether *entry* would let a report print this reference in this case."""
        if not any(stands_in(cite, entry.title) for cite in self.cites):
            return False
        if self.findings and not set(self.findings) & set(entry.findings):
            return False
        if self.jurisdictions and entry.jurisdiction not in self.jurisdictions:
            return False
        return not self.zone_hazards or entry.fits(self.zone_hazards)


_Found = TypeVar("_Found", Entry, CorrectiveAction)


class _Citations(_Strict):
    schema_version: Literal[1]
    table_version: Annotated[str, Field(pattern=r"^\d+\.\d+\.\d+$")]
    reviews: tuple[Review, ...]
    citations: tuple[Entry, ...] = Field(min_length=1)


class _Actions(_Strict):
    schema_version: Literal[1]
    owners: dict[Level, Text]
    due_days: dict[Severity, dict[Level, Days]]
    corrective_actions: tuple[CorrectiveAction, ...]


class _Misuses(_Strict):
    schema_version: Literal[1]
    known_misuses: tuple[KnownMisuse, ...]


@dataclass(frozen=True, slots=True)
class RegulationTable:
    """The whole table.

    Attributes:
        version: of the citations.
        reviews: who has reviewed which version for which jurisdiction.
        citations, actions, misuses: in the order of the files.
        owners: suggested role for each level of the hierarchy of controls.
        due_days: days after the report, by severity and level.
    """

    version: str
    reviews: tuple[Review, ...]
    citations: tuple[Entry, ...]
    actions: tuple[CorrectiveAction, ...]
    misuses: tuple[KnownMisuse, ...]
    owners: dict[Level, str]
    due_days: dict[Severity, dict[Level, int]]

    def citations_at(self, jurisdictions: Sequence[Jurisdiction]) -> tuple[Entry, ...]:
        """The citations as they hold at a site of these *jurisdictions*.

        Where it declares both US parts, the work decides which one holds (29 CFR 1910.12): a person must confirm it.
        """
        unsure = US_PARTS if set(jurisdictions) >= US_PARTS else frozenset()
        return tuple(
            entry.model_copy(update={"needs_person_confirmation": True})
            if entry.jurisdiction in unsure
            else entry
            for entry in self.citations
        )

    def citation(self, citation_id: str) -> Entry:
        """The entry of that id.

        Raises:
            ConfigurationError: there is none.
        """
        return _by_id(self.citations, citation_id, "citation")

    def action(self, action_id: str) -> CorrectiveAction:
        """The corrective action of that id.

        Raises:
            ConfigurationError: there is none.
        """
        return _by_id(self.actions, action_id, "corrective action")

    def label(self, jurisdictions: Sequence[Jurisdiction]) -> str:
        """Version and state of review for a site of these *jurisdictions*, as a report prints it."""
        valid = {
            review.jurisdiction: review for review in self.reviews if review.table_version == self.version
        }
        if not valid or not all(jurisdiction in valid for jurisdiction in jurisdictions):
            return f"{self.version}, table not yet reviewed by a competent person"
        shown = [valid[j] for j in jurisdictions] if jurisdictions else list(valid.values())
        names = sorted({f"{r.reviewed_by} ({r.role}) for {r.jurisdiction} on {r.reviewed_on}" for r in shown})
        return f"{self.version}, reviewed by {'; '.join(names)}"


def load_table(folder: Path = FOLDER) -> RegulationTable:
    """Read the three files of *folder* and check that they agree.

    Raises:
        ConfigurationError: a file is wrong, an id stands twice, a finding has no reference or no action above PPE that
            fits every zone, or an entry allows a known misuse.
    """
    _, citations = read_model(folder / "citations.yaml", _Citations)
    _, actions = read_model(folder / "corrective_actions.yaml", _Actions)
    _, misuses = read_model(folder / "known_misuses.yaml", _Misuses)
    problems = [
        *_repeated("citation", [entry.id for entry in citations.citations]),
        *_repeated("corrective action", [action.id for action in actions.corrective_actions]),
        *_gaps(citations.citations, actions),
        *_misused(citations.citations, misuses.known_misuses),
    ]
    if problems:
        raise ConfigurationError("\n".join([f"{folder}: the citation table does not agree:", *problems]))
    return RegulationTable(
        version=citations.table_version,
        reviews=citations.reviews,
        citations=citations.citations,
        actions=actions.corrective_actions,
        misuses=misuses.known_misuses,
        owners=dict(actions.owners),
        due_days={severity: dict(days) for severity, days in actions.due_days.items()},
    )


@cache
def shipped_table() -> RegulationTable:
    """The table that ships with the product, read once."""
    return load_table()


def stands_in(cite: str, title: str) -> bool:
    """Whether *title* names the reference *cite* or a paragraph under it: 1910.178 stands in 1910.178(m)(1)."""
    _, found, rest = title.casefold().partition(cite.casefold())
    return bool(found) and not rest[:1].isalnum() and not (rest[:1] == "." and rest[1:2].isdigit())


def _by_id(things: Iterable[_Found], wanted: str, what: str) -> _Found:
    for thing in things:
        if thing.id == wanted:
            return thing
    raise ConfigurationError(f"the citation table has no {what} {wanted!r}; see shared/regulations")


def _repeated(what: str, ids: list[str]) -> list[str]:
    return [
        f"{what} {name} stands twice; ids must differ"
        for name in sorted({i for i in ids if ids.count(i) > 1})
    ]


def _gaps(entries: Sequence[Entry], actions: _Actions) -> list[str]:
    own = {f for e in entries if e.jurisdiction == SITE_POLICY and e.role == "primary" for f in e.findings}
    above = {a.finding for a in actions.corrective_actions if a.level != "ppe" and not a.zone_hazards}
    problems = [f"finding {finding} has no site-policy entry" for finding in Finding if finding not in own]
    problems += [
        f"finding {finding} has no action above ppe that fits every zone"
        for finding in Finding
        if finding not in above
    ]
    problems += [f"level {level} has no owner" for level in LEVELS if level not in actions.owners]
    problems += [
        f"due_days.{severity} lacks {level}"
        for severity in Severity
        for level in LEVELS
        if level not in actions.due_days.get(severity, {})
    ]
    return problems


def _misused(entries: Sequence[Entry], misuses: Sequence[KnownMisuse]) -> list[str]:
    return [
        f"citation {entry.id} allows a known misuse ({misuse.misused_for}): {misuse.truth}"
        for entry in entries
        for misuse in misuses
        if misuse.allowed_by(entry)
    ]
