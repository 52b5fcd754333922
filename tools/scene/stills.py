"""Render single pictures to train on, a YOLO set: python stills.py --assets DIR --out DIR --count N --seed S

Each shows the yard from another place with a few workers drawn at random; most have no hat, for bare heads are what
photographs show too few of. One run draws its workers from one crew; another seed has another crew.
"""

from __future__ import annotations

import argparse
import math
import random
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import bpy
import materials
from assets import Library
from film import with_sensor_noise
from mathutils import Vector
from motion import Gesture, Glance, Performance, Role, Stand, Walk
from people import Look, Worker, build_worker
from PIL import Image
from render import new_scene, render
from truth import PARTS, Box, Observer
from yard import Light, build_yard

SIZE = (512, 384)
SAMPLES = 2
CREW = 24
QUALITY = 85  # of the JPEG files
NAMES = ("person", "hardhat", "no_hardhat", "vest")
SEEN = 0.6  # least share of a worker that the yard leaves in view; less would be a person without a true box
COVERED = 0.35  # largest share of a worker's box that another's may cover
SMALLEST = {"person": 48, "head": 7}  # pixels of height

Boxes = dict[str, Box]

HATS = {
    "white": (0.80, 0.80, 0.78),
    "yellow": (0.90, 0.58, 0.02),
    "orange": (0.88, 0.20, 0.02),
    "red": (0.55, 0.03, 0.02),
    "blue": (0.03, 0.13, 0.50),
    "green": (0.02, 0.25, 0.06),
    "brown": (0.16, 0.07, 0.03),
    "lime": (0.45, 0.80, 0.04),
}
VESTS = {"lime": (0.55, 0.85, 0.03), "orange": (0.90, 0.22, 0.02)}
JACKET = "male_casualsuit05"  # too wide for a vest over it
HAIR = (
    *("long01", "long2_alpha7", "long_alpha7", "minoan", "ponytail01", "Braid01", "bob01", "bob02"),
    *("curly", "curly2", "afro01", "junglebookhair", "Wig_bun_blonde", "Harvey_Hawk1"),
    *("short01", "short02", "short03", "short04", ""),
)
# Others would hide the hat.
UNDER_A_HAT = ("short01", "short02", "short03", "short04", "ponytail01", "long01", "bob01", "")
SOFT_HATS = ("Fishing_Hat_01", "fedora")  # a cap is made here, these are the wardrobe's
SUITS = ("male_worksuit01", *(f"male_casualsuit0{number}" for number in range(1, 7)))
ARMS = (
    {},
    {"Right": ((-0.20, -0.15, -1.0), (0.30, -0.75, 0.45))},
    {"Left": ((0.35, -1.0, -0.05), (0.15, -1.0, 0.08))},
    {
        "Left": ((0.25, -0.15, -1.0), (-0.35, -0.90, 0.10)),
        "Right": ((-0.25, -0.05, -1.0), (0.45, -0.85, 0.15)),
    },
)


def main() -> None:
    arguments = _arguments()
    chance = random.Random(arguments.seed)
    scene = new_scene(SIZE)
    build_yard(arguments.light)
    bpy.data.objects["spare-hat"].hide_render = True  # it has no label
    library = Library(arguments.assets)
    crew = [build_worker(f"worker-{number}", _look(library, chance), library) for number in range(CREW)]
    pictures, labels = (arguments.out / kind / "train" for kind in ("images", "labels"))
    for folder in (pictures, labels):
        folder.mkdir(parents=True, exist_ok=True)
    (arguments.out / "data.yaml").write_text(f"train: images/train\nnames: [{', '.join(NAMES)}]\n")
    for number in range(arguments.count):
        name = f"{arguments.seed}-{number:04d}"
        people = list(_arrange(scene, crew, chance))
        lines = [_line(*thing) for worker, seen in people for thing in _things(worker, seen)]
        (labels / f"{name}.txt").write_text("".join(lines))
        _shoot(scene, pictures / f"{name}.jpg", chance.getrandbits(32), arguments.light)
        print("still", name, len(people), "workers", flush=True)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--assets", type=Path, required=True, help="folder with the two unpacked packages")
    parser.add_argument(
        "--out", type=Path, required=True, help="the set's folder; another seed may add to it"
    )
    parser.add_argument("--count", type=int, default=50, help="pictures")
    parser.add_argument("--seed", type=int, default=1, help="another seed, another crew and other pictures")
    parser.add_argument("--light", choices=("day", "night"), default="day")
    return parser.parse_args()


def _look(library: Library, chance: random.Random) -> Look:
    """Somebody of the crew, with everything that may be left off in a picture: vest and hat in the hand."""
    skin = chance.choice(library.skins())
    _, race, sex = skin.split("/")[0].split("_")
    build = f"{sex}-young-averagemuscle"
    weight, height = chance.choice(("max", "min")), chance.choice(("max", "min"))
    hat = chance.choice(list(HATS.values())) if chance.random() < 0.35 else None
    soft = not hat and chance.random() < 0.4
    cap = chance.choice(list(HATS.values())) if soft and chance.random() < 0.6 else None
    suit = chance.choice(SUITS)
    return Look(
        skin=skin,
        suit=suit,
        shoes=chance.choice(("shoes01", "shoes03")),
        hair=chance.choice(UNDER_A_HAT if hat or soft else HAIR),
        shape={
            f"{race}-{sex}-young": 1.0,
            f"universal-{build}-{weight}weight": chance.uniform(0.0, 0.6),
            f"height/{build}-averageweight-{height}height": chance.uniform(0.0, 0.25),
        },
        suit_tint=tuple(chance.uniform(0.4, 1.3) for _ in range(3)),
        hair_shade=chance.uniform(0.1, 0.7),
        hat=hat,
        cap=cap,
        soft_hat=chance.choice(SOFT_HATS) if soft and not cap else "",
        vest=None if suit == JACKET else VESTS["lime"],
        carried=HATS["white"],
    )


def _arrange(
    scene: bpy.types.Scene, crew: list[Worker], chance: random.Random
) -> Iterator[tuple[Worker, Boxes]]:
    """Turn camera and sun, place two to five of the crew; they and their boxes, in pixels."""
    for mesh in [mesh for worker in crew for mesh in worker.meshes]:
        mesh.hide_render = True
    middle = Vector((chance.uniform(-2.5, 2.5), chance.uniform(-2.0, 2.5), 1.0))
    distance = _turn_camera(scene, middle, chance)
    if sun := bpy.data.objects.get("sun"):
        sun.rotation_euler = (chance.uniform(0.2, 1.1), 0.0, chance.uniform(-2.0, 2.0))
    scene.view_settings.exposure = chance.uniform(-0.3, 0.6)
    observer = Observer(scene, *SIZE)
    placed: list[Boxes] = []
    for member in chance.sample(crew, chance.randint(2, 5)):
        worker = _equip(member, chance)
        for _ in range(12):
            _pose(worker, middle, 0.3 * distance, chance)
            seen = observer.look([worker], (*PARTS, "hair", "soft")).get(worker.name)
            if seen and observer.room_around(worker) and _tells(seen, placed):
                for mesh in worker.meshes:
                    mesh.hide_render = False
                placed.append(seen)
                yield worker, seen
                break


def _turn_camera(scene: bpy.types.Scene, middle: Vector, chance: random.Random) -> float:
    """Look at *middle* from somewhere on the yard's open side; metres from there."""
    distance, aside = chance.uniform(3.0, 10.0), math.radians(chance.uniform(-35, 35))
    camera = scene.camera
    camera.location = middle + distance * Vector((math.sin(aside), -math.cos(aside), 0.0))
    camera.location.z = chance.uniform(1.7, 1.7 + 0.35 * distance)
    camera.rotation_euler = (middle - camera.location).to_track_quat("-Z", "Y").to_euler()
    camera.data.lens = chance.uniform(32, 55)
    return distance


def _equip(member: Worker, chance: random.Random) -> Worker:
    """*member* with what they wear and carry this time, in this time's colours."""
    parts = dict(member.parts)
    for part, kept, colours in (("hat", 1.0, HATS), ("vest", 0.5, VESTS), ("carried", 0.12, HATS)):
        if part not in parts:
            continue
        if chance.random() > kept:
            del parts[part]
            continue
        colour = chance.choice(list(colours.values()))
        make = materials.vest if part == "vest" else materials.plastic
        parts[part][0].data.materials[0] = make(part, colour)
    return replace(member, parts=parts)


def _pose(worker: Worker, middle: Vector, radius: float, chance: random.Random) -> None:
    """Put *worker* somewhere around *middle*, standing or walking."""
    x, y = middle.x + chance.uniform(-radius, radius), middle.y + chance.uniform(-radius, radius)
    heading = chance.uniform(0, 2 * math.pi)
    walk = Walk(x + 2 * math.sin(heading), y - 2 * math.cos(heading))
    move = walk if chance.random() < 0.4 else Stand(2.0, math.degrees(heading))
    role = Role(
        (x, y),
        (move,),
        (Gesture(-1.0, 4.0, chance.choice(ARMS)),),
        (Glance(-1.0, chance.uniform(-45, 45), chance.uniform(-10, 25)),),
    )
    Performance(role, 2.0).pose(worker, chance.uniform(0.6, 1.4))
    bpy.context.view_layer.update()


def _tells(seen: Boxes, placed: list[Boxes]) -> bool:
    """Whether labels can say the truth of this worker and of those *placed* before: nobody hides too much."""
    large = all(part in seen and _height(seen[part]) >= least for part, least in SMALLEST.items())
    return bool(large and seen["visible"] >= SEEN and all(_apart(seen, other) for other in placed))


def _apart(one: Boxes, other: Boxes) -> bool:
    """Whether the nearer of both leaves enough of the farther one, and the whole head, in view."""
    near, far = sorted((one, other), key=lambda seen: -seen["feet"][1])
    covered = _shared(near["person"], far["person"]) / _shared(far["person"], far["person"])
    hidden = [part for part in ("head", "hardhat", "carried_hat") if part in far]
    return covered <= COVERED and not any(_shared(near["person"], far[part]) for part in hidden)


def _things(worker: Worker, seen: Boxes) -> Iterator[tuple[str, Box]]:
    """What is labelled; a hat in the hand is a hat."""
    yield "person", seen["person"]
    if "hat" in worker.parts:
        yield "hardhat", seen["hardhat"]
    else:
        yield "no_hardhat", _bare_head(seen)
    for part, name in (("carried_hat", "hardhat"), ("vest", "vest")):
        if part in seen:
            yield name, seen[part]


def _bare_head(seen: Boxes) -> Box:
    """The head with its hair and what it wears instead of a hard hat, but no hair that hangs far below the chin."""
    head = seen["head"]
    boxes = [seen[part] for part in ("head", "hair", "soft") if part in seen]
    x1, y1 = (min(box[side] for box in boxes) for side in (0, 1))
    x2, y2 = (max(box[side] for box in boxes) for side in (2, 3))
    return x1, y1, x2, min(y2, head[3] + _height(head) // 6)


def _shoot(scene: bpy.types.Scene, path: Path, seed: int, light: Light) -> None:
    clean = path.with_suffix(".png")
    render(scene, clean, SAMPLES, None)
    Image.fromarray(with_sensor_noise(clean, seed, light)).save(path, quality=QUALITY)
    clean.unlink()


def _line(name: str, box: Box) -> str:
    (x1, y1, x2, y2), (width, height) = box, SIZE
    centre = f"{(x1 + x2) / 2 / width:.5f} {(y1 + y2) / 2 / height:.5f}"
    return f"{NAMES.index(name)} {centre} {(x2 - x1) / width:.5f} {(y2 - y1) / height:.5f}\n"


def _height(box: Box) -> int:
    return box[3] - box[1]


def _shared(one: Box, other: Box) -> int:
    """Pixels in both boxes."""
    width, height = (min(one[i + 2], other[i + 2]) - max(one[i], other[i]) for i in (0, 1))
    return max(0, width) * max(0, height)


if __name__ == "__main__":
    main()
