"""Whether IAM policies allow a call: the part of IAM's rules that our policies use, and an error for any other.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html: an explicit Deny wins, then
an Allow, else it is refused. Policies of one account are joined; boundaries and organisations are not looked at.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any

_KNOWN = {"Sid", "Effect", "Action", "Resource", "Condition"}


def allows(
    policies: Iterable[Mapping[str, Any]],
    action: str,
    resource: str,
    context: Mapping[str, str] | None = None,
) -> bool:
    """Whether a caller with *policies* may do *action* on *resource* (an ARN).

    Args:
        context: condition keys of the request, such as ``ses:FromAddress``.
    """
    matching = [
        statement
        for policy in policies
        for statement in _listed(policy["Statement"])
        if _matches(statement, action, resource, context or {})
    ]
    effects = {statement["Effect"] for statement in matching}
    return "Deny" not in effects and "Allow" in effects


def _matches(statement: Mapping[str, Any], action: str, resource: str, context: Mapping[str, str]) -> bool:
    if unknown := set(statement) - _KNOWN:
        raise NotImplementedError(f"statement has {unknown}")
    return (
        any(_like(action.lower(), pattern.lower()) for pattern in _listed(statement["Action"]))
        and any(_like(resource, pattern) for pattern in _listed(statement["Resource"]))
        and all(_holds(test, wanted, context) for test, wanted in statement.get("Condition", {}).items())
    )


def _holds(test: str, wanted: Mapping[str, Any], context: Mapping[str, str]) -> bool:
    if test not in ("StringEquals", "ArnEquals", "Bool"):
        raise NotImplementedError(f"condition {test}")
    return all(
        key in context and any(_like(context[key], value) for value in _listed(values))
        for key, values in wanted.items()
    )


def _like(text: str, pattern: str) -> bool:
    parts = ({"*": ".*", "?": "."}.get(part, re.escape(part)) for part in re.split(r"([*?])", pattern))
    return re.fullmatch("".join(parts), text, re.DOTALL) is not None


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
