"""Polygons of the site file: at least three different points, edges that do not cross, an area inside."""

from itertools import combinations

Point = tuple[float, float]
LEAST_AREA = 1e-4  # of the picture: a hundredth of its width by a hundredth of its height


def check_polygon(points: tuple[Point, ...]) -> tuple[Point, ...]:
    """Return *points* (fractions of width and height) if they bound an area.

    Raises:
        ValueError: fewer than three different points, two edges that cross, or hardly any area.
    """
    if len(set(points)) < 3:
        raise ValueError(f"has {len(set(points))} different points; allowed: 3 to 100; do: add corners")
    if len(points) > 100:
        raise ValueError(f"has {len(points)} points; allowed: 3 to 100; do: leave corners out")
    edges = list(zip(points, points[1:] + points[:1], strict=True))
    for (i, first), (j, second) in combinations(enumerate(edges), 2):
        neighbours = j - i == 1 or (i == 0 and j == len(edges) - 1)
        if not neighbours and _cross(*first, *second):
            raise ValueError(
                f"crosses itself (edge {i + 1} meets edge {j + 1}); do: list the corners in order around the zone"
            )
    if abs(sum(x1 * y2 - x2 * y1 for (x1, y1), (x2, y2) in edges)) / 2 < LEAST_AREA:  # the shoelace formula
        raise ValueError(
            f"encloses no area; allowed: {LEAST_AREA:.2%} of the picture and more; do: list corners around the zone"
        )
    return points


def _cross(a: Point, b: Point, c: Point, d: Point) -> bool:
    return _side(a, b, c) != _side(a, b, d) and _side(c, d, a) != _side(c, d, b)


def _side(a: Point, b: Point, p: Point) -> int:
    area = (b[0] - a[0]) * (p[1] - a[1]) - (b[1] - a[1]) * (p[0] - a[0])
    return (area > 0) - (area < 0)
