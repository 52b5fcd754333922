"""Build the yard: ground, painted zone, excavator, containers, fence, the building behind; by day or by night.

World frame: metres, Z up; the camera looks along +Y.
"""

from __future__ import annotations

import math
from typing import Literal

import bpy
import numpy as np
from assets import FloatArray
from materials import Rgb, Shader
from mathutils import Vector
from people import add_mesh, hard_hat

CAMERA_AT = (0.0, -11.0, 3.6)
CAMERA_PITCH = 10.0  # degrees below the horizon
LENS = 52.0  # millimetres on a 36 mm wide sensor

# The restricted zone on the ground, corners in order (x, y).
ZONE = ((1.7, -0.6), (3.3, -0.6), (4.05, 1.9), (1.95, 1.9))

Light = Literal["day", "night"]

# Flood lights: where the lamp is, where it points to, radiant watts, colour; the last mast stands in the picture.
FLOODS: tuple[tuple[Vector, Vector, float, Rgb], ...] = (
    (Vector((-7.5, -5.0, 6.5)), Vector((-0.5, 1.5, 0.5)), 2600.0, (0.92, 0.96, 1.0)),
    (Vector((8.5, -3.0, 6.0)), Vector((2.0, 3.0, 0.5)), 1100.0, (1.0, 0.70, 0.38)),
    (Vector((1.6, 11.6, 3.7)), Vector((-0.5, 3.0, 0.5)), 900.0, (0.92, 0.96, 1.0)),
)
# How much a vest shines of itself. By day the sky's ultraviolet makes it; lamps have next to none.
FLUORESCENCE: dict[Light, float] = {"day": 0.18, "night": 0.02}
# The sky at the horizon and above, linear RGB.
SKY: dict[Light, tuple[Rgb, Rgb]] = {
    "day": ((0.50, 0.66, 0.86), (0.16, 0.33, 0.66)),
    "night": ((0.040, 0.036, 0.044), (0.008, 0.012, 0.030)),
}

YELLOW: Rgb = (0.52, 0.27, 0.03)
STEEL: Rgb = (0.05, 0.05, 0.055)


def build_yard(light: Light = "day") -> None:
    """Add everything that does not move, the lights and the camera."""
    _ground()
    _zone()
    _excavator(Vector((4.1, 5.2, 0.0)))
    _background()
    _toilet(Vector((-1.15, 1.9, 0.0)))
    _drum_with_hat(Vector((-3.55, 1.1, 0.0)))
    _stock()
    _sky(light)
    if light == "day":
        _sun()
    else:
        for flood in FLOODS:
            _flood(*flood)
    _camera()


def _camera() -> None:
    camera = bpy.data.objects.new("camera", bpy.data.cameras.new("camera"))
    camera.data.lens = LENS
    camera.location = CAMERA_AT
    camera.rotation_euler = (math.radians(90 - CAMERA_PITCH), 0.0, 0.0)
    _link(camera)
    bpy.context.scene.camera = camera


def _sun() -> None:
    sun = bpy.data.objects.new("sun", bpy.data.lights.new("sun", "SUN"))
    sun.data.energy, sun.data.angle, sun.data.color = 3.6, math.radians(1.5), (1.0, 0.93, 0.82)
    sun.rotation_euler = (math.radians(42), 0.0, math.radians(-38))
    _link(sun)


def _flood(at: Vector, aim: Vector, watts: float, colour: Rgb) -> None:
    """A lamp on a mast."""
    lamp = bpy.data.objects.new("flood", bpy.data.lights.new("flood", "SPOT"))
    lamp.data.energy, lamp.data.color, lamp.data.shadow_soft_size = watts, colour, 0.15
    lamp.data.spot_size, lamp.data.spot_blend = math.radians(130), 0.7
    lamp.location = at
    lamp.rotation_euler = (aim - at).to_track_quat("-Z", "Y").to_euler()
    _link(lamp)
    glass, steel = Shader("flood-glass"), _paint("mast", STEEL, dirt=0.3)
    glass.set(Emission_Color=colour, Emission_Strength=30.0)
    back = (at - aim).normalized()
    _box(
        "flood-case", (0.5, 0.36, 0.16), at + 0.22 * back, steel, bevel=0.03
    ).rotation_euler = lamp.rotation_euler
    _box(
        "flood-face", (0.42, 0.28, 0.02), at + 0.12 * back, glass.material
    ).rotation_euler = lamp.rotation_euler
    foot = at + 0.35 * back
    _rod("mast", (foot.x, foot.y, 0.0), (foot.x, foot.y, at.z + 0.2), 0.05, steel)


def _sky(light: Light) -> None:
    bpy.context.scene["fluorescence"] = FLUORESCENCE[light]
    world = bpy.data.worlds.new("sky")
    bpy.context.scene.world = world
    world.use_nodes = True
    nodes, links = world.node_tree.nodes, world.node_tree.links
    height = nodes.new("ShaderNodeSeparateXYZ")
    links.new(nodes.new("ShaderNodeTexCoord").outputs["Generated"], height.inputs[0])
    sky = nodes.new("ShaderNodeValToRGB")
    links.new(height.outputs[2], sky.inputs[0])
    for stop, colour in zip(sky.color_ramp.elements, SKY[light], strict=True):
        stop.color = (*colour, 1.0)
    sky.color_ramp.elements[1].position = 0.6
    links.new(sky.outputs[0], nodes["Background"].inputs[0])
    nodes["Background"].inputs[1].default_value = 0.75


def _ground() -> None:
    shader = Shader("concrete")
    spot = shader.node("TexCoord").outputs["Object"]
    broad, fine = shader.noise(0.35, 3.0, spot), shader.noise(9.0, 3.0, spot)
    wet = shader.ramp(shader.noise(0.16, 2.0, spot), 0.56, 0.66)
    slabs = shader.node(
        "TexBrick",
        {"Vector": spot, "Scale": 1.0, "Mortar Size": 0.012, "Brick Width": 4.0, "Row Height": 3.0},
        offset=0.0,
    )
    tone = shader.mix(shader.ramp(broad, 0.3, 0.7), (0.25, 0.235, 0.215), (0.37, 0.355, 0.33))
    tone = shader.mix(shader.math("MULTIPLY", shader.ramp(fine, 0.45, 0.75), 0.45), tone, (0.17, 0.155, 0.14))
    tone = shader.mix(shader.math("MULTIPLY", wet, 0.45), tone, (0.12, 0.11, 0.10))
    joint = shader.math("SUBTRACT", 1.0, shader.math("GREATER_THAN", slabs.outputs["Fac"], 0.5))
    shader.set(
        Base_Color=shader.mix(joint, (0.07, 0.065, 0.06), tone),
        Roughness=shader.mix(wet, (0.88,) * 3, (0.42,) * 3),
    )
    shader.bump(fine, 0.35, 0.02)
    plane = _polygon("ground", [(-60, -20), (60, -20), (60, 100), (-60, 100)], 0.0)
    plane.data.materials.append(shader.material)


def _zone() -> None:
    """Hatching and a border, worn by traffic."""
    paint = Shader("zone-paint")
    spot = paint.node("TexCoord").outputs["Object"]
    split = paint.node("SeparateXYZ", {0: spot})
    stripes = paint.math(
        "FRACT", paint.math("MULTIPLY", paint.math("ADD", split.outputs[0], split.outputs[1]), 1.5)
    )
    wear = paint.ramp(paint.noise(5.0, 4.0, spot), 0.36, 0.52)
    hatch = paint.math("MULTIPLY", paint.math("LESS_THAN", stripes, 0.42), wear)
    paint.set(Base_Color=(0.62, 0.08, 0.05), Roughness=0.7, Alpha=paint.math("MULTIPLY", hatch, 0.9))
    _polygon("zone-hatch", ZONE, 0.004).data.materials.append(paint.material)

    border = Shader("zone-border")
    wear = border.ramp(border.noise(6.0, 4.0), 0.30, 0.44)
    border.set(Base_Color=(0.62, 0.08, 0.05), Roughness=0.7, Alpha=border.math("MULTIPLY", wear, 0.95))
    for start, end in zip(ZONE, ZONE[1:] + ZONE[:1], strict=True):
        along = (Vector(end) - Vector(start)).normalized() * 0.06
        side = Vector((-along.y, along.x))
        first, last = Vector(start) - along, Vector(end) + along
        corners = [first - side, last - side, last + side, first + side]
        _polygon("zone-line", [(c.x, c.y) for c in corners], 0.006).data.materials.append(border.material)


def _excavator(at: Vector) -> None:
    """A tracked excavator, its arm stretched out to the left (-X)."""
    yellow, steel = _paint("excavator-yellow", YELLOW, dirt=0.5), _paint("excavator-steel", STEEL, dirt=0.6)
    glass = Shader("excavator-glass")
    glass.set(Base_Color=(0.02, 0.03, 0.035), Roughness=0.08)
    parts = []
    for side in (-1.05, 1.05):
        parts.append(_box("track", (3.5, 0.5, 0.82), (0, side, 0.41), steel, bevel=0.36))
        parts += [_track_shoe(turn / 26, side, steel) for turn in range(26)]
    parts += [
        _box("turntable", (1.3, 1.3, 0.3), (0, 0, 0.9), steel, bevel=0.1),
        _box("deck", (3.1, 2.4, 0.28), (0.35, 0, 1.16), yellow, bevel=0.06),
        _box("engine", (1.75, 2.4, 1.0), (1.05, 0, 1.75), yellow, bevel=0.14),
        _box("grille", (0.9, 0.04, 0.55), (1.0, -1.21, 1.75), steel, bevel=0.02),
        _box("counterweight", (0.5, 2.5, 1.1), (1.95, 0, 1.7), steel, bevel=0.2),
        _box("cab", (1.35, 1.0, 1.65), (-0.5, -0.68, 2.1), yellow, bevel=0.12),
        _box("cab-side", (1.0, 0.05, 0.85), (-0.52, -1.17, 2.32), glass.material, bevel=0.02),
        _box("cab-front", (0.05, 0.8, 1.05), (-1.17, -0.68, 2.25), glass.material, bevel=0.02),
        _box("cab-roof", (1.45, 1.08, 0.08), (-0.48, -0.68, 2.96), steel, bevel=0.03),
        _box("exhaust", (0.12, 0.12, 0.5), (1.3, 0.5, 2.45), steel, bevel=0.04),
    ]
    boom = [(-0.5, 1.25), (-1.9, 2.9), (-3.6, 3.45), (-3.75, 3.2), (-2.2, 2.45), (-1.0, 1.2)]
    stick = [(-3.35, 3.75), (-3.75, 3.65), (-4.55, 1.35), (-4.35, 1.25), (-3.55, 2.95)]
    bucket = [
        (-4.75, 1.45),
        (-4.25, 1.4),
        (-3.75, 0.8),
        (-3.8, 0.3),
        (-4.3, 0.12),
        (-4.75, 0.3),
        (-4.4, 0.75),
    ]
    parts += [
        _plate("boom", boom, 0.34, 0.35, yellow),
        _plate("stick", stick, 0.28, 0.35, yellow),
        _plate("bucket", bucket, 0.85, 0.35, steel),
        _rod("boom-cylinder", (-1.05, 0.13, 1.2), (-2.3, 0.13, 2.7), 0.07, steel),
        _rod("stick-cylinder", (-2.1, 0.35, 3.1), (-3.4, 0.35, 3.7), 0.06, steel),
        _rod("bucket-cylinder", (-3.95, 0.35, 3.2), (-4.8, 0.35, 1.5), 0.05, steel),
    ]
    for part in parts:
        part.location += at


def _track_shoe(turn: float, side: float, material: bpy.types.Material) -> bpy.types.Object:
    """One cleat on the stadium-shaped track at *turn* of its way round."""
    straight, radius = 2.6, 0.42
    length = 2 * straight + 2 * math.pi * radius
    way = turn * length
    if way < straight:
        x, z, tilt = -straight / 2 + way, 2 * radius, 0.0
    elif way < straight + math.pi * radius:
        angle = (way - straight) / radius
        x, z, tilt = straight / 2 + radius * math.sin(angle), radius * (1 + math.cos(angle)), angle
    elif way < 2 * straight + math.pi * radius:
        x, z, tilt = straight / 2 - (way - straight - math.pi * radius), 0.0, 0.0
    else:
        angle = (way - 2 * straight - math.pi * radius) / radius
        x, z, tilt = -straight / 2 - radius * math.sin(angle), radius * (1 - math.cos(angle)), angle
    shoe = _box("cleat", (0.10, 0.56, 0.05), (x, side, z), material, bevel=0.01)
    shoe.rotation_euler = (0.0, tilt, 0.0)
    return shoe


def _background() -> None:
    _container("container-blue", (0.05, 0.12, 0.20), Vector((-7.2, 8.2, 0.0)))
    _container("container-rust", (0.20, 0.055, 0.035), Vector((-6.4, 8.5, 2.6)))
    fence = _paint("hoarding", (0.50, 0.52, 0.52), dirt=0.35)
    rail = _paint("hoarding-rail", (0.06, 0.16, 0.30), dirt=0.3)
    for panel in range(18):
        _box("panel", (1.96, 0.05, 2.1), (-17 + 2 * panel, 12.5, 1.15), fence, bevel=0.01)
        _box("rail", (1.96, 0.07, 0.22), (-17 + 2 * panel, 12.48, 2.1), rail, bevel=0.01)
    _shell_of_a_building(Vector((-9.0, 27.0, 0.0)))
    _shell_of_a_building(Vector((17.0, 40.0, 0.0)))
    _trees([(2.0 + 2.3 * i, 24.0 + 3.0 * (i % 3), 4.2 + 0.7 * (i % 4)) for i in range(14)])
    _trees([(-26.0 + 3.4 * i, 46.0 + 2.0 * (i % 2), 5.0 + 0.8 * (i % 3)) for i in range(16)])


def _trees(spots: list[tuple[float, float, float]], leaves: int = 9000) -> None:
    """Crowns of loose leaves, one at each (x, y, height): small quads on clumps round the crown's middle."""
    green = Shader("leaves")
    tone = green.ramp(green.noise(2.5), 0.35, 0.65)
    green.set(Base_Color=green.mix(tone, (0.035, 0.07, 0.018), (0.11, 0.17, 0.045)), Roughness=0.8)
    random = np.random.default_rng(4)
    corners = []
    for x, y, height in spots:
        radius = 0.36 * height
        clumps = random.normal(size=(26, 3)) * (radius * 0.5, radius * 0.5, radius * 0.55) + (
            x,
            y,
            0.62 * height,
        )
        directions = random.normal(size=(leaves, 3))
        directions /= np.linalg.norm(directions, axis=1, keepdims=True)
        centres = clumps[random.integers(len(clumps), size=leaves)] + directions * 0.42 * radius
        across, along = random.normal(size=(2, leaves, 3)) * 0.042
        corners.append(
            np.stack([centres - across, centres + along, centres + across, centres - along], axis=1)
        )
    points = np.concatenate(corners).reshape(-1, 3)
    crowns = add_mesh("trees", points, [(i, i + 1, i + 2, i + 3) for i in range(0, len(points), 4)])
    crowns.data.materials.append(green.material)


def _container(name: str, colour: Rgb, at: Vector) -> None:
    """A 20-foot container, its corrugated long side towards the camera."""
    length, depth, height = 6.06, 2.44, 2.59
    material = _paint(name, colour, dirt=0.45)
    ribs = 88
    x = np.linspace(-length / 2 + 0.08, length / 2 - 0.08, ribs * 4 + 1)
    wave = np.interp((np.arange(ribs * 4 + 1) % 8) / 8, [0, 0.25, 0.5, 0.75, 1], [0, 0, 0.05, 0.05, 0])
    low = np.stack([x, -depth / 2 + wave, np.full_like(x, 0.12)], axis=1)
    high = low + np.array((0.0, 0.0, height - 0.24))
    count = len(x)
    faces = [(i, i + 1, count + i + 1, count + i) for i in range(count - 1)]
    wall = add_mesh(name, np.concatenate([low, high]), faces)
    wall.data.polygons.foreach_set("use_smooth", [False] * len(faces))
    wall.location = at
    wall.data.materials.append(material)
    _box("core", (length - 0.1, depth - 0.2, height - 0.05), at + Vector((0, 0.05, height / 2)), material)
    for z in (0.06, height - 0.06):
        _box("beam", (length, 0.14, 0.14), at + Vector((0, -depth / 2 + 0.02, z)), material, bevel=0.02)
    for side in (-1, 1):
        post = at + Vector((side * (length / 2 - 0.07), -depth / 2 + 0.02, height / 2))
        _box("post", (0.16, 0.16, height), post, material, bevel=0.02)


def _shell_of_a_building(at: Vector) -> None:
    concrete = _paint("bare-concrete", (0.34, 0.33, 0.31), dirt=0.4)
    for floor in range(3):
        _box("slab", (16.0, 9.0, 0.3), at + Vector((0, 0, 3.2 * floor + 3.0)), concrete, bevel=0.02)
        for column in range(6):
            for row in (-4.0, 0.0, 4.0):
                spot = at + Vector((-7.5 + 3.0 * column, row, 3.2 * floor + 1.4))
                _box("column", (0.42, 0.42, 3.0), spot, concrete, bevel=0.02)


def _toilet(at: Vector) -> None:
    """A portable toilet: tall enough to hide a person behind it."""
    shell, frame = (
        _paint("toilet-shell", (0.05, 0.15, 0.24), dirt=0.3),
        _paint("toilet-frame", (0.55, 0.57, 0.58), dirt=0.3),
    )
    _box("toilet-base", (1.16, 1.16, 0.16), at + Vector((0, 0, 0.08)), frame, bevel=0.03)
    _box("toilet-body", (1.1, 1.1, 1.95), at + Vector((0, 0, 1.12)), shell, bevel=0.05)
    _box("toilet-door", (0.72, 0.05, 1.72), at + Vector((0.02, -0.55, 1.06)), frame, bevel=0.03)
    _box("toilet-panel", (0.52, 0.03, 1.3), at + Vector((0.02, -0.58, 1.0)), shell, bevel=0.03)
    _box("toilet-handle", (0.05, 0.05, 0.16), at + Vector((0.31, -0.61, 1.05)), frame, bevel=0.02)
    _box("toilet-vent", (0.8, 0.03, 0.10), at + Vector((0, -0.56, 2.0)), frame, bevel=0.02)
    _box("toilet-roof", (1.2, 1.2, 0.14), at + Vector((0, 0, 2.15)), frame, bevel=0.06)


def _drum_with_hat(at: Vector) -> None:
    """An oil drum with a hard hat lying on it: worn by nobody."""
    blue = _paint("drum", (0.03, 0.09, 0.16), dirt=0.5)
    bpy.ops.mesh.primitive_cylinder_add(
        vertices=48, radius=0.29, depth=0.86, location=at + Vector((0, 0, 0.43))
    )
    drum = bpy.context.object
    drum.data.materials.append(blue)
    _bevel(drum, 0.015)
    for z in (0.02, 0.3, 0.58, 0.85):
        bpy.ops.mesh.primitive_torus_add(
            major_radius=0.29, minor_radius=0.012, major_segments=48, location=at + Vector((0, 0, z))
        )
        bpy.context.object.data.materials.append(blue)
    hat = hard_hat("spare-hat", (0.62, 0.62, 0.60), (0.105, 0.130))
    hat.location = at + Vector((0.02, 0.0, 0.875))
    hat.rotation_euler = (0.0, 0.0, math.radians(55))


def _stock() -> None:
    """Pallets of blocks and a stack of pipes along the left side."""
    wood, block = _paint("wood", (0.30, 0.19, 0.10), dirt=0.5), _paint("blocks", (0.36, 0.33, 0.30), dirt=0.5)
    for at in (Vector((-5.2, 4.3, 0.0)), Vector((-3.7, 4.9, 0.0))):
        for slat in range(5):
            _box("slat", (1.2, 0.12, 0.03), at + Vector((0, -0.48 + 0.24 * slat, 0.14)), wood, bevel=0.005)
        for skid in (-0.5, 0.0, 0.5):
            _box("skid", (0.1, 1.1, 0.12), at + Vector((skid, 0, 0.06)), wood, bevel=0.005)
        for layer in range(4):
            for column in range(3):
                spot = at + Vector((-0.39 + 0.39 * column, 0, 0.26 + 0.205 * layer))
                _box("block", (0.38, 1.0, 0.195), spot, block, bevel=0.012)
    pipe = _paint("pipe", (0.40, 0.40, 0.38), dirt=0.4)
    for row, count in enumerate((4, 3, 2)):
        for index in range(count):
            y = 7.0 + 0.42 * index + 0.21 * row
            _rod("pipe", (-2.6, y, 0.21 + 0.36 * row), (1.2, y, 0.21 + 0.36 * row), 0.2, pipe)


def _paint(name: str, colour: Rgb, dirt: float) -> bpy.types.Material:
    """Painted or bare surface with dirt that gathers in patches and towards the ground."""
    shader = Shader(name)
    patches = shader.ramp(shader.noise(2.2, 5.0), 0.46, 0.72)
    soiled = tuple(0.35 * channel + 0.045 for channel in colour)
    tone = shader.mix(shader.math("MULTIPLY", patches, dirt), colour, soiled)
    shader.set(Base_Color=tone, Roughness=0.6)
    shader.bump(shader.noise(30.0), 0.1, 0.01)
    return shader.material


def _box(
    name: str,
    size: tuple[float, float, float],
    at: tuple[float, float, float] | Vector,
    material: bpy.types.Material,
    bevel: float = 0.0,
) -> bpy.types.Object:
    half = np.array(size) / 2
    signs = np.array([(x, y, z) for z in (-1, 1) for y in (-1, 1) for x in (-1, 1)])
    faces = [(0, 2, 3, 1), (4, 5, 7, 6), (0, 1, 5, 4), (2, 6, 7, 3), (0, 4, 6, 2), (1, 3, 7, 5)]
    box = add_mesh(name, signs * half, faces)
    box.location = at
    box.data.materials.append(material)
    box.data.polygons.foreach_set("use_smooth", [False] * 6)
    if bevel:
        _bevel(box, min(bevel, 0.49 * min(size)))
    return box


def _bevel(thing: bpy.types.Object, width: float) -> None:
    modifier = thing.modifiers.new("bevel", "BEVEL")
    modifier.width, modifier.segments, modifier.limit_method = width, 4, "ANGLE"


def _plate(
    name: str, outline: list[tuple[float, float]], width: float, y: float, material: bpy.types.Material
) -> bpy.types.Object:
    """A profile in the x-z plane, *width* thick about *y*."""
    count = len(outline)
    points = np.array([(x, y + side * width / 2, z) for side in (-1, 1) for x, z in outline])
    faces = [tuple(range(count)), tuple(reversed(range(count, 2 * count)))]
    faces += [(i, count + i, count + (i + 1) % count, (i + 1) % count) for i in range(count)]
    plate = add_mesh(name, points, faces)
    plate.data.polygons.foreach_set("use_smooth", [False] * len(faces))
    plate.data.materials.append(material)
    _bevel(plate, 0.03)
    return plate


def _rod(
    name: str,
    start: tuple[float, float, float],
    end: tuple[float, float, float],
    radius: float,
    material: bpy.types.Material,
) -> bpy.types.Object:
    along = Vector(end) - Vector(start)
    bpy.ops.mesh.primitive_cylinder_add(vertices=32, radius=radius, depth=along.length)
    rod = bpy.context.object
    rod.name = name
    rod.location = (Vector(start) + Vector(end)) / 2
    rod.rotation_euler = along.to_track_quat("Z", "Y").to_euler()
    rod.data.materials.append(material)
    bpy.ops.object.shade_smooth_by_angle()
    return rod


def _polygon(
    name: str, corners: list[tuple[float, float]] | tuple[tuple[float, float], ...], z: float
) -> bpy.types.Object:
    points: FloatArray = np.array([(x, y, z) for x, y in corners], float)
    return add_mesh(name, points, [tuple(range(len(corners)))])


def _link(thing: bpy.types.Object) -> None:
    bpy.context.collection.objects.link(thing)
