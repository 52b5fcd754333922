"""Corrective actions: which of the table's are offered to a writer, and the chosen ones in the order of a report."""

from services.agent.domain.report import Action, Brief
from shared.contracts.violation import Opened
from shared.regulations.table import LEVELS, CorrectiveAction, RegulationTable
from shared.vocabulary import Severity


def offer_actions(opened: Opened, severity: Severity, table: RegulationTable) -> tuple[Action, ...]:
    """The actions that fit finding and zone, most effective level first; every finding has one above PPE."""
    findings = [found.finding for found in opened.findings]
    fitting = [a for a in table.actions if a.finding in findings and _fits(a, opened)]
    fitting.sort(key=lambda action: LEVELS.index(action.level))
    return tuple(_action(action, severity, table) for action in fitting)


def chosen_actions(brief: Brief, ids: tuple[str, ...]) -> tuple[Action, ...]:
    """The offered actions that a draft chose by their *ids*, most effective level first."""
    return tuple(action for action in brief.offered_actions if action.id in ids)


def _fits(action: CorrectiveAction, opened: Opened) -> bool:
    return not action.zone_hazards or bool(set(action.zone_hazards) & set(opened.zone.hazards))


def _action(action: CorrectiveAction, severity: Severity, table: RegulationTable) -> Action:
    return Action(
        id=action.id,
        level=action.level,
        text=action.text,
        suggested_owner=table.owners[action.level],
        due_days=0 if action.at_once else table.due_days[severity][action.level],
    )
