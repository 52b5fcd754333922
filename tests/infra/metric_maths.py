"""Evaluates alarms on metric maths as CloudWatch does, as far as our alarms use it: IF, FILL, comparisons and sums.

Read from https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/using-metric-math.html. Where AWS says little
about missing figures we take the strict reading: what has a part without a figure has none, whichever branch of IF.
"""

import ast
import operator
from collections.abc import Callable, Mapping, Sequence
from typing import Any

Figure = float | None
OPERATORS: dict[type[ast.AST], Callable[[float, float], float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}
BREACHES: dict[str, Callable[[float, float], bool]] = {
    "GreaterThanThreshold": operator.gt,
    "GreaterThanOrEqualToThreshold": operator.ge,
    "LessThanThreshold": operator.lt,
    "LessThanOrEqualToThreshold": operator.le,
}


def rings(alarm: Mapping[str, Any], figures: Mapping[str, Sequence[Figure]]) -> bool:
    """Whether *alarm*, as `describe_alarms` tells it, is on.

    Args:
        figures: of each metric, by the id that the alarm gives it: one a minute, the newest last, None for none.
    """
    assert alarm["TreatMissingData"] == "notBreaching"
    (expression,) = [one["Expression"] for one in alarm["Metrics"] if one.get("Expression")]
    points = [
        evaluated(expression, dict(zip(figures, minute, strict=True)))
        for minute in zip(*figures.values(), strict=True)
    ]
    looked_at = points[-alarm["EvaluationPeriods"] :]
    assert len(looked_at) == alarm["EvaluationPeriods"], "fewer minutes than the alarm looks at"
    breaching = [
        point is not None and BREACHES[alarm["ComparisonOperator"]](point, alarm["Threshold"])
        for point in looked_at
    ]
    return sum(breaching) >= alarm.get("DatapointsToAlarm", len(looked_at))


def evaluated(expression: str, figures: Mapping[str, Figure]) -> Figure:
    """*expression* at one minute; its grammar is a part of Python's."""
    return _value(ast.parse(expression, mode="eval").body, figures)


def _value(node: ast.expr, figures: Mapping[str, Figure]) -> Figure:
    match node:
        case ast.Constant(value=int() | float() as number):
            return float(number)
        case ast.Name(id=name):
            return figures[name]
        case ast.Call(func=ast.Name(id="FILL"), args=[filled, instead]):
            figure = _value(filled, figures)
            return _value(instead, figures) if figure is None else figure
        case ast.Call(func=ast.Name(id="IF"), args=[condition, then, otherwise]):
            return _chosen(*(_value(part, figures) for part in (condition, then, otherwise)))
        case ast.BinOp(left=left, op=ast.Div(), right=right):
            return _divided(_value(left, figures), _value(right, figures))
        case (
            ast.BinOp(left=left, op=kind, right=right)
            | ast.Compare(left=left, ops=[kind], comparators=[right])
        ):
            return _combined(OPERATORS[type(kind)], _value(left, figures), _value(right, figures))
    raise NotImplementedError(f"{ast.unparse(node)}: teach it to this evaluator")


def _chosen(condition: Figure, then: Figure, otherwise: Figure) -> Figure:
    if condition is None or then is None or otherwise is None:
        return None
    return then if condition else otherwise


def _divided(left: Figure, right: Figure) -> Figure:
    return None if left is None or not right else left / right


def _combined(combine: Callable[[float, float], float], left: Figure, right: Figure) -> Figure:
    return None if left is None or right is None else float(combine(left, right))
