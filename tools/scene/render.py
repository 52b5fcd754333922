"""Render a clip and write its truth: python render.py --assets DIR --out DIR [--story NAME]

The empty yard is rendered once; in each frame only the rectangles around the workers and their shadows are
rendered and laid over it, and of a worker who hardly moved since, the last rectangle is taken again. Finished
frames are kept, so an interrupted run goes on where it stopped.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path

import bpy
import numpy as np
from assets import FloatArray, Library
from film import encode, lay_over, with_sensor_noise
from motion import Performance
from people import Worker, build_worker
from PIL import Image
from stories import STORIES
from truth import Observer, write_truth
from yard import build_yard

PLATE_SAMPLES, FRAME_SAMPLES = 48, 2
MARGIN = 14  # pixels around the workers and their shadows
STILL = 1.5  # pixels that a worker may move before being rendered anew

Box = tuple[int, int, int, int]


def main() -> None:
    arguments = _arguments()
    story = STORIES[arguments.story]
    scene = new_scene(story.size)
    build_yard(story.light)
    library = Library(arguments.assets)
    stage = [
        (build_worker(part.name, part.look, library), Performance(part.role, story.seconds))
        for part in story.cast
    ]
    work = arguments.work or arguments.out / "frames"
    work.mkdir(parents=True, exist_ok=True)
    observer = Observer(scene, *story.size)
    count = round(story.seconds * story.frames_per_second)

    def pose(frame: int) -> None:
        for worker, performance in stage:
            performance.pose(worker, frame / story.frames_per_second)
        bpy.context.view_layer.update()

    if arguments.part != "truth":
        camera = PatchCamera(scene, observer, [worker for worker, _ in stage], work)
        for frame in _wanted(arguments.frames, count):
            target = work / f"{frame:04d}.png"
            if not target.exists():
                pose(frame)
                camera.shoot().save(target)
                print("frame", frame, flush=True)
    if arguments.part != "frames":
        frames = []
        for frame in range(count):
            pose(frame)
            frames.append(observer.look([worker for worker, _ in stage]))
        arguments.out.mkdir(parents=True, exist_ok=True)
        write_truth(arguments.out / "truth.json", story, observer, frames)
    if arguments.part == "all":
        pictures = (
            with_sensor_noise(work / f"{frame:04d}.png", frame, story.light) for frame in range(count)
        )
        encode(pictures, story.size, arguments.out / story.video, story.frames_per_second, story.light)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--assets", type=Path, required=True, help="folder with the two unpacked packages")
    parser.add_argument("--out", type=Path, required=True, help="where the video and truth.json go")
    parser.add_argument("--story", choices=STORIES, default="demo")
    parser.add_argument("--work", type=Path, help="where the single frames go (default: OUT/frames)")
    parser.add_argument("--frames", default="0:1", help="OFFSET:STEP, to share the frames between processes")
    parser.add_argument("--part", choices=("all", "frames", "truth"), default="all")
    return parser.parse_args()


def _wanted(choice: str, count: int) -> range:
    offset, step = (int(number) for number in choice.split(":"))
    return range(offset, count, step)


def new_scene(size: tuple[int, int]) -> bpy.types.Scene:
    bpy.ops.wm.read_factory_settings(use_empty=True)
    scene = bpy.context.scene
    scene.render.engine = "CYCLES"
    scene.cycles.use_denoising = True
    scene.cycles.denoising_prefilter = "NONE"
    scene.cycles.denoising_quality = "FAST"
    scene.cycles.max_bounces = scene.cycles.diffuse_bounces = 2
    scene.cycles.caustics_reflective = scene.cycles.caustics_refractive = False
    scene.cycles.transparent_max_bounces = 12
    scene.render.resolution_x, scene.render.resolution_y = size
    scene.render.use_persistent_data = True
    scene.view_settings.view_transform = "AgX"
    scene.view_settings.look = "AgX - Medium High Contrast"
    scene.view_settings.exposure = 0.25
    return scene


class PatchCamera:
    """Takes whole frames by rendering no more than what changed."""

    def __init__(self, scene: bpy.types.Scene, observer: Observer, workers: list[Worker], work: Path) -> None:
        self._scene, self._observer, self._workers = scene, observer, workers
        self._patch = work / f"patch-{os.getpid()}.png"
        self._taken: dict[tuple[str, ...], tuple[FloatArray, Box, FloatArray]] = {}
        self._plate = np.asarray(self._empty_yard(work / "plate.png"), np.float32)

    def shoot(self) -> Image.Image:
        """The frame with the workers as they are posed now."""
        picture = self._plate
        reaches = {worker.name: self._observer.reach(worker, MARGIN) for worker in self._workers}
        for group in _overlapping({name: box for name, box in reaches.items() if box}):
            box, patch = self._take(group)
            picture = lay_over(picture, patch, box)
        return Image.fromarray(picture.round().astype(np.uint8))

    def _take(self, group: dict[str, Box]) -> tuple[Box, FloatArray]:
        """The patch [h, w, 3] of the workers named in *group* and where it belongs."""
        names = tuple(group)
        outline = np.concatenate([self._observer.outline(w) for w in self._workers if w.name in group])
        if names in self._taken:
            before, box, patch = self._taken[names]
            if np.abs(outline - before).max() < STILL:
                return box, patch
        corners = np.array(list(group.values()))
        x1, y1 = (int(v) for v in corners[:, :2].min(axis=0))
        x2, y2 = (int(v) for v in corners[:, 2:].max(axis=0))
        render(self._scene, self._patch, FRAME_SAMPLES, (x1, y1, x2, y2))
        patch = np.asarray(Image.open(self._patch).convert("RGB"), np.float32)
        self._taken[names] = outline, (x1, y1, x2, y2), patch
        return (x1, y1, x2, y2), patch

    def _empty_yard(self, path: Path) -> Image.Image:
        if not path.exists():
            meshes = [mesh for worker in self._workers for mesh in worker.meshes]
            for mesh in meshes:
                mesh.hide_render = True
            render(self._scene, path, PLATE_SAMPLES, None)
            for mesh in meshes:
                mesh.hide_render = False
        return Image.open(path).convert("RGB")


def _overlapping(boxes: dict[str, Box]) -> list[dict[str, Box]]:
    """Group the boxes that touch, so that no shadow of one worker is cut by another's patch."""
    groups: list[dict[str, Box]] = []
    for name, box in boxes.items():
        touching = [group for group in groups if any(_touch(box, other) for other in group.values())]
        groups = [group for group in groups if group not in touching]
        groups.append({key: value for group in [*touching, {name: box}] for key, value in group.items()})
    return groups


def _touch(one: Box, other: Box) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


def render(scene: bpy.types.Scene, path: Path, samples: int, box: Box | None) -> None:
    settings = scene.render
    width, height = settings.resolution_x, settings.resolution_y
    settings.use_border = settings.use_crop_to_border = box is not None
    if box:
        # Blender cuts the fractions down to whole pixels, so aim inside the pixel, not at its edge.
        settings.border_min_x, settings.border_max_x = (box[0] + 0.1) / width, (box[2] + 0.1) / width
        settings.border_min_y = 1 - (box[3] - 0.1) / height
        settings.border_max_y = 1 - (box[1] - 0.1) / height
    scene.cycles.samples = samples
    settings.filepath = str(path)
    bpy.ops.render.render(write_still=True)


if __name__ == "__main__":
    main()
