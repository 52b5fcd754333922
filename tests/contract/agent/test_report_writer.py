"""Every report writer keeps the port: its draft passes all checks on every brief."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from pydantic import SecretStr

from services.agent.adapters.langchain_report_writer import LangChainReportWriter
from services.agent.adapters.llm_settings import LlmSettings
from services.agent.adapters.report_writers import compose_writer
from services.agent.adapters.template_report_writer import TemplateReportWriter
from services.agent.application.brief import build_brief
from services.agent.application.ports import ReportWriter
from services.agent.domain.actions import chosen_actions
from services.agent.domain.report import Brief, Recurrence
from services.agent.domain.validation import draft_problems
from shared.contracts.violation import Opened
from shared.regulations.table import shipped_table
from shared.vocabulary import Finding, Hazard, Jurisdiction
from tests.brief_strategies import recurrences, violations
from tests.drafts import as_reply, brief, found, recording, site, written, zone
from tests.servers.chat_model import ChatModel, called, chat_model, error

Writers = Callable[[Brief], ReportWriter]


@pytest.fixture(scope="module")
def model() -> Iterator[ChatModel]:
    with chat_model() as server:
        yield server


@pytest.fixture(params=["template", "model that drafts well", "model that lies", "model that is down"])
def writer(request: pytest.FixtureRequest, model: ChatModel) -> Writers:
    def composed(of: Brief) -> ReportWriter:
        if request.param == "template":
            return compose_writer(LlmSettings(llm_model=None))
        lie: dict[str, Any] = as_reply(written(of)) | {
            "headline": {"text": "12 reckless men", "rests_on": ["F99"]}
        }
        model.requests.clear()
        model.replies = {
            "model that drafts well": [called(as_reply(written(of)))],
            "model that lies": [called(lie)],
            "model that is down": [error(503)],
        }[request.param]
        settings = LlmSettings(
            llm_model="openai:local",
            llm_base_url=model.base_url,
            llm_api_key=SecretStr("k"),
            llm_timeout_s=10,
        )
        return LangChainReportWriter(settings, TemplateReportWriter(), sleep=lambda _: None)

    return composed


BRIEFS: dict[str, Brief] = {
    "two items under overhead work": brief(),
    "one item not seen": brief(findings=(found(Finding.NO_VEST, "not-seen"),)),
    "vest at an excavation in public traffic": brief(
        findings=(found(Finding.NO_VEST, "not-seen"),), zone=zone(Hazard.EXCAVATION, Hazard.PUBLIC_TRAFFIC)
    ),
    "goggles at a machine in general industry": brief(
        findings=(found(Finding.NO_GOGGLES),),
        zone=zone(Hazard.MACHINERY),
        site=site(Jurisdiction.US_GENERAL_INDUSTRY),
    ),
    "everything missing, no hazard declared": brief(
        findings=tuple(found(finding) for finding in list(Finding)[:7]), zone=zone()
    ),
    "several people in a crane's swing": brief(
        findings=(found(Finding.RESTRICTED_ZONE, "present-in-zone"),), people=3, zone=zone(Hazard.CRANE_SWING)
    ),
    "near vehicles in Great Britain": brief(
        findings=(found(Finding.PROXIMITY_VEHICLE, "present-in-zone"),),
        zone=zone(Hazard.VEHICULAR_TRAFFIC),
        site=site(Jurisdiction.GREAT_BRITAIN),
    ),
    "no jurisdiction": brief(site=site()),
    "European site with every hazard": brief(site=site(Jurisdiction.EU), zone=zone(*Hazard)),
    "a recording without a clock": brief(source=recording()),
    "names in other scripts": brief(
        site=site(Jurisdiction.EU, name="Стройка Север", policy="安全规定"), zone=zone(name="منطقة الرفع")
    ),
    "many times before": brief(Recurrence(12, 40)),
}


@pytest.mark.parametrize("of", BRIEFS.values(), ids=BRIEFS.keys())
def test_the_draft_passes_all_checks(writer: Writers, of: Brief) -> None:
    result = writer(of).write(of, b"")

    assert draft_problems(result.draft, of) == ()
    assert result.writer.name
    assert result.writer.prompt_version


@pytest.mark.parametrize("of", BRIEFS.values(), ids=BRIEFS.keys())
def test_the_chosen_actions_are_offered_and_go_above_ppe(writer: Writers, of: Brief) -> None:
    draft = writer(of).write(of, b"").draft

    actions = chosen_actions(of, draft.actions)
    assert {action.id for action in actions} == set(draft.actions)
    assert any(action.level != "ppe" for action in actions)


def test_the_same_brief_gives_the_same_draft(writer: Writers) -> None:
    assert writer(brief()).write(brief(), b"").draft == writer(brief()).write(brief(), b"").draft


@pytest.mark.parametrize("earlier", [Recurrence(0, 0), Recurrence(0, 4), Recurrence(1, 4)])
def test_the_template_says_which_earlier_observations_it_leaves_out(earlier: Recurrence) -> None:
    told = written(brief(earlier)).why_it_matters[-1].text

    assert told.endswith("not counting any dismissed, authorised or exempt.")


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(opened=violations(), recurrence=recurrences)
def test_the_template_passes_all_checks_on_any_violation(opened: Opened, recurrence: Recurrence) -> None:
    of = build_brief(opened, recurrence, shipped_table())

    assert draft_problems(written(of), of) == ()
