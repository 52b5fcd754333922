"""The citation table loads strictly and guards itself against edits that would mislead."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from shared.errors import ConfigurationError
from shared.regulations.table import FOLDER, LEVELS, RegulationTable, Review, load_table, shipped_table
from shared.vocabulary import Finding, Hazard, Jurisdiction, Severity

CITATIONS, ACTIONS, MISUSES = "citations.yaml", "corrective_actions.yaml", "known_misuses.yaml"
Edit = Callable[[str, str, str], Path]


@pytest.fixture
def edit(tmp_path: Path) -> Edit:
    """A copy of the table in which one text of one file is replaced."""

    def edited(file: str, old: str, new: str) -> Path:
        for path in FOLDER.glob("*.yaml"):
            shutil.copy(path, tmp_path)
        text = (tmp_path / file).read_text("utf-8")
        assert old in text
        (tmp_path / file).write_text(text.replace(old, new, 1), "utf-8")
        return tmp_path

    return edited


def test_the_shipped_table_loads() -> None:
    table = load_table()

    assert len(table.citations) == 41
    assert table.citation("osha-1926-100-a").title == "29 CFR 1926.100(a), Head protection"
    assert table.action("no_vest.ppe.2").level == "ppe"


def test_every_finding_has_actions_of_every_level() -> None:
    levels = {(action.finding, action.level) for action in shipped_table().actions}

    assert levels == {(finding, level) for finding in Finding for level in LEVELS}


def test_every_hazard_but_general_allows_some_law() -> None:
    used = {
        hazard
        for entry in shipped_table().citations
        for hazard in (*entry.zone_hazards, *entry.zone_hazards_all)
    }

    assert used == set(Hazard)


def test_graver_is_due_sooner() -> None:
    days = shipped_table().due_days

    for level in LEVELS:
        in_order = [days[severity][level] for severity in Severity]
        assert in_order == sorted(in_order, reverse=True)


@pytest.mark.parametrize("wanted", ["osha-1926-95-d", "", "OSHA-1926-100-A"])
def test_an_unknown_id_is_an_error_that_names_it(wanted: str) -> None:
    with pytest.raises(ConfigurationError, match="no citation"):
        shipped_table().citation(wanted)


@pytest.mark.parametrize(
    ("file", "old", "new", "told"),
    [
        (CITATIONS, "role: primary", "role: main", "primary"),
        (CITATIONS, "findings: [no_hardhat]", "findings: [no_hat]", "no_hat"),
        (CITATIONS, "zone_hazards: [machinery", "zone_hazards: [dragons", "dragons"),
        (CITATIONS, "- id: osha-1926-95-a\n", "- id: osha-1926-100-a\n", "stands twice"),
        (CITATIONS, "  verified: yes\n", "  verified: yes\n  quoted: text\n", "quoted"),
        (CITATIONS, "table_version:", "version:", "table_version"),
        (
            CITATIONS,
            "  source: https://www.osha.gov/laws-regs/standardinterpretations/2004-02-20\n",
            "",
            "source",
        ),
        (
            CITATIONS,
            "[restricted_zone, proximity_vehicle, under_load",
            "[restricted_zone, under_load",
            "no site-policy",
        ),
        (CITATIONS, "findings: [no_gloves, no_boots]", "findings: [no_gloves, no_boots, no_vest]", "Ruhlin"),
        (
            CITATIONS,
            "zone_hazards_all: [excavation, public-traffic]",
            "zone_hazards: [excavation]",
            "known misuse",
        ),
        (CITATIONS, "title: 29 CFR 1926.96, ", "title: 29 CFR 1926.96(a), ", "known misuse"),
        (ACTIONS, "no_vest.ppe.2", "no_vest.boots.2", "levels are"),
        (ACTIONS, "  ppe: Area supervisor (the employer of the people exposed)\n", "", "has no owner"),
        (ACTIONS, "high: {elimination: 7, ", "high: {", "due_days.high lacks elimination"),
        (MISUSES, "  misused_for: missing vest\n", "", "misused_for"),
    ],
)
def test_a_wrong_table_is_refused_with_the_reason(
    edit: Edit, file: str, old: str, new: str, told: str
) -> None:
    with pytest.raises(ConfigurationError) as refusal:
        load_table(edit(file, old, new))
    assert told in str(refusal.value)


def test_a_finding_without_an_action_above_ppe_is_refused(edit: Edit) -> None:
    folder = edit("known_misuses.yaml", "misused_for: missing vest\n", "misused_for: missing vest\n")
    actions = folder / "corrective_actions.yaml"
    kept = [
        line for line in actions.read_text("utf-8").splitlines() if "no_boots" not in line or ".ppe." in line
    ]
    actions.write_text("\n".join(kept), "utf-8")

    with pytest.raises(ConfigurationError, match="no_boots has no action above ppe"):
        load_table(folder)


def _reviewed(*jurisdictions: Jurisdiction, version: str | None = None) -> RegulationTable:
    table = shipped_table()
    reviews = tuple(
        Review(
            jurisdiction=jurisdiction,
            table_version=version or table.version,
            reviewed_by="A. Person",
            role="CSP",
            reviewed_on="2027-01-02",
        )
        for jurisdiction in jurisdictions
    )
    return replace(table, reviews=reviews)


def test_an_unreviewed_table_says_so() -> None:
    table = shipped_table()

    assert table.label(()) == f"{table.version}, table not yet reviewed by a competent person"
    assert table.label([Jurisdiction.EU]) == table.label(())


def test_a_review_counts_for_its_jurisdiction_and_version_only() -> None:
    eu = _reviewed(Jurisdiction.EU)

    assert "reviewed by A. Person (CSP) for eu on 2027-01-02" in eu.label([Jurisdiction.EU])
    assert "not yet reviewed" in eu.label([Jurisdiction.EU, Jurisdiction.US_CONSTRUCTION])
    assert "not yet reviewed" in _reviewed(Jurisdiction.EU, version="0.0.1").label([Jurisdiction.EU])
