"""What the camera sees, exactly: boxes of people and equipment, and when someone is in the zone."""

from __future__ import annotations

import json
from pathlib import Path

import bpy
import numpy as np
from assets import FloatArray
from mathutils import Vector
from mathutils.bvhtree import BVHTree
from numpy.typing import NDArray
from people import Worker
from story import Story
from yard import ZONE

Box = tuple[int, int, int, int]

PARTS = ("head", "hat", "carried", "vest")
FLAT = ("ground", "trees", "zone")  # what hides nobody
ROOM = 0.45  # metres from the middle of a worker to the next thing
GLIMPSE, CLOSE_LOOK = 60, 4  # one in so many vertices is tested first, and if any of those is hidden


class Observer:
    """The scene's camera as a measuring device."""

    def __init__(self, scene: bpy.types.Scene, width: int, height: int) -> None:
        self._scene, self.width, self.height = scene, width, height
        camera = scene.camera
        bpy.context.view_layer.update()
        self._from_world = np.array(camera.matrix_world.inverted())
        self._at = camera.matrix_world.translation
        self._focal = camera.data.lens / camera.data.sensor_width * width
        self._obstacles = _obstacles(scene)
        self._lights = [thing for thing in scene.objects if thing.type == "LIGHT"]

    def project(self, points: FloatArray) -> FloatArray:
        """Pixels [N, 2], x to the right and y down, of world points [N, 3]."""
        seen = points @ self._from_world[:3, :3].T + self._from_world[:3, 3]
        return np.stack(
            [
                self.width / 2 - self._focal * seen[:, 0] / seen[:, 2],
                self.height / 2 + self._focal * seen[:, 1] / seen[:, 2],
            ],
            axis=1,
        )

    def reach(self, worker: Worker, margin: int) -> Box | None:
        """The box around *worker* and the shadows on the ground, hidden or not; None outside the picture."""
        points = np.concatenate([_vertices(mesh) for mesh in worker.meshes])
        shadows = [_shadow(points, light) for light in self._lights]
        return self._box(self.project(np.concatenate([points, *shadows])), margin)

    def outline(self, worker: Worker) -> FloatArray:
        """Pixels [N, 2] of some of the worker's vertices, enough to tell whether anything moved."""
        return self.project(np.concatenate([_vertices(mesh)[::GLIMPSE] for mesh in worker.meshes]))

    def look(self, workers: list[Worker], parts: tuple[str, ...] = PARTS) -> dict[str, dict[str, object]]:
        """For each worker in view: boxes of what is not hidden of *parts*, visible share, the feet's pixel."""
        seen = {}
        for worker in workers:
            points = {
                part: np.concatenate([_vertices(m) for m in meshes]) for part, meshes in worker.parts.items()
            }
            points["head"] = _vertices(worker.parts["body"][0])[worker.head_vertices]
            everything = self._visible(np.concatenate(list(points.values())))
            if len(everything):
                boxes = {part: self._visible(points[part]) for part in parts if part in points}
                seen[worker.name] = {
                    "person": self._box(self.project(everything)),
                    **{
                        _CALLED.get(part, part): self._box(self.project(box))
                        for part, box in boxes.items()
                        if len(box)
                    },
                    "visible": self._share(np.concatenate(list(points.values()))),
                    "feet": self._feet(worker),
                    "in_zone": _inside(worker.armature.location, ZONE),
                }
        return seen

    def room_around(self, worker: Worker) -> bool:
        """Whether *worker* stands in nothing of the yard: the space about knees and chest is free."""
        place = worker.armature.location
        nearest = [self._obstacles.find_nearest(Vector((place.x, place.y, z)), ROOM)[0] for z in (0.5, 1.3)]
        return nearest == [None, None]

    def zone(self) -> list[list[float]]:
        """The zone's corners in the picture, 0..1 of its width and height."""
        pixels = self.project(np.array([(x, y, 0.0) for x, y in ZONE]))
        return [[round(x / self.width, 4), round(y / self.height, 4)] for x, y in pixels.tolist()]

    def _feet(self, worker: Worker) -> list[int]:
        place = worker.armature.location
        return [round(v) for v in self.project(np.array([(place.x, place.y, 0.0)]))[0].tolist()]

    def _visible(self, points: FloatArray) -> FloatArray:
        """Those of *points* that nothing in the yard hides: all of them, or a sample where something does."""
        points = points[self._in_picture(points)]
        if len(points) == 0 or self._share(points) == 1.0:
            return points
        sample = points[::CLOSE_LOOK]
        return sample[[not self._hidden(point) for point in sample.tolist()]]

    def _share(self, points: FloatArray) -> float:
        sample = points[::GLIMPSE]
        seen = [point for point in sample[self._in_picture(sample)].tolist() if not self._hidden(point)]
        return round(len(seen) / len(sample), 3)

    def _in_picture(self, points: FloatArray) -> NDArray[np.bool_]:
        pixels = self.project(points)
        return np.all((pixels >= 0) & (pixels < (self.width, self.height)), axis=1)

    def _hidden(self, point: list[float]) -> bool:
        ray = Vector(point) - self._at
        return self._obstacles.ray_cast(self._at, ray.normalized(), ray.length)[0] is not None

    def _box(self, pixels: FloatArray, margin: int = 0) -> Box | None:
        """The pixels' bounds within the frame; None where nothing is left of them."""
        low, high = np.floor(pixels.min(axis=0)) - margin, np.ceil(pixels.max(axis=0)) + margin
        x1, y1 = (int(v) for v in np.clip(low, 0, (self.width, self.height)))
        x2, y2 = (int(v) for v in np.clip(high, 0, (self.width, self.height)))
        return (x1, y1, x2, y2) if x2 > x1 and y2 > y1 else None


_CALLED = {"hat": "hardhat", "carried": "carried_hat"}


def write_truth(
    path: Path, story: Story, observer: Observer, frames: list[dict[str, dict[str, object]]]
) -> None:
    """Write the zone, the events and one line per frame; README.md describes the fields."""
    head = {
        "video": story.video,
        "width": observer.width,
        "height": observer.height,
        "frames_per_second": story.frames_per_second,
        "seconds": story.seconds,
        "zone": observer.zone(),
        "worn_by_nobody": ["a hard hat lying on the drum at the left"],
        "events": _events(story, frames),
    }
    lines = [json.dumps({"frame": number, "people": people}) for number, people in enumerate(frames)]
    text = json.dumps(head, indent=2)[:-2] + ',\n  "frames": [\n    ' + ",\n    ".join(lines) + "\n  ]\n}\n"
    path.write_text(text)


def _events(story: Story, frames: list[dict[str, dict[str, object]]]) -> list[dict[str, object]]:
    events: list[dict[str, object]] = []
    for part in story.cast:
        seen = [number for number, people in enumerate(frames) if part.name in people]
        inside = [number for number in seen if frames[number][part.name]["in_zone"]]
        what = [(f"no_{item}", seen) for item in part.lacks] + [("in_zone", inside)]
        events += [{"person": part.name, "what": name, **_span(story, at)} for name, at in what if at]
    return events


def _span(story: Story, numbers: list[int]) -> dict[str, float]:
    rate = story.frames_per_second
    return {"from_s": numbers[0] / rate, "to_s": (numbers[-1] + 1) / rate}


def _vertices(mesh: bpy.types.Object) -> FloatArray:
    """World coordinates [N, 3] of a mesh as it is posed now."""
    graph = bpy.context.evaluated_depsgraph_get()
    posed = mesh.evaluated_get(graph)
    points = np.empty(len(posed.data.vertices) * 3, np.float32)
    posed.data.vertices.foreach_get("co", points)
    world = np.array(posed.matrix_world)
    return points.reshape(-1, 3).astype(float) @ world[:3, :3].T + world[:3, 3]


def _shadow(points: FloatArray, light: bpy.types.Object) -> FloatArray:
    """Where the shadows of world *points* [N, 3] fall on the ground."""
    if light.data.type == "SUN":
        rays = np.array(light.matrix_world.to_3x3() @ Vector((0.0, 0.0, -1.0)))[None]
    else:
        rays = points - np.array(light.matrix_world.translation)
    return points - rays * points[:, 2:] / rays[:, 2:]


def _obstacles(scene: bpy.types.Scene) -> BVHTree:
    """All that stands in the yard and moves with no worker."""
    points: list[Vector] = []
    faces: list[list[int]] = []
    for mesh in scene.objects:
        if mesh.type == "MESH" and not mesh.name.startswith(FLAT) and mesh.parent is None:
            faces += [[len(points) + corner for corner in face.vertices] for face in mesh.data.polygons]
            points += [mesh.matrix_world @ vertex.co for vertex in mesh.data.vertices]
    return BVHTree.FromPolygons(points, faces)


def _inside(place: Vector, corners: tuple[tuple[float, float], ...]) -> bool:
    """Whether *place* lies in the convex polygon, its corners counter-clockwise."""
    edges = zip(corners, corners[1:] + corners[:1], strict=True)
    return all((x2 - x1) * (place.y - y1) - (y2 - y1) * (place.x - x1) >= 0 for (x1, y1), (x2, y2) in edges)
