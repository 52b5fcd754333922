"""Boxes and polygons in pixels of the frame: x to the right, y down."""

from collections.abc import Sequence
from dataclasses import dataclass

Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Box:
    """x1, y1, x2, y2 in pixels, half-open; x1 < x2 and y1 < y2 for a box with an area."""

    x1: float
    y1: float
    x2: float
    y2: float

    @property
    def width(self) -> float:
        return self.x2 - self.x1

    @property
    def height(self) -> float:
        return self.y2 - self.y1

    @property
    def area(self) -> float:
        return max(0.0, self.width) * max(0.0, self.height)

    @property
    def centre(self) -> Point:
        return (self.x1 + self.x2) / 2, (self.y1 + self.y2) / 2

    @property
    def feet(self) -> Point:
        """Middle of the lower edge: where a standing person touches the ground."""
        return (self.x1 + self.x2) / 2, self.y2

    def contains(self, point: Point) -> bool:
        return self.x1 <= point[0] < self.x2 and self.y1 <= point[1] < self.y2

    def intersection(self, other: "Box") -> float:
        """Common area in square pixels."""
        width = min(self.x2, other.x2) - max(self.x1, other.x1)
        height = min(self.y2, other.y2) - max(self.y1, other.y1)
        return max(0.0, width) * max(0.0, height)

    def iou(self, other: "Box") -> float:
        """Intersection over union, 0 to 1; 0 for boxes without area."""
        common = self.intersection(other)
        union = self.area + other.area - common
        return common / union if union > 0 else 0.0

    def covered_by(self, other: "Box") -> float:
        """Share of this box's area that lies in *other*, 0 to 1."""
        return self.intersection(other) / self.area if self.area > 0 else 0.0

    def clipped(self, width: float, height: float) -> "Box":
        """Cut to a frame of *width* x *height* pixels."""
        return Box(
            min(max(self.x1, 0.0), width),
            min(max(self.y1, 0.0), height),
            min(max(self.x2, 0.0), width),
            min(max(self.y2, 0.0), height),
        )

    def scaled(self, x: float, y: float) -> "Box":
        """The same part of a picture that is *x* times as wide and *y* times as high."""
        return Box(x * self.x1, y * self.y1, x * self.x2, y * self.y2)

    def band(self, top: float, bottom: float, margin: float = 0.0) -> "Box":
        """The part between *top* and *bottom* (fractions of the height), widened by *margin* (of the width)."""
        extra = margin * self.width
        return Box(
            self.x1 - extra, self.y1 + top * self.height, self.x2 + extra, self.y1 + bottom * self.height
        )


def inside(polygon: Sequence[Point], point: Point) -> bool:
    """Whether *point* lies in *polygon* (same units), by ray casting (Shimrat 1962, even-odd rule)."""
    x, y = point
    result = False
    previous = polygon[-1]
    for corner in polygon:
        (x1, y1), (x2, y2) = previous, corner
        if (y1 > y) != (y2 > y) and x < x1 + (y - y1) * (x2 - x1) / (y2 - y1):
            result = not result
        previous = corner
    return result
