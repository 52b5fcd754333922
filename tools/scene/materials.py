"""Materials of the scene, each a few shader nodes; colours are linear RGB."""

from __future__ import annotations

from pathlib import Path

import bpy

Rgb = tuple[float, float, float]


class Shader:
    """A short way to write a node tree down: `node(kind, inputs..., attributes...)`."""

    def __init__(self, name: str) -> None:
        self.material = bpy.data.materials.new(name)
        self.material.use_nodes = True
        self.tree = self.material.node_tree
        self.surface = self.tree.nodes["Principled BSDF"]

    def node(
        self, kind: str, inputs: dict[str | int, object] | None = None, **attributes: object
    ) -> bpy.types.Node:
        """Add a node; an input's value is a constant or the socket of another node."""
        made = self.tree.nodes.new(f"ShaderNode{kind}")
        for key, value in attributes.items():
            setattr(made, key, value)
        for key, value in (inputs or {}).items():
            self.feed(made.inputs[key], value)
        return made

    def feed(self, socket: bpy.types.NodeSocket, value: object) -> None:
        """Connect *value* if it is a socket, else set it as the constant."""
        if isinstance(value, bpy.types.NodeSocket):
            self.tree.links.new(value, socket)
        else:
            socket.default_value = (
                (*value, 1.0)
                if isinstance(value, tuple) and len(value) == 3 and len(socket.default_value) == 4
                else value
            )

    def set(self, **inputs: object) -> None:
        """Inputs of the principled surface, spaces written as underscores."""
        for key, value in inputs.items():
            self.feed(self.surface.inputs[key.replace("_", " ")], value)

    def math(self, operation: str, *values: object) -> bpy.types.NodeSocket:
        return self.node("Math", dict(enumerate(values)), operation=operation).outputs[0]

    def mix(self, share: object, first: object, second: object) -> bpy.types.NodeSocket:
        made = self.node("Mix", data_type="RGBA")
        for socket, value in zip(
            (made.inputs[0], made.inputs[6], made.inputs[7]), (share, first, second), strict=True
        ):
            self.feed(socket, value)
        return made.outputs[2]

    def noise(self, scale: float, detail: float = 4.0, at: object = None) -> bpy.types.NodeSocket:
        where = at or self.node("TexCoord").outputs["Object"]
        return self.node("TexNoise", {"Vector": where, "Scale": scale, "Detail": detail}).outputs[0]

    def ramp(self, value: object, low: float, high: float) -> bpy.types.NodeSocket:
        """0 below *low*, 1 above *high*, smooth between."""
        made = self.node("MapRange", {0: value, 1: low, 2: high}, interpolation_type="SMOOTHSTEP")
        return made.outputs[0]

    def bump(self, height: object, strength: float, distance: float) -> None:
        made = self.node("Bump", {"Height": height, "Strength": strength, "Distance": distance})
        self.set(Normal=made.outputs[0])

    def image(self, path: Path) -> bpy.types.Node:
        return self.node("TexImage", image=bpy.data.images.load(str(path), check_existing=True))


def cloth(
    name: str, texture: Path, tint: Rgb = (1.0, 1.0, 1.0), roughness: float = 0.9
) -> bpy.types.Material:
    """A textured cloth, leather or eye with fine wrinkles."""
    shader = Shader(name)
    image = shader.image(texture)
    multiply = shader.node("Mix", data_type="RGBA", blend_type="MULTIPLY")
    shader.feed(multiply.inputs[0], 1.0)
    shader.feed(multiply.inputs[6], image.outputs["Color"])
    shader.feed(multiply.inputs[7], tint)
    shader.set(Base_Color=multiply.outputs[2], Roughness=roughness, Alpha=image.outputs["Alpha"])
    if roughness > 0.6:
        shader.bump(shader.noise(9.0, 3.0), 0.5, 0.03)
    return shader.material


def skin(name: str, texture: Path) -> bpy.types.Material:
    shader = Shader(name)
    shader.set(Base_Color=shader.image(texture).outputs["Color"], Roughness=0.5)
    return shader.material


def hair(name: str, texture: Path, shade: float = 0.55) -> bpy.types.Material:
    """Hair cards: the texture's alpha cuts the strands out; darkened by *shade*, 0 to 1."""
    shader = Shader(name)
    image = shader.image(texture)
    dark = shader.mix(shade, image.outputs["Color"], (0.012, 0.008, 0.006))
    shader.set(Base_Color=dark, Roughness=0.55, Alpha=image.outputs["Alpha"])
    return shader.material


def plastic(name: str, colour: Rgb) -> bpy.types.Material:
    shader = Shader(name)
    scuffs = shader.ramp(shader.noise(14.0), 0.5, 0.8)
    worn = tuple(0.75 * channel + 0.03 for channel in colour)
    shader.set(Base_Color=shader.mix(scuffs, colour, worn), Roughness=0.32)
    return shader.material


def felt(name: str, colour: Rgb) -> bpy.types.Material:
    """Plain cloth, without a shine."""
    shader = Shader(name)
    shader.set(Base_Color=colour, Roughness=0.95)
    shader.bump(shader.noise(60.0), 0.3, 0.004)
    return shader.material


def vest(name: str, colour: Rgb) -> bpy.types.Material:
    """Fluorescent cloth with two silver bands round the trunk and one over each shoulder.

    Reads the attribute "rest": x in metres, z from 0 at the hips to 1 at the neck; and the scene's "fluorescence".
    """
    shader = Shader(name)
    split = shader.node("SeparateXYZ", {0: shader.node("Attribute", attribute_name="rest").outputs["Vector"]})
    x, z = shader.math("ABSOLUTE", split.outputs[0]), split.outputs[2]

    def band(value: object, centre: float, half_width: float) -> bpy.types.NodeSocket:
        return shader.math(
            "LESS_THAN", shader.math("ABSOLUTE", shader.math("SUBTRACT", value, centre)), half_width
        )

    above_belt = shader.math("GREATER_THAN", z, 0.42)
    shoulder = shader.math("MULTIPLY", band(x, 0.105, 0.026), above_belt)
    silver = shader.math(
        "MAXIMUM", shader.math("MAXIMUM", band(z, 0.06, 0.052), band(z, 0.38, 0.052)), shoulder
    )
    zip_line = band(x, 0.0, 0.006)
    folds = shader.noise(7.0, 3.0)
    glow = shader.node("Attribute", attribute_type="VIEW_LAYER", attribute_name="fluorescence")
    shade = shader.mix(shader.ramp(folds, 0.35, 0.75), tuple(0.72 * c for c in colour), colour)
    fabric = shader.mix(zip_line, shade, (0.05, 0.05, 0.05))
    shader.set(
        Base_Color=shader.mix(silver, fabric, (0.62, 0.64, 0.66)),
        Roughness=shader.mix(silver, (0.85,) * 3, (0.35,) * 3),
        Emission_Color=shader.mix(silver, shade, (0.0, 0.0, 0.0)),
        Emission_Strength=glow.outputs["Fac"],
    )
    shader.bump(folds, 0.7, 0.05)
    return shader.material
