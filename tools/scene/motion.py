"""Move the workers: where each stands, walks and looks over time, and the pose of every joint at a moment.

Body frame: the person faces -Y, their left is +X, Z is up. A heading of 0 degrees looks along -Y; it grows
counter-clockwise seen from above.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from assets import FloatArray
from mathutils import Matrix, Quaternion, Vector
from people import Worker

STEPS_PER_SECOND = 50
EASING = 0.28  # seconds; standard deviation of the Gaussian that rounds corners, starts and stops
FULL_STRIDE_AT = 0.9  # m/s from which on the gait has its whole amplitude

# Joint angles in degrees over one gait cycle from heel strike to heel strike, level walking at a free pace;
# after D. A. Winter, "Biomechanics and Motor Control of Human Movement", rounded.
CYCLE = [0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9]
HIP_FLEXION = [24, 21, 14, 5, -4, -10, -5, 10, 22, 26]
KNEE_FLEXION = [5, 16, 17, 11, 8, 14, 38, 60, 46, 14]
FOOT_PITCH = [-18, 0, 0, 0, 4, 22, 52, 52, 14, -14]  # sole to the ground, positive: heel up


@dataclass(frozen=True, slots=True)
class Stand:
    """Stay for *seconds*, turned to *heading* degrees."""

    seconds: float
    heading: float


@dataclass(frozen=True, slots=True)
class Walk:
    """Walk straight to (*x*, *y*) metres at *speed* m/s."""

    x: float
    y: float
    speed: float = 1.1


@dataclass(frozen=True, slots=True)
class Gesture:
    """Hold the arms in a way from *start* to *end* seconds.

    Attributes:
        arms: side ("Left", "Right") to the directions of upper arm and forearm in the body frame.
    """

    start: float
    end: float
    arms: dict[str, tuple[tuple[float, float, float], tuple[float, float, float]]]


@dataclass(frozen=True, slots=True)
class Glance:
    """Turn the head at *at* seconds: *yaw* degrees to the left, *nod* degrees down; held until the next."""

    at: float
    yaw: float
    nod: float = 0.0


@dataclass(frozen=True, slots=True)
class Role:
    """What one worker does: a start, the way from there, and what arms and head do meanwhile."""

    start: tuple[float, float]
    moves: tuple[Stand | Walk, ...]
    gestures: tuple[Gesture, ...] = ()
    glances: tuple[Glance, ...] = ()


class Performance:
    """A role laid out in time: `pose(worker, seconds)` puts the armature where it belongs then."""

    def __init__(self, role: Role, seconds: float) -> None:
        self._role = role
        x, y, heading = _lay_out(role, seconds)
        self._x, self._y, self._heading = _ease(x), _ease(y), _ease(heading)
        travelled = np.hypot(np.diff(self._x, prepend=self._x[0]), np.diff(self._y, prepend=self._y[0]))
        self._distance = np.cumsum(travelled)
        self._speed = travelled * STEPS_PER_SECOND

    def pose(self, worker: Worker, seconds: float) -> None:
        """Set location, heading and every joint of *worker*'s armature for the moment *seconds*."""
        skeleton = _Skeleton(worker)
        effort = min(1.0, self._at(self._speed, seconds) / FULL_STRIDE_AT)
        stride = skeleton.stride
        self._stand(skeleton, seconds, 1.0 - effort)
        self._legs(skeleton, self._at(self._distance, seconds) / stride, effort)
        self._arms(skeleton, self._at(self._distance, seconds) / stride, effort, seconds)
        self._head(skeleton, seconds)
        place = Vector((self._at(self._x, seconds), self._at(self._y, seconds), 0.0))
        skeleton.apply(place, math.radians(self._at(self._heading, seconds)))

    def _stand(self, skeleton: _Skeleton, seconds: float, calm: float) -> None:
        sway = calm * math.sin(2 * math.pi * seconds / 3.7)
        breath = math.sin(2 * math.pi * seconds / 3.1)
        skeleton.turn("Hips", Matrix.Rotation(math.radians(1.2 * sway), 3, "Y"))
        skeleton.turn("Spine1", Matrix.Rotation(math.radians(2 - 0.6 * breath - sway * 0.5), 3, "X"))

    def _legs(self, skeleton: _Skeleton, cycles: float, effort: float) -> None:
        twist = math.radians(5 * effort) * math.cos(2 * math.pi * cycles)
        skeleton.turn("Hips", Matrix.Rotation(twist, 3, "Z"))
        skeleton.turn("Spine2", Matrix.Rotation(-1.6 * twist, 3, "Z"))
        for side, shift in (("Left", 0.0), ("Right", 0.5)):
            hip, knee, foot = (
                effort * _gait(curve, cycles + shift) for curve in (HIP_FLEXION, KNEE_FLEXION, FOOT_PITCH)
            )
            upright = skeleton.upright(side)
            skeleton.aim(f"{side}UpLeg", _pitch(-hip) @ upright)
            skeleton.aim(f"{side}Leg", _pitch(knee - hip) @ upright)
            skeleton.aim(f"{side}Foot", _pitch(foot))
            skeleton.aim(f"{side}ToeBase", _pitch(min(foot, 12.0)))

    def _arms(self, skeleton: _Skeleton, cycles: float, effort: float, seconds: float) -> None:
        for side, sign, shift in (("Left", 1.0, 0.5), ("Right", -1.0, 0.0)):
            swing = 4 + effort * 20 * math.cos(2 * math.pi * (cycles + shift))
            bend = 14 + effort * (12 + 8 * math.cos(2 * math.pi * (cycles + shift)))
            upper = _pitch(-swing) @ Vector((0.11 * sign, 0.03, -1.0))
            lower = _pitch(-swing - bend) @ Vector((0.02 * sign, 0.0, -1.0))
            for gesture in self._role.gestures:
                if side in gesture.arms:
                    share = _window(seconds, gesture.start, gesture.end)
                    upper = upper.lerp(Vector(gesture.arms[side][0]).normalized(), share)
                    lower = lower.lerp(Vector(gesture.arms[side][1]).normalized(), share)
            skeleton.reach(side, upper, lower)
            skeleton.curl(side, 22.0)

    def _head(self, skeleton: _Skeleton, seconds: float) -> None:
        yaw, nod = 0.0, 0.0
        for glance in self._role.glances:
            share = _smooth((seconds - glance.at) / 0.6)
            yaw, nod = yaw + share * (glance.yaw - yaw), nod + share * (glance.nod - nod)
        for bone, part in (("Neck", 0.4), ("Head", 1.0)):
            turn = Matrix.Rotation(math.radians(part * yaw), 3, "Z") @ Matrix.Rotation(
                math.radians(part * nod), 3, "X"
            )
            skeleton.aim(bone, turn)

    def _at(self, values: FloatArray, seconds: float) -> float:
        return float(np.interp(seconds * STEPS_PER_SECOND, np.arange(len(values)), values))


class _Skeleton:
    """The rotation of each bone from the rest pose, all in the body frame."""

    def __init__(self, worker: Worker) -> None:
        self._worker = worker
        self._bones = {bone.name: bone for bone in worker.armature.data.bones}
        self._rotation: dict[str, Matrix] = {}

    @property
    def stride(self) -> float:
        """Metres per gait cycle: twice the ground that a leg covers between heel strike and push-off."""
        leg = self._bones["LeftUpLeg"].head_local.z - self._bones["LeftFoot"].head_local.z
        return float(2.16 * leg * (math.sin(math.radians(24)) + math.sin(math.radians(10))))

    def upright(self, side: str) -> Matrix:
        """The turn that brings the straddled leg of the rest pose upright."""
        leg = self._bones[f"{side}Foot"].head_local - self._bones[f"{side}UpLeg"].head_local
        return Matrix.Rotation(0.8 * math.atan2(leg.x, -leg.z), 3, "Y")

    def turn(self, bone: str, rotation: Matrix) -> None:
        """Rotate *bone* on top of what it inherits or was already turned by."""
        self._rotation[bone] = rotation @ self._rotation.get(bone, self._inherited(bone))

    def aim(self, bone: str, rotation: Matrix) -> None:
        """Rotate *bone* by *rotation* from its rest, whatever its parents do, except for the hips' heading."""
        self._rotation[bone] = rotation

    def reach(self, side: str, upper: Vector, lower: Vector) -> None:
        """Lay upper arm and forearm along directions of the trunk's frame, the hand thumb side up or forward."""
        hand = self._bones[f"{side}Hand"]
        across = self._across(side)
        self._point(f"{side}Arm", upper, across, 0.15)
        self._point(f"{side}ForeArm", lower, across, 0.6)
        self._point(hand.name, lower, across, 1.0)

    def _across(self, side: str) -> Vector:
        """From the little finger to the index finger of the hand at rest."""
        index, little = (self._bones[f"{side}Hand{finger}1"].head_local for finger in ("Index", "Pinky"))
        return (index - little).normalized()

    def _point(self, name: str, direction: Vector, across: Vector, twist: float) -> None:
        """Rotate a bone the shortest way along *direction*, then by a share of the *twist* that lifts the thumb."""
        bone, direction = self._bones[name], direction.normalized()
        shortest = (bone.tail_local - bone.head_local).normalized().rotation_difference(direction)
        now = (shortest @ across).normalized()
        wanted = Vector((0.0, -1.0, 0.6))
        wanted = (wanted - wanted.project(direction)).normalized()
        now = (now - now.project(direction)).normalized()
        angle = math.atan2(direction.dot(now.cross(wanted)), now.dot(wanted))
        turned = Quaternion(direction, twist * angle) @ shortest
        self._rotation[name] = self._inherited("Neck") @ turned.to_matrix()

    def curl(self, side: str, degrees: float) -> None:
        """Bend the fingers towards the palm, which is the side that the thumb lies on."""
        hand = self._bones[f"{side}Hand"]
        along = (hand.tail_local - hand.head_local).normalized()
        thumb = self._bones[f"{side}HandThumb3"].tail_local - hand.head_local
        palm = thumb - thumb.project(along) - thumb.project(self._across(side))
        bend = Quaternion(along.cross(palm).normalized(), math.radians(degrees)).to_matrix()
        for finger in hand.children_recursive:
            if "Thumb" not in finger.name:
                self._rotation[finger.name] = self._inherited(finger.name) @ bend

    def apply(self, place: Vector, heading: float) -> None:
        """Write the pose to the armature, its lowest sole on the ground."""
        armature = self._worker.armature
        for name, bone in self._bones.items():
            parent = self._of(bone.parent.name) if bone.parent else Matrix.Identity(3)
            local = parent.inverted() @ self._of(name)
            rest = bone.matrix_local.to_3x3()
            posed = armature.pose.bones[name]
            posed.rotation_mode = "QUATERNION"
            posed.rotation_quaternion = (rest.inverted() @ local @ rest).to_quaternion()
        armature.location = (place.x, place.y, -self._lowest())
        armature.rotation_euler = (0.0, 0.0, heading)

    def _lowest(self) -> float:
        """Height of the lowest of both feet's heels and toes, with the hips at their rest height."""
        heights = []
        for side in ("Left", "Right"):
            ankle = self._joint(f"{side}Foot")
            rest = self._bones[f"{side}Foot"].head_local
            toe = self._bones[f"{side}ToeBase"].tail_local
            heel = Vector((rest.x, rest.y + 0.055, 0.0)) - rest
            ball = Vector((toe.x, toe.y + 0.06, 0.0)) - rest
            heights += [(ankle + self._of(f"{side}Foot") @ point).z for point in (heel, ball)]
        return min(heights)

    def _joint(self, name: str) -> Vector:
        bone = self._bones[name]
        if bone.parent is None:
            return bone.head_local.copy()
        return self._joint(bone.parent.name) + self._of(bone.parent.name) @ (
            bone.head_local - bone.parent.head_local
        )

    def _of(self, name: str) -> Matrix:
        return self._rotation.get(name) or self._inherited(name)

    def _inherited(self, name: str) -> Matrix:
        parent = self._bones[name].parent
        return self._of(parent.name) if parent else Matrix.Identity(3)


def _lay_out(role: Role, seconds: float) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Sharp-cornered x, y (metres) and heading (degrees, unwrapped) at `STEPS_PER_SECOND`."""
    (x, y), heading = role.start, 0.0
    rows: list[tuple[float, float, float]] = []
    for move in role.moves:
        if isinstance(move, Stand):
            heading = _nearest_turn(heading, move.heading)
            rows += [(x, y, heading)] * round(move.seconds * STEPS_PER_SECOND)
        else:
            heading = _nearest_turn(heading, math.degrees(math.atan2(move.x - x, y - move.y)))
            steps = max(1, round(math.hypot(move.x - x, move.y - y) / move.speed * STEPS_PER_SECOND))
            rows += [
                (x + (move.x - x) * i / steps, y + (move.y - y) * i / steps, heading) for i in range(steps)
            ]
            x, y = move.x, move.y
    rows += [(x, y, heading)] * max(0, round(seconds * STEPS_PER_SECOND) + 1 - len(rows))
    columns = np.array(rows)
    return columns[:, 0], columns[:, 1], columns[:, 2]


def _nearest_turn(current: float, wanted: float) -> float:
    return current + (wanted - current + 180.0) % 360.0 - 180.0


def _ease(values: FloatArray) -> FloatArray:
    reach = round(3 * EASING * STEPS_PER_SECOND)
    kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) / (EASING * STEPS_PER_SECOND)) ** 2)
    return np.convolve(np.pad(values, reach, mode="edge"), kernel / kernel.sum(), mode="valid")


def _gait(curve: list[int], cycles: float) -> float:
    """The curve at this point of the cycle, smoothed by its first four harmonics."""
    spectrum = np.fft.rfft(curve)
    orders = np.arange(len(spectrum))
    terms = spectrum * np.exp(2j * np.pi * orders * (cycles % 1.0))
    return float((terms[0].real + 2 * terms[1:5].real.sum()) / len(curve))


def _pitch(degrees: float) -> Matrix:
    """Rotation about the body's left-right axis; positive swings what hangs down backwards."""
    return Matrix.Rotation(math.radians(degrees), 3, "X")


def _window(seconds: float, start: float, end: float, rise: float = 0.7) -> float:
    return _smooth((seconds - start) / rise) * _smooth((end - seconds) / rise)


def _smooth(share: float) -> float:
    share = min(1.0, max(0.0, share))
    return share * share * (3 - 2 * share)
