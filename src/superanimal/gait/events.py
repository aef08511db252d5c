"""Detecting contacts and lifts, with a choice of detectors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from superanimal.errors import unknown_name
from superanimal.gait.contact_state import contact_states
from superanimal.gait.extremes import extreme_states
from superanimal.gait.ground import speed_over
from superanimal.gait.height import low_states
from superanimal.gait.recording import Recording
from superanimal.gait.refine import refine
from superanimal.gait.rolling import rolled

Detector = Literal["contact", "extremes", "height"]
DETECTORS: tuple[Detector, ...] = ("contact", "extremes", "height")


@dataclass(frozen=True)
class Event:
    """A contact or lift of a limb: time and its standard deviation in seconds, confidence 0..1."""

    limb: int
    contact: bool
    time: float
    deviation: float
    confidence: float


@dataclass(frozen=True)
class Refused:
    """An interval without events, with the reason."""

    limb: int
    start: float
    end: float
    reason: str


def find_events(
    recording: Recording, detector: Detector = "contact", ground_line: np.ndarray | None = None
) -> tuple[list[Event], list[Refused]]:
    """Find contacts and lifts of all limbs of one animal, sorted by limb and time.

    Parameters
    ----------
    recording
        From :func:`superanimal.gait.recording.make_recording`.
    detector
        ``"contact"`` (default): from the ground velocity, see :mod:`superanimal.gait.contact_state`;
        ``"extremes"``: foremost and rearmost position relative to the trunk, as in the SuperAnimal paper;
        ``"height"``: height above the ground line.
    ground_line
        For ``"height"``: (2, 2), two points x, y on the ground in pixels; by default the lowest level of the
        feet.
    """
    events: list[Event] = []
    refused: list[Refused] = []
    for limb in range(len(recording.limbs)):
        if detector == "contact":
            found, gaps = _contact_events(recording, limb)
        elif detector == "extremes":
            found, gaps = _plain_events(recording, limb, *extreme_states(recording, limb))
        elif detector == "height":
            found, gaps = _plain_events(recording, limb, *low_states(recording, limb, ground_line))
        else:
            raise unknown_name("detector", str(detector), DETECTORS)
        events += found
        refused += gaps
    return events, refused


def _contact_events(recording: Recording, limb: int) -> tuple[list[Event], list[Refused]]:
    """Detect events from the ground velocity of each point; a limb stands while any of its points does."""
    tracks = recording.tracks[limb]
    states: list[np.ndarray] = []
    seen: list[np.ndarray] = []
    for track in tracks:
        speed = _speed(recording, limb, len(states))
        stand = contact_states(speed, recording.step, recording.period)
        states.append(stand)
        seen.append(track.whole)
    standing, known = np.any(states, axis=0), np.any(seen, axis=0)
    events, gaps = [], _gaps(recording, limb, known)
    for start, stop in _runs(known):
        for at in np.flatnonzero(np.diff(standing[start:stop])) + start + 1:
            contact = bool(standing[at])
            event = _refined(recording, limb, states, int(at), start, stop, contact)
            if event is not None:
                events.append(event)
    return _in_order(events), gaps


def _refined(
    recording: Recording, limb: int, states: list[np.ndarray], at: int, start: int, stop: int, contact: bool
) -> Event | None:
    """Find the exact time of a state change before sample ``at``, using the point that changes."""
    step, grid = recording.step, recording.grid
    best: tuple[float, float] | None = None
    for point, stand in enumerate(states):
        if stand[at] == stand[at - 1] or not recording.tracks[limb][point].whole[at - 1 : at + 1].all():
            continue
        changes = np.flatnonzero(np.diff(stand)) + 1
        before = max([start, *changes[changes < at]])
        after = min([stop, *changes[changes > at]])
        stance, swing = (after - at, at - before) if contact else (at - before, after - at)
        time, position = recording.over_ground(limb, point)
        way = recording.tracks[limb][point].smooth - recording.ground.path
        travel = way[after - 1] - way[at - 1]
        found = refine(
            time, position, grid[at] - step / 2, stance * step, swing * step, lift=not contact, travel=travel
        )
        if best is None or found[1] < best[1]:
            best = found
    if best is None:
        return None
    if len(states) > 1 and (walking := recording.speed_of(limb)) is not None:
        turned = [
            p for p, stand in enumerate(states) if (stand[at - 1 : at + 1] == [not contact, contact]).all()
        ]
        speeds = [_speed(recording, limb, point) for point in turned]
        time_of = rolled(grid, speeds, [at] * len(turned), walking, lift=not contact)
        if time_of is not None:
            best = (time_of, max(best[1], step / 2))
    period = recording.period or 10 * step
    confidence = float(np.exp(-best[1] / (0.1 * period)))
    return Event(limb, contact, best[0], best[1], confidence)


def _speed(recording: Recording, limb: int, point: int) -> np.ndarray:
    track = recording.tracks[limb][point]
    return speed_over(recording.ground, track.velocity, track.whole)


def _plain_events(
    recording: Recording, limb: int, times: np.ndarray, contacts: np.ndarray, known: np.ndarray
) -> tuple[list[Event], list[Refused]]:
    step = recording.step
    events = [Event(limb, bool(c), float(t), step / 2, 0.5) for t, c in zip(times, contacts, strict=True)]
    return _in_order(events), _gaps(recording, limb, known)


def _in_order(events: list[Event]) -> list[Event]:
    """Sort by time and enforce alternation (of two equal events, the more confident one stays)."""
    kept: list[Event] = []
    for event in sorted(events, key=lambda event: event.time):
        if kept and kept[-1].contact == event.contact:
            if event.deviation < kept[-1].deviation:
                kept[-1] = event
        else:
            kept.append(event)
    return kept


def _gaps(recording: Recording, limb: int, known: np.ndarray) -> list[Refused]:
    """Return intervals in which no point of the limb is usable."""
    gaps = []
    for start, stop in _runs(~known):
        a, b = float(recording.grid[start]), float(recording.grid[stop - 1])
        inside = (recording.time >= a - 1e-9) & (recording.time <= b + 1e-9)
        there = any(np.isfinite(track.position[inside]).any() for track in recording.tracks[limb])
        reason = "low confidence" if there else "limb out of frame"
        if 2 * recording.elsewhere[inside].sum() > inside.sum():
            reason = "the animal jumps"
        gaps.append(Refused(limb, a, b, reason))
    return gaps


def _runs(flags: np.ndarray) -> list[tuple[int, int]]:
    """Return start and end (exclusive) of each run of True."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], flags.astype(int), [0]])))
    return list(zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True))
