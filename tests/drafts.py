"""Briefs and drafts for tests of writers."""

from typing import Any

from services.agent.adapters.template_report_writer import TemplateReportWriter
from services.agent.application.brief import build_brief
from services.agent.domain.draft import Draft, Sentence
from services.agent.domain.report import Brief, Recurrence
from services.agent.domain.validation import SECTION_LENGTHS
from shared.contracts.violation import FindingFacts, SiteFacts, SourceFacts, ZoneFacts
from shared.regulations.table import shipped_table
from shared.vocabulary import Finding, Hazard, Jurisdiction
from tests import builders


def brief(recurrence: Recurrence | None = None, **overrides: Any) -> Brief:
    """The brief of `builders.opened(**overrides)`."""
    return build_brief(builders.opened(**overrides), recurrence or Recurrence(0, 0), shipped_table())


def found(finding: Finding, basis: str = "seen-missing", **overrides: Any) -> FindingFacts:
    fields = {
        "finding": finding,
        "basis": basis,
        "confidence": 0.81,
        "supporting": 8,
        "looked": 10,
        "window_s": 2.5,
    }
    return FindingFacts.model_validate({**fields, **overrides})


def site(*jurisdictions: Jurisdiction, **overrides: Any) -> SiteFacts:
    fields: dict[str, Any] = {
        "id": "north-yard",
        "name": "North yard",
        "timezone": "America/Chicago",
        "policy": "Site safety policy 4.2",
    }
    return SiteFacts(**{**fields, "jurisdictions": jurisdictions, **overrides})


def zone(*hazards: Hazard, **overrides: Any) -> ZoneFacts:
    fields: dict[str, Any] = {"id": "hoist", "name": "Hoist area", "polygon": None}
    return ZoneFacts(**{**fields, "hazards": hazards, **overrides})


def recording(**overrides: Any) -> SourceFacts:
    fields: dict[str, Any] = {
        "kind": "file",
        "session": "c" * 64,
        "name": "clip.mp4",
        "offset_s": 72.4,
        "clock": "file-time",
    }
    return SourceFacts(**{**fields, **overrides})


def written(of: Brief) -> Draft:
    """The template's draft."""
    return TemplateReportWriter().write(of, b"").draft


def as_reply(draft: Draft) -> dict[str, Any]:
    """*draft* as a model hands it in."""

    def sentence(one: Sentence) -> dict[str, Any]:
        return {"text": one.text, "rests_on": list(one.rests_on)}

    sections = {name: [sentence(one) for one in getattr(draft, name)] for name in SECTION_LENGTHS}
    return {"headline": sentence(draft.headline), **sections, "actions": list(draft.actions)}
