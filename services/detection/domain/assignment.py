"""Joint one-to-one assignment: who gets what, so that the sum of costs is least."""

from collections.abc import Sequence

import lap
import numpy as np


def assign(costs: Sequence[Sequence[float]], limit: float) -> list[tuple[int, int]]:
    """Pair rows with columns, each at most once, never at a cost above *limit*.

    Args:
        costs: [rows][columns]; lower is better; any may be infinite.
        limit: leaving a row and a column alone is better than pairing them above this.

    Returns:
        (row, column) pairs by rising row. Source: Jonker and Volgenant 1987, as in lapx.
    """
    if not costs or not costs[0]:
        return []
    matrix = np.minimum(np.asarray(costs, dtype=np.float64), 1e6)
    _, columns, _ = lap.lapjv(matrix, extend_cost=True, cost_limit=limit)
    return [
        (row, int(column))
        for row, column in enumerate(columns)
        if column >= 0 and costs[row][column] <= limit
    ]
