"""The brief of a report: all that a writer may know and use, decided by code before anybody writes."""

from services.agent.domain.actions import offer_actions
from services.agent.domain.citation import choose_references
from services.agent.domain.facts import number_facts
from services.agent.domain.report import Brief, Recurrence
from services.agent.domain.severity import grade
from shared.contracts.violation import Opened
from shared.regulations.table import RegulationTable


def build_brief(opened: Opened, recurrence: Recurrence, table: RegulationTable) -> Brief:
    """Facts, allowed references, severity and offered actions for *opened*.

    Args:
        opened: the violation message.
        recurrence: earlier violations of the same camera and rule.
        table: the citation table, `shared.regulations.table.shipped_table()`.
    """
    grading = grade(opened, recurrence, opened.rule.severity)
    return Brief(
        opened=opened,
        facts=number_facts(opened, recurrence, grading, table.label(opened.site.jurisdictions)),
        references=choose_references(opened, table),
        grading=grading,
        offered_actions=offer_actions(opened, grading.severity, table),
        recurrence=recurrence,
    )
