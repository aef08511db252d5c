"""Strides, from one contact of a limb to the next: measures, and reasons for refusing some."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from superanimal.gait.events import Event, Refused
from superanimal.gait.recording import Recording

LONGEST = 1.6
"""A stride longer than this many usual ones misses an event, or the animal stood (two in one are 2)."""
SHORTEST = 0.6
"""A stride shorter than this share of a usual one holds a false event (a stride cut in two lasts 0.5)."""
LEAST_LENGTH = 0.25
"""A stride shorter in space than this share of a usual one: the animal stands and shifts its feet."""
LEAST_OVER_NOISE = 8.0
"""A stride shorter than so many standard deviations of the points' noise is none: the animal stands."""
MOST_TURN = 45.0
"""Degrees between one stride and the next of the same limb; beyond it the animal turns."""
MOST_SLIP = 0.4
"""Speed of the standing foot over the animal's: more than twice the largest (0.16) of 776 right strides of
generated gaits, with noise of 1 px or an unsteady camera; a foot at nearly half of it does not stand."""
MOST_CLOSURE = 0.35
"""|length x frequency - speed| over speed: three times the largest (0.11) of the same strides."""
LEAST_CONFIDENCE = 0.3
"""Of contact and lift: their time is uncertain by more than a tenth of the stride (see ``events``)."""

NAN = float("nan")


@dataclass
class Stride:
    """One stride; times in seconds, lengths in pixels. ``refused`` is empty when it is kept.

    ``landing`` is where it begins, ``opposite`` where the limb of the other side stands in between (NaN when
    unknown).
    """

    limb: int
    start: float
    lift: float
    end: float
    vector: np.ndarray
    landing: np.ndarray
    confidence: float
    speed: float = NAN
    speed_variation: float = NAN
    swing_height: float = NAN
    step_length: float = NAN
    step_width: float = NAN
    opposite: np.ndarray = field(default_factory=lambda: np.full(2, np.nan))
    slip: float = NAN
    closure: float = NAN
    gait: str = ""
    refused: str = ""

    @property
    def duration(self) -> float:
        """Seconds from contact to next contact."""
        return self.end - self.start

    @property
    def length(self) -> float:
        """Pixels over ground."""
        return float(np.linalg.norm(self.vector))

    @property
    def duty(self) -> float:
        """Fraction of the stride in stance."""
        return (self.lift - self.start) / self.duration


def find_strides(recording: Recording, events: Sequence[Event], refused: Sequence[Refused]) -> list[Stride]:
    """Split the recording into strides at the contacts of each limb, measure and check them.

    Parameters
    ----------
    recording, events, refused
        One animal, its events and the intervals without events.
    """
    strides: list[Stride] = []
    for limb in range(len(recording.limbs)):
        own = [event for event in events if event.limb == limb]
        gaps = [gap for gap in refused if gap.limb == limb]
        made = []
        for k in range(len(own) - 2):
            contact, lift, following = own[k : k + 3]
            if contact.contact and not lift.contact and following.contact:
                made.append(_measured(recording, contact, lift, following))
        for stride in made:
            inside = [g for g in gaps if g.start < stride.end and g.end > stride.start]
            if inside:
                stride.refused = inside[0].reason
        strides += made
    _steps(recording, strides)
    _judge(recording, strides)
    return strides


def _measured(recording: Recording, contact: Event, lift: Event, following: Event) -> Stride:
    limb = contact.limb
    place = [
        _standing_place(recording, limb, event.time, lift.time - contact.time)
        for event in (contact, following)
    ]
    stride = Stride(
        limb, contact.time, lift.time, following.time, place[1] - place[0], place[0],
        min(contact.confidence, lift.confidence, following.confidence),
    )  # fmt: skip
    grid, ground = recording.grid, recording.ground
    if recording.body is not None:
        way = recording.body - ground.path
        ends = [_at(grid, way, t) for t in (stride.start, stride.end)]
        travel = ends[1] - ends[0]
        stride.speed = float(np.linalg.norm(travel)) / stride.duration
        inside = (grid >= stride.start) & (grid <= stride.end)
        if inside.sum() > 3 and np.isfinite(way[inside]).all():
            speeds = np.linalg.norm(np.gradient(way[inside], recording.step, axis=0), axis=1)
            stride.speed_variation = float(speeds.std() / max(speeds.mean(), 1e-9))
        if np.isfinite(stride.speed):
            error = float(np.linalg.norm(stride.vector - travel))
            stride.closure = error / max(float(np.linalg.norm(travel)), 1e-9)
    if not np.isfinite(stride.speed):
        stride.speed = stride.length / stride.duration
    own = recording.tracks[limb][-1]
    standing = (grid > stride.start + 0.25 * (lift.time - contact.time)) & (
        grid < lift.time - 0.25 * (lift.time - contact.time)
    )
    standing &= own.whole
    if standing.sum() >= 3:
        way = (own.smooth - ground.path)[standing]
        slope = np.polynomial.polynomial.polyfit(grid[standing], way, 1)[1]
        stride.slip = float(np.linalg.norm(slope) / max(stride.speed, stride.length / stride.duration, 1e-9))
    swinging = (grid >= lift.time) & (grid <= stride.end) & own.whole
    if swinging.sum() >= 3 and stride.length > 0:
        way = (own.smooth - ground.path)[swinging]
        share = (grid[swinging] - lift.time) / (stride.end - lift.time)
        line = way[0, 1] + share * (way[-1, 1] - way[0, 1])
        stride.swing_height = float(max(0.0, (line - way[:, 1]).max()))
    return stride


def _standing_place(recording: Recording, limb: int, contact: float, stance: float) -> np.ndarray:
    """Return the ground position of a limb after a contact, (2,): the median over mid-stance."""
    places = []
    for point in range(len(recording.limbs[limb].keypoints)):
        time, position = recording.over_ground(limb, point)
        inside = (time >= contact + 0.2 * stance) & (time <= contact + 0.8 * stance)
        if not inside.any():
            inside = np.abs(time - contact) <= np.abs(time - contact).min() + 1e-9
        places.append(np.median(position[inside], axis=0))
    return np.asarray(places[-1])


def _at(grid: np.ndarray, path: np.ndarray, time: float) -> np.ndarray:
    return np.array([np.interp(time, grid, path[:, axis]) for axis in range(2)])


def _steps(recording: Recording, strides: list[Stride]) -> None:
    """Measure steps, from the stance position of the opposite limb to the next one of this limb."""
    for stride in strides:
        limb = recording.limbs[stride.limb]
        others = [
            s
            for s in strides
            if recording.limbs[s.limb].place == limb.place
            and recording.limbs[s.limb].side not in ("", limb.side)
            and limb.side
            and stride.start < s.start < stride.end
        ]
        if len(others) == 1 and stride.length > 0:
            along = stride.vector / stride.length
            stride.opposite = others[0].landing
            offset = stride.landing + stride.vector - stride.opposite
            stride.step_length = float(offset @ along)
            stride.step_width = float(abs(offset[0] * along[1] - offset[1] * along[0]))


def _judge(recording: Recording, strides: list[Stride]) -> None:
    if not strides:
        return
    usual = recording.period or float(np.median([stride.duration for stride in strides]))
    length = float(np.median([stride.length for stride in strides if stride.length > 0] or [0.0]))
    for k, stride in enumerate(strides):
        if stride.refused:
            continue
        before = strides[k - 1] if k and strides[k - 1].limb == stride.limb else None
        if stride.length < max(LEAST_LENGTH * length, LEAST_OVER_NOISE * recording.noise(stride.limb)):
            stride.refused = "standing"
        elif before is not None and _turn(before.vector, stride.vector) > MOST_TURN:
            stride.refused = "turning"
        elif stride.duration > LONGEST * usual:
            stance = stride.lift - stride.start
            stride.refused = "standing" if stance > 1.2 * usual else "an event is missing"
        elif stride.duration < SHORTEST * usual:
            stride.refused = "too short for a stride"
        elif stride.confidence < LEAST_CONFIDENCE:
            stride.refused = "low confidence"
        elif stride.slip > MOST_SLIP:
            stride.refused = "the foot slips"
        elif stride.closure > MOST_CLOSURE:
            stride.refused = "length and speed disagree"


def _turn(a: np.ndarray, b: np.ndarray) -> float:
    size = float(np.linalg.norm(a) * np.linalg.norm(b))
    return float(np.degrees(np.arccos(np.clip(a @ b / size, -1, 1)))) if size > 0 else 0.0
