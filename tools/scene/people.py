"""Dress and rig a worker: body, clothes, shoes, hair, and on demand a hard hat and a high-visibility vest."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field

import bpy
import materials
import numpy as np
from assets import Faces, FloatArray, Garment, Library
from mathutils import Matrix, Vector
from numpy.typing import NDArray

SOCK = 0.13  # metres above the ground where socks end, well under the trousers
SUNK_HAIR = 0.02  # metres of hair that may show above the hat's rim before it is cut away


@dataclass(frozen=True, slots=True)
class Look:
    """How a worker looks.

    Attributes:
        shape: macro targets of the body with their strengths.
        skin: folder and image under the wardrobe's skins.
        suit: name of the clothes; *suit_tint* multiplies their texture (linear RGB).
        shoes: name of the shoes.
        hair: name of the hair, empty for none.
        hair_shade: how far the hair's texture is darkened, 0 to 1.
        hat: linear RGB of the hard hat, None for none.
        cap: linear RGB of a baseball cap, which is no hard hat; None for none.
        soft_hat: name of a hat of the wardrobe, which is no hard hat either; empty for none.
        vest: linear RGB of the vest's cloth, None for no vest.
        carried: linear RGB of a hard hat in the right hand, None for none.
    """

    skin: str
    suit: str
    shoes: str
    hair: str
    shape: dict[str, float] = field(default_factory=dict)
    suit_tint: tuple[float, float, float] = (1.0, 1.0, 1.0)
    hair_shade: float = 0.55
    hat: tuple[float, float, float] | None = None
    cap: tuple[float, float, float] | None = None
    soft_hat: str = ""
    vest: tuple[float, float, float] | None = None
    carried: tuple[float, float, float] | None = None


@dataclass(slots=True)
class Worker:
    """A worker in the scene: the armature that moves them and the meshes that make up each part."""

    name: str
    armature: bpy.types.Object
    parts: dict[str, list[bpy.types.Object]]
    head_vertices: NDArray[np.int64]

    @property
    def meshes(self) -> list[bpy.types.Object]:
        return [mesh for part in self.parts.values() for mesh in part]


def build_worker(name: str, look: Look, library: Library) -> Worker:
    """Add a worker to the scene, standing at the origin in the base mesh's pose, facing -Y."""
    base = library.shape(look.shape)
    suit = library.garment("clothes", look.suit)
    shoes = library.garment("clothes", look.shoes)
    base[:, 2] -= shoes.fit(base)[:, 2].min()
    armature = _armature(name, base, library)
    tailor = _Tailor(name, base, library, armature)

    body = tailor.body(look.skin, suit.hides | shoes.hides)
    clothes = [
        tailor.garment("suit", suit, materials.cloth(f"{name}-suit", suit.texture, look.suit_tint)),
        tailor.garment("shoes", shoes, materials.cloth(f"{name}-shoes", shoes.texture, roughness=0.5)),
    ]
    _cut_above(clothes[1], SOCK)
    parts = {"body": [body, *clothes, *tailor.face()]}
    if look.hair:
        under_hat = bool(look.hat or look.cap or look.soft_hat)
        parts["hair"] = [tailor.hair(look.hair, look.hair_shade, under_hat=under_hat)]
    if look.vest:
        parts["vest"] = [tailor.vest(clothes[0], look.vest)]
    if look.hat:
        parts["hat"] = [tailor.hat(look.hat)]
    if look.cap:
        parts["soft"] = [tailor.cap(look.cap)]
    if look.soft_hat:
        soft = library.garment("clothes", look.soft_hat)
        parts["soft"] = [tailor.garment("soft", soft, materials.cloth(f"{name}-soft", soft.texture))]
    if look.carried:
        parts["carried"] = [tailor.hat_in_hand(look.carried)]
    return Worker(name, armature, parts, _head_vertices(body))


def hard_hat(name: str, colour: tuple[float, float, float], radii: tuple[float, float]) -> bpy.types.Object:
    """A hard hat with brim, peak and ridges, its rim in the plane z = 0, the peak towards -Y.

    Args:
        radii: half width and half length of the shell at the rim, metres.
    """
    return _hat(name, _hat_mesh(*radii), materials.plastic(f"{name}-shell", colour))


def baseball_cap(
    name: str, colour: tuple[float, float, float], radii: tuple[float, float]
) -> bpy.types.Object:
    """A cloth cap: a peak and no brim, no ridges, close to the head; args as for `hard_hat`."""
    mesh = _hat_mesh(*radii, brim=0.0, peak=0.075, height=0.92, ridges=0.0)
    return _hat(name, mesh, materials.felt(f"{name}-cloth", colour))


def _hat(name: str, mesh: tuple[FloatArray, Faces], material: bpy.types.Material) -> bpy.types.Object:
    hat = add_mesh(name, *mesh)
    hat.data.materials.append(material)
    thick = hat.modifiers.new("thick", "SOLIDIFY")
    thick.thickness = 0.003
    return hat


def add_mesh(
    name: str, vertices: FloatArray, faces: Faces, uvs: FloatArray | None = None
) -> bpy.types.Object:
    """Link a smooth-shaded mesh object to the scene; *uvs* [loops, 2] in the order of the faces' corners."""
    mesh = bpy.data.meshes.new(name)
    mesh.from_pydata(vertices.tolist(), [], faces)
    if uvs is not None:
        mesh.uv_layers.new(name="UVMap").data.foreach_set("uv", uvs.astype(np.float32).ravel())
    mesh.polygons.foreach_set("use_smooth", [True] * len(mesh.polygons))
    mesh.update()
    thing = bpy.data.objects.new(name, mesh)
    bpy.context.collection.objects.link(thing)
    return thing


class _Tailor:
    """Makes the meshes of one worker and binds them to the armature."""

    def __init__(self, name: str, base: FloatArray, library: Library, armature: bpy.types.Object) -> None:
        self.name, self.base, self.library, self.armature = name, base, library, armature

    def body(self, skin: str, hidden: frozenset[int]) -> bpy.types.Object:
        pairs = [pair for pair in self.library.groups["body"] if not hidden.issuperset(pair[0])]
        used = sorted({vertex for face, _ in pairs for vertex in face})
        order = {vertex: index for index, vertex in enumerate(used)}
        faces = [tuple(order[vertex] for vertex in face) for face, _ in pairs]
        uvs = self.library.uvs[[corner for _, corners in pairs for corner in corners]]
        material = materials.skin(f"{self.name}-skin", self.library.skin(skin))
        return self._bind("body", self.base[used], faces, uvs, self.library.weights[used], material)

    def face(self) -> list[bpy.types.Object]:
        eyes = self.library.garment("eyes", "Low-Poly", "textures/brown_eye.png")
        brows = self.library.garment("eyebrows", "eyebrow001")
        return [
            self.garment("eyes", eyes, materials.cloth(f"{self.name}-eyes", eyes.texture, roughness=0.15)),
            self.garment("brows", brows, materials.hair(f"{self.name}-brows", brows.texture)),
        ]

    def hair(self, style: str, shade: float, *, under_hat: bool) -> bpy.types.Object:
        garment = self.library.garment("hair", style)
        hair = self.garment("hair", garment, materials.hair(f"{self.name}-hair", garment.texture, shade))
        if under_hat:
            _cut_above(hair, self._rim() + SUNK_HAIR)
        return hair

    def garment(self, part: str, garment: Garment, material: bpy.types.Material) -> bpy.types.Object:
        weights = garment.weights(self.library.weights)
        return self._bind(part, garment.fit(self.base), garment.faces, garment.uvs, weights, material)

    def vest(self, suit: bpy.types.Object, colour: tuple[float, float, float]) -> bpy.types.Object:
        """The trunk of the base mesh's tights, laid over the *suit* and worn loose."""
        faces = self._vest_faces()
        used = sorted({vertex for face in faces for vertex in face})
        order = {vertex: index for index, vertex in enumerate(used)}
        points, weights = self.base[used], self._trunk_weights(used)
        renumbered = [tuple(order[vertex] for vertex in face) for face in faces]
        vest = self._bind(
            "vest", points, renumbered, None, weights, materials.vest(f"{self.name}-vest", colour)
        )
        _lay_over(vest, suit)
        _store_vest_coordinates(vest, self._joint("Neck"), self._joint("Hips"))
        return vest

    def hat(self, colour: tuple[float, float, float]) -> bpy.types.Object:
        return self._on_the_head(
            lambda radii: hard_hat(f"{self.name}-hat", colour, (radii[0] + 0.014, radii[1] + 0.014))
        )

    def cap(self, colour: tuple[float, float, float]) -> bpy.types.Object:
        return self._on_the_head(
            lambda radii: baseball_cap(f"{self.name}-cap", colour, (radii[0] + 0.008, radii[1] + 0.008))
        )

    def _on_the_head(self, make: Callable[[tuple[float, float]], bpy.types.Object]) -> bpy.types.Object:
        """Sets on what *make* gives for the head's half width and half length, metres."""
        head = self.base[:13380][self._weight("Head")[:13380] > 0.9]
        above = head[head[:, 2] > self._rim()]
        width, length = np.ptp(above[:, 0]) / 2, np.ptp(above[:, 1]) / 2
        hat = make((width, length))
        centre = (above.max(axis=0) + above.min(axis=0)) / 2
        hat.parent, hat.parent_type, hat.parent_bone = self.armature, "BONE", "Head"
        bpy.context.view_layer.update()
        hat.matrix_world = _placed(Vector((0.0, centre[1], self._rim())), tilt=math.radians(7))
        return hat

    def hat_in_hand(self, colour: tuple[float, float, float]) -> bpy.types.Object:
        """Held by the peak, the crown away from the thigh."""
        hat = hard_hat(f"{self.name}-carried", colour, (0.105, 0.130))
        bone = self.armature.data.bones["RightHand"]
        hat.parent, hat.parent_type, hat.parent_bone = self.armature, "BONE", bone.name
        bpy.context.view_layer.update()
        along = (bone.tail_local - bone.head_local).normalized()
        index, little = (
            self.armature.data.bones[f"RightHand{name}1"].head_local for name in ("Index", "Pinky")
        )
        across = (index - little).normalized()
        crown = along.cross(across).normalized()
        turn = Matrix((along.cross(crown), along, crown)).transposed().to_4x4()
        hat.matrix_world = Matrix.Translation(bone.tail_local + 0.17 * along) @ turn
        return hat

    def _rim(self) -> float:
        """Height of the hat's rim: a third of the way from the eyes to the crown."""
        eyes = self.base[14598:14742, 2].mean()
        return float(eyes + 0.47 * (self.base[:13380, 2].max() - eyes))

    def _vest_faces(self) -> Faces:
        neck, hips, shoulder = self._joint("Neck"), self._joint("Hips"), self._joint("LeftArm")
        centres = {
            face: self.base[list(face)].mean(axis=0) for face, _ in self.library.groups["helper-tights"]
        }
        arms = self._weight("LeftArm") + self._weight("RightArm")
        legs = self._weight("LeftUpLeg") + self._weight("RightUpLeg")

        def covered(face: tuple[int, ...]) -> bool:
            x, y, z = centres[face]
            neckline = z > neck[2] - 0.005 or (
                y < neck[1] and z > neck[2] - 0.17 + 1.3 * abs(x) and abs(x) < 0.1
            )
            inside = abs(x) < shoulder[0] + 0.012 and z > hips[2] - 0.10
            limbs = arms[list(face)].mean() > 0.75 or (legs[list(face)].mean() > 0.97 and z < hips[2] - 0.1)
            return inside and not neckline and not limbs

        return [face for face in centres if covered(face)]

    def _trunk_weights(self, used: list[int]) -> FloatArray:
        """Weights without the thighs' and most of the arms' pull: a vest hangs, it does not cling."""
        weights = self.library.weights[used].copy()
        bones = list(self.library.rig)
        for limb, trunk, kept in (("UpLeg", "Hips", 0.35), ("Arm", "Shoulder", 0.45)):
            for side in ("Left", "Right"):
                source = bones.index(side + limb)
                target = bones.index(trunk if trunk == "Hips" else side + trunk)
                weights[:, target] += (1 - kept) * weights[:, source]
                weights[:, source] *= kept
        return weights

    def _weight(self, bone: str) -> FloatArray:
        return self.library.weights[:, list(self.library.rig).index(bone)]

    def _joint(self, bone: str) -> FloatArray:
        return self.base[self.library.rig[bone]["head"]].mean(axis=0)

    def _bind(
        self,
        part: str,
        points: FloatArray,
        faces: Faces,
        uvs: FloatArray | None,
        weights: FloatArray,
        material: bpy.types.Material,
    ) -> bpy.types.Object:
        mesh = add_mesh(f"{self.name}-{part}", points, faces, uvs)
        mesh.data.materials.append(material)
        for column, bone in enumerate(self.library.rig):
            group = mesh.vertex_groups.new(name=bone)
            for vertex in np.flatnonzero(weights[:, column] > 0.001):
                group.add([int(vertex)], float(weights[vertex, column]), "REPLACE")
        mesh.parent = self.armature
        mesh.modifiers.new("rig", "ARMATURE").object = self.armature
        smooth = mesh.modifiers.new("smooth", "SUBSURF")
        smooth.levels, smooth.render_levels = 0, 1
        return mesh


def _armature(name: str, base: FloatArray, library: Library) -> bpy.types.Object:
    armature = bpy.data.objects.new(name, bpy.data.armatures.new(name))
    bpy.context.collection.objects.link(armature)
    bpy.context.view_layer.objects.active = armature
    bpy.ops.object.mode_set(mode="EDIT")
    for bone, spec in library.rig.items():
        made = armature.data.edit_bones.new(bone)
        made.head = base[spec["head"]].mean(axis=0)
        made.tail = base[spec["tail"]].mean(axis=0)
    for bone, spec in library.rig.items():
        armature.data.edit_bones[bone].parent = armature.data.edit_bones.get(str(spec["parent"]))
    bpy.ops.object.mode_set(mode="OBJECT")
    return armature


def _head_vertices(body: bpy.types.Object) -> NDArray[np.int64]:
    """The body's vertices that belong to the head for more than half."""
    head = body.vertex_groups["Head"].index
    return np.array(
        [v.index for v in body.data.vertices if any(g.group == head and g.weight > 0.5 for g in v.groups)]
    )


def _cut_above(mesh: bpy.types.Object, height: float) -> None:
    """Remove what lies above *height*, by way of a modifier that keeps the rest."""
    keep = mesh.vertex_groups.new(name="kept")
    keep.add([v.index for v in mesh.data.vertices if v.co.z < height], 1.0, "REPLACE")
    mask = mesh.modifiers.new("kept", "MASK")
    mask.vertex_group = keep.name


def _lay_over(vest: bpy.types.Object, suit: bpy.types.Object) -> None:
    """Lift the vest off the suit in the rest pose, then even it out; the rig moves it afterwards."""
    for kind, settings in (
        (
            "SHRINKWRAP",
            {"target": suit, "wrap_method": "NEAREST_SURFACEPOINT", "wrap_mode": "OUTSIDE", "offset": 0.03},
        ),
        ("SMOOTH", {"factor": 0.5, "iterations": 10}),
        (
            "SHRINKWRAP",
            {"target": suit, "wrap_method": "NEAREST_SURFACEPOINT", "wrap_mode": "OUTSIDE", "offset": 0.018},
        ),
        ("SMOOTH", {"factor": 0.5, "iterations": 2}),
    ):
        modifier = vest.modifiers.new(kind, kind)
        for key, value in settings.items():
            setattr(modifier, key, value)
    shaped = vest.evaluated_get(bpy.context.evaluated_depsgraph_get()).data
    coordinates = np.empty(len(shaped.vertices) * 3, np.float32)
    shaped.vertices.foreach_get("co", coordinates)
    for kind in [modifier for modifier in vest.modifiers if modifier.type in {"SHRINKWRAP", "SMOOTH"}]:
        vest.modifiers.remove(kind)
    vest.data.vertices.foreach_set("co", coordinates)
    thick = vest.modifiers.new("thick", "SOLIDIFY")
    thick.thickness, thick.offset = 0.006, 1.0


def _store_vest_coordinates(vest: bpy.types.Object, neck: FloatArray, hips: FloatArray) -> None:
    """Attribute "rest" for the vest's material: x and y in metres, z from 0 (hips) to 1 (neck)."""
    points = np.array([vertex.co for vertex in vest.data.vertices])
    points[:, 2] = (points[:, 2] - hips[2]) / (neck[2] - hips[2])
    points[:, 1] -= neck[1]
    vest.data.attributes.new("rest", "FLOAT_VECTOR", "POINT").data.foreach_set(
        "vector", points.astype(np.float32).ravel()
    )


def _placed(at: Vector, tilt: float) -> Matrix:
    return Matrix.Translation(at) @ Matrix.Rotation(tilt, 4, "X")


def _hat_mesh(
    half_width: float,
    half_length: float,
    *,
    brim: float = 0.012,
    peak: float = 0.042,
    height: float = 1.0,
    ridges: float = 0.010,
) -> tuple[FloatArray, Faces]:
    """Rings from the brim's edge over the rim up to the crown, 64 points each; lengths in metres, *height* a factor."""
    around, up = 64, 18
    angles = np.linspace(0, 2 * np.pi, around, endpoint=False)
    sine, cosine = np.sin(angles), np.cos(angles)  # cosine = 1 is the front
    front = np.clip(cosine, 0, 1) ** 1.5
    rows = []
    for flare, drop in ((1.0, 0.006), (0.55, 0.001), (0.15, 0.0)):
        reach = flare * (brim + peak * front)
        rows.append(
            _ring(half_width + reach, half_length + reach, sine, cosine, -drop - 0.010 * flare * front)
        )
    height *= 0.86 * half_length + 0.014
    for step in range(up + 1):
        rise = math.radians(90 * step / up)
        shrink = math.cos(rise) ** 0.82
        ring = _ring(
            half_width * shrink, half_length * shrink, sine, cosine, np.full(around, height * math.sin(rise))
        )
        ridge = _ridge(ring[:, 0], half_width) * math.sin(rise) ** 0.6 * ridges
        ring[:, 2] += ridge
        rows.append(ring)
    faces = [
        (
            row * around + i,
            row * around + (i + 1) % around,
            (row + 1) * around + (i + 1) % around,
            (row + 1) * around + i,
        )
        for row in range(len(rows) - 1)
        for i in range(around)
    ]
    return np.concatenate(rows), faces


def _ring(
    radius_x: FloatArray | float,
    radius_y: FloatArray | float,
    sine: FloatArray,
    cosine: FloatArray,
    z: FloatArray,
) -> FloatArray:
    return np.stack([radius_x * sine, -radius_y * cosine, z], axis=1)


def _ridge(x: FloatArray, half_width: float) -> FloatArray:
    """Three raised ribs that run from front to back."""
    return sum(np.exp(-(((x / half_width) - centre) ** 2) / 0.010) for centre in (-0.34, 0.0, 0.34))
