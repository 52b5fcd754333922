"""Which references a report may print: where finding, jurisdiction and zone hazards meet."""

import pytest
from hypothesis import HealthCheck, given, settings

from services.agent.domain.citation import Reference, choose_references, code
from shared.contracts.violation import Opened
from shared.regulations.table import KnownMisuse, shipped_table, stands_in
from shared.vocabulary import Finding, Hazard, Jurisdiction
from tests import builders
from tests.brief_strategies import violations
from tests.drafts import found, site, zone

F, H, J = Finding, Hazard, Jurisdiction
TABLE = shipped_table()
CONSTRUCTION, INDUSTRY = J.US_CONSTRUCTION, J.US_GENERAL_INDUSTRY


def _reference(finding: Finding, hazards: tuple[Hazard, ...], *jurisdictions: Jurisdiction) -> Reference:
    opened = builders.opened(findings=(found(finding),), zone=zone(*hazards), site=site(*jurisdictions))
    (reference,) = choose_references(opened, TABLE)
    return reference


CHOICES: list[tuple[Jurisdiction | None, Finding, tuple[Hazard, ...], list[str]]] = [
    # US construction
    (
        CONSTRUCTION,
        F.NO_HARDHAT,
        (H.OVERHEAD_WORK,),
        ["osha-1926-100-a", "osha-1926-501-c", "osha-1926-28-a"],
    ),
    (CONSTRUCTION, F.NO_HARDHAT, (H.LIFTING,), ["osha-1926-100-a", "osha-1926-28-a"]),
    (CONSTRUCTION, F.NO_HARDHAT, (H.GENERAL,), ["site-ppe-rule"]),
    (CONSTRUCTION, F.NO_HARDHAT, (), ["site-ppe-rule"]),
    (CONSTRUCTION, F.NO_VEST, (H.GENERAL,), ["site-hivis-rule"]),
    (CONSTRUCTION, F.NO_VEST, (H.VEHICULAR_TRAFFIC,), ["site-hivis-rule"]),
    (CONSTRUCTION, F.NO_VEST, (H.EXCAVATION,), ["site-hivis-rule"]),
    (CONSTRUCTION, F.NO_VEST, (H.EXCAVATION, H.VEHICULAR_TRAFFIC), ["site-hivis-rule"]),
    (CONSTRUCTION, F.NO_VEST, (H.PUBLIC_TRAFFIC,), ["osha-1926-201-a", "site-hivis-rule"]),
    (CONSTRUCTION, F.NO_VEST, (H.EXCAVATION, H.PUBLIC_TRAFFIC), ["osha-1926-651-d", "osha-1926-201-a"]),
    (
        CONSTRUCTION,
        F.NO_BOOTS,
        (H.EXCAVATION,),
        ["osha-1926-95-a", "site-ppe-rule", "osha-1926-28-a", "osha-1926-96"],
    ),
    (CONSTRUCTION, F.NO_GLOVES, (H.OVERHEAD_WORK,), ["osha-1926-95-a", "site-ppe-rule"]),
    (
        CONSTRUCTION,
        F.NO_GOGGLES,
        (H.MACHINERY,),
        ["osha-1926-102-a-1", "site-ppe-rule", "osha-1926-28-a"],
    ),
    (CONSTRUCTION, F.NO_MASK, (H.GENERAL,), ["site-ppe-rule"]),
    (
        CONSTRUCTION,
        F.RESTRICTED_ZONE,
        (H.CRANE_SWING,),
        ["osha-1926-1424-a", "osha-1926-1425", "site-zone-rule"],
    ),
    (CONSTRUCTION, F.RESTRICTED_ZONE, (H.LIFTING,), ["osha-1926-1425", "site-zone-rule"]),
    (CONSTRUCTION, F.RESTRICTED_ZONE, (H.EXCAVATION,), ["osha-1926-651-e", "site-zone-rule"]),
    (CONSTRUCTION, F.RESTRICTED_ZONE, (H.GENERAL,), ["site-zone-rule"]),
    (CONSTRUCTION, F.RESTRICTED_ZONE, (H.POWERED_TRUCKS,), ["site-zone-rule"]),
    (CONSTRUCTION, F.UNDER_LOAD, (H.LIFTING,), ["osha-1926-1425", "site-zone-rule"]),
    (CONSTRUCTION, F.UNDER_LOAD, (H.OVERHEAD_WORK,), ["site-zone-rule"]),
    (CONSTRUCTION, F.PROXIMITY_VEHICLE, (H.POWERED_TRUCKS,), ["site-zone-rule"]),
    (
        CONSTRUCTION,
        F.WORK_AT_HEIGHT,
        (H.FALL_EDGE,),
        ["osha-1926-501-b-1", "osha-1926-451-g-1", "site-zone-rule"],
    ),
    # US general industry
    (INDUSTRY, F.NO_HARDHAT, (H.OVERHEAD_WORK,), ["osha-1910-135-a"]),
    (INDUSTRY, F.NO_HARDHAT, (H.EXCAVATION,), ["site-ppe-rule"]),
    (INDUSTRY, F.NO_VEST, (H.EXCAVATION, H.PUBLIC_TRAFFIC), ["site-hivis-rule"]),
    (INDUSTRY, F.NO_BOOTS, (H.POWERED_TRUCKS,), ["osha-1910-136-a", "site-ppe-rule"]),
    (INDUSTRY, F.NO_HEARING_PROTECTION, (H.MACHINERY,), ["osha-1910-95", "site-ppe-rule"]),
    (INDUSTRY, F.RESTRICTED_ZONE, (H.MACHINERY,), ["osha-1910-212-a", "osha-1910-147", "site-zone-rule"]),
    (INDUSTRY, F.PROXIMITY_VEHICLE, (H.POWERED_TRUCKS,), ["osha-1910-178-m", "site-zone-rule"]),
    (INDUSTRY, F.WORK_AT_HEIGHT, (H.FALL_EDGE,), ["osha-1910-28-b-1", "site-zone-rule"]),
    # European Union, Great Britain, none
    (J.EU, F.NO_HARDHAT, (H.OVERHEAD_WORK,), ["eu-89-656-eec", "site-ppe-rule", "std-en-397"]),
    (J.EU, F.NO_VEST, (H.PUBLIC_TRAFFIC,), ["eu-89-656-eec", "site-hivis-rule", "std-en-iso-20471"]),
    (J.EU, F.NO_HARDHAT, (H.GENERAL,), ["site-ppe-rule"]),
    (J.EU, F.RESTRICTED_ZONE, (H.MACHINERY,), ["site-zone-rule"]),
    (
        J.GREAT_BRITAIN,
        F.NO_VEST,
        (H.VEHICULAR_TRAFFIC,),
        ["gb-ppe-at-work-1992", "site-hivis-rule", "std-en-iso-20471"],
    ),
    (J.GREAT_BRITAIN, F.NO_MASK, (H.CHEMICAL,), ["site-ppe-rule"]),
    (J.GREAT_BRITAIN, F.RESTRICTED_ZONE, (H.GENERAL,), ["gb-cdm-2015-access", "site-zone-rule"]),
    (J.GREAT_BRITAIN, F.PROXIMITY_VEHICLE, (H.VEHICULAR_TRAFFIC,), ["gb-cdm-2015-traffic", "site-zone-rule"]),
    (None, F.NO_HARDHAT, (H.OVERHEAD_WORK,), ["site-ppe-rule"]),
    (None, F.NO_VEST, (H.EXCAVATION, H.PUBLIC_TRAFFIC), ["site-hivis-rule"]),
]


@pytest.mark.parametrize(("place", "finding", "hazards", "expected"), CHOICES)
def test_only_what_meets_finding_place_and_hazards_is_cited(
    place: Jurisdiction | None, finding: Finding, hazards: tuple[Hazard, ...], expected: list[str]
) -> None:
    reference = _reference(finding, hazards, *([place] if place else []))

    assert [citation.id for citation in reference.citations][: len(expected)] == expected
    if len(expected) == 1:
        assert len(reference.citations) == 1


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(opened=violations())
def test_never_a_citation_outside_its_conditions(opened: Opened) -> None:
    declared = set(opened.site.jurisdictions)
    for reference in choose_references(opened, TABLE):
        entries = [TABLE.citation(citation.id) for citation in reference.citations]
        places = {entry.jurisdiction for entry in entries if entry.role == "primary"}
        assert reference.citations[0].primary
        assert all(
            reference.finding in entry.findings and entry.fits(opened.zone.hazards) for entry in entries
        )
        assert all(entry.jurisdiction in {*declared, "site-policy", "standard"} for entry in entries)
        for entry in entries:
            if entry.role == "supporting":
                assert places & set(entry.beside or (entry.jurisdiction,))
        titles = [entry.title for entry in entries]
        assert Jurisdiction.US_CONSTRUCTION in declared or not any("CFR 1926." in title for title in titles)
        assert Jurisdiction.US_GENERAL_INDUSTRY in declared or not any(
            "CFR 1910." in title for title in titles
        )


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(opened=violations())
def test_each_finding_has_one_reference_with_its_reason(opened: Opened) -> None:
    references = choose_references(opened, TABLE)

    assert [reference.finding for reference in references] == [found.finding for found in opened.findings]
    assert all(reference.reason.endswith(".") for reference in references)


@pytest.mark.parametrize("misuse", TABLE.misuses, ids=[misuse.misused_for for misuse in TABLE.misuses])
def test_a_known_misuse_is_never_allowed(misuse: KnownMisuse) -> None:
    for finding in misuse.findings or Finding:
        for hazards in [misuse.zone_hazards] if misuse.zone_hazards else [tuple(Hazard), ()]:
            reference = _reference(finding, hazards, *(misuse.jurisdictions or Jurisdiction))
            titles = [citation.title for citation in reference.citations]
            assert not [title for cite in misuse.cites for title in titles if stands_in(cite, title)]


def test_the_reason_says_what_allowed_it_and_what_was_left_out() -> None:
    reference = _reference(F.NO_VEST, (H.VEHICULAR_TRAFFIC,), CONSTRUCTION)

    assert "Only the site's own rule" in reference.reason
    assert "29 CFR 1926.651(d) needs a zone that declares excavation and public traffic" in reference.reason


def test_the_reason_names_place_and_hazard_of_a_law() -> None:
    reference = _reference(F.NO_HARDHAT, (H.LIFTING,), CONSTRUCTION)

    assert reference.reason == (
        "29 CFR 1926.100(a) is allowed because the site declares US construction (29 CFR part 1926) and the zone "
        "declares lifting of loads. Not cited: 29 CFR 1926.501(c) needs a zone that declares overhead work."
    )


def test_what_a_person_has_to_confirm_is_marked() -> None:
    assert _reference(F.UNDER_LOAD, (H.LIFTING,), CONSTRUCTION).citations[0].needs_person_confirmation
    assert not _reference(F.NO_HARDHAT, (H.LIFTING,), CONSTRUCTION).citations[0].needs_person_confirmation


def test_where_both_us_parts_are_declared_a_person_has_to_confirm_which_holds() -> None:
    reference = _reference(F.NO_HARDHAT, (H.LIFTING,), CONSTRUCTION, INDUSTRY)
    sure = {citation.id for citation in reference.citations if not citation.needs_person_confirmation}

    assert sure == {"site-ppe-rule"}
    assert {"osha-1926-100-a", "osha-1910-135-a"} < {citation.id for citation in reference.citations}
    assert "Which of the two US parts holds, the work decides." in reference.reason
    assert "US parts" not in _reference(F.NO_HARDHAT, (H.GENERAL,), CONSTRUCTION, INDUSTRY).reason


def test_a_supporting_entry_is_no_surer_than_its_primary() -> None:
    citations = {c.id: c for c in _reference(F.NO_GOGGLES, (H.MACHINERY,), CONSTRUCTION).citations}

    assert citations["osha-1926-28-a"].needs_person_confirmation


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(opened=violations())
def test_what_only_a_review_can_find_is_not_on_the_first_report(opened: Opened) -> None:
    cited = {
        citation.id for reference in choose_references(opened, TABLE) for citation in reference.citations
    }

    assert not cited & {entry.id for entry in TABLE.citations if entry.role == "after-review"}


def test_the_sites_rule_is_printed_with_policy_rule_and_version() -> None:
    title = _reference(F.NO_VEST, (), CONSTRUCTION).citations[0].title

    assert title == "Site high-visibility rule (Site safety policy 4.2, rule ppe, version 1)"
    assert code("29 CFR 1926.100(a), Head protection") == "29 CFR 1926.100(a)"
