"""Features and codes of every labelled animal at the rate at which a classifier learns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from superanimal.behavior.descriptors.blocks import feature_blocks
from superanimal.behavior.descriptors.presets import Preset
from superanimal.behavior.descriptors.recording import Recording
from superanimal.errors import InputError
from superanimal.progress import Progress

ROWS = 40_000
"""Rows that are learnt from at most: frames in a row are nearly alike, so more of them teach little."""


@dataclass(frozen=True)
class Unit:
    """One animal of one recording, or all animals of it together.

    Attributes
    ----------
    recording
        Index of the recording.
    animal
        Index of the animal whose behaviour is meant; None for all.
    codes
        (T,) class of each frame, -1 where left out, or (T, L) bool for several labels at once.
    learnt
        (T,) False where a frame is left out of training and scoring.
    group
        What must not be in training and test at once, such as the animal or the video.
    """

    recording: int
    animal: int | None
    codes: np.ndarray
    learnt: np.ndarray
    group: str


@dataclass(frozen=True)
class Sampled:
    """A unit at the rate at which a classifier learns.

    Attributes
    ----------
    values
        (n, F) float32.
    codes, learnt, time
        (n,) or (n, L) as in :class:`Unit`, and seconds.
    group
        As in :class:`Unit`.
    """

    values: np.ndarray
    codes: np.ndarray
    learnt: np.ndarray
    time: np.ndarray
    group: str


def sample(
    recordings: Sequence[Recording], units: Sequence[Unit], preset: Preset, progress: Progress
) -> tuple[list[Sampled], tuple[str, ...]]:
    """Return the units at an even rate, at most 40,000 rows in all, and the names of the features.

    Features that a recording lacks are left out of all.
    """
    total = sum(len(recordings[unit.recording].time) for unit in units)
    stride = max(1, -(-total // ROWS))
    found: list[tuple[Unit, np.ndarray, np.ndarray, tuple[str, ...]]] = []
    progress.start(len(units), "features", "recordings")
    for unit in units:
        progress.check()
        recording = recordings[unit.recording]
        rows = np.arange(0, len(recording.time), stride)
        parts, names = [], tuple[str, ...]()
        for block in feature_blocks(recording, preset, unit.animal):
            own = rows[(rows >= block.start) & (rows < block.stop)] - block.start
            parts.append(block.values[:, own].T)
            names = block.names
        found.append((unit, rows, np.concatenate(parts), names))
        progress.advance()
    shared = [name for name in found[0][3] if all(name in set(names) for *_, names in found[1:])]
    if not shared:
        raise InputError("the recordings have no feature in common", "they need the same keypoints")
    out = []
    for unit, rows, values, names in found:
        if list(names) != shared:
            at = {name: k for k, name in enumerate(names)}
            values = values[:, [at[name] for name in shared]]
        time = recordings[unit.recording].time[rows]
        out.append(Sampled(values, unit.codes[rows], unit.learnt[rows], time, unit.group))
    return out, tuple(shared)
