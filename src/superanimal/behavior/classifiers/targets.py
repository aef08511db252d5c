"""What a classifier is to learn: one class, or several labels, for each frame and animal."""

from __future__ import annotations

import os
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import numpy as np
import pandas as pd

from superanimal.behavior.bouts import check_bouts, frames_of, labels_of, of_animal, within
from superanimal.behavior.descriptors.recording import Recording
from superanimal.errors import InputError, option, unknown_name

Labels: TypeAlias = pd.DataFrame | Sequence[str] | np.ndarray | str | os.PathLike[str]
"""A file of bouts, a table of bouts, or one label per frame."""

OTHER = "other"
"""Class of frames in which no bout holds, where no classes are named."""
UNLABELLED = -1


@dataclass(frozen=True)
class Targets:
    """Labels of one recording.

    Attributes
    ----------
    bouts
        Its bouts table; None where one label per frame is given.
    frames
        (T,) one label per frame, empty where there is none; None with a table.
    """

    bouts: pd.DataFrame | None
    frames: np.ndarray | None

    @property
    def labels(self) -> list[str]:
        """All labels that occur, sorted."""
        if self.bouts is not None:
            return labels_of(self.bouts)
        assert self.frames is not None
        return sorted(set(self.frames.tolist()) - {""})

    @property
    def has_actors(self) -> bool:
        """Whether a label says who does it."""
        return self.bouts is not None and bool((self.bouts["individual"] != "").any())


def read_targets(labels: Labels, recording: Recording, stream: str | None, source: str = "") -> Targets:
    """Return the labels of a recording.

    Parameters
    ----------
    labels
        See :data:`Labels`.
    stream
        Which of several streams, such as ``"S1"`` of a Caltech annotator file.
    source
        Name of the recording, for messages.

    Raises
    ------
    InputError
        When a table breaks a rule, an individual is unknown, or several streams are there and none is chosen.
    """
    at = f"{source}: " if source else ""
    if isinstance(labels, str | os.PathLike):
        path = Path(labels)
        from superanimal.behavior.annotations import read_annotations

        source = source or path.name
        bouts = read_annotations(path, fps=1 / recording.step)
        return _of_bouts(bouts, recording, stream, f"{path.name}: ")
    if isinstance(labels, pd.DataFrame):
        return _of_bouts(check_bouts(labels), recording, stream, at)
    values = np.asarray(labels, dtype=object).ravel()
    frames = np.array(["" if _absent(value) else str(value).strip() for value in values], dtype=object)
    n = len(recording.time)
    if len(frames) > n:
        warnings.warn(
            f"{at}{len(frames)} labels for {n} frames; those after the last frame are left out", stacklevel=3
        )
        frames = frames[:n]
    elif len(frames) < n:
        warnings.warn(
            f"{at}{len(frames)} labels for {n} frames; the frames after them are not learnt from",
            stacklevel=3,
        )
        frames = np.concatenate([frames, np.full(n - len(frames), "", dtype=object)])
    if not (frames != "").any():
        raise InputError(f"{at}no frame has a label", "there must be something to learn from")
    return Targets(None, frames)


def _absent(value: object) -> bool:
    return value is None or (isinstance(value, float) and np.isnan(value))


def _of_bouts(bouts: pd.DataFrame, recording: Recording, stream: str | None, at: str) -> Targets:
    streams = [name for name in bouts["stream"].unique() if name]
    if stream is not None:
        if stream not in streams:
            raise unknown_name(f"stream in {at.rstrip(': ') or 'the labels'}", stream, streams)
        bouts = bouts[bouts["stream"] == stream]
    elif len(streams) > 1:
        raise InputError(
            f"{at}the labels have the streams {', '.join(streams)}",
            "one classifier learns one stream",
            f"choose one of them{option('stream', repr(streams[0]))}",
        )
    if not len(bouts):
        raise InputError(f"{at}the labels hold no bout", "there must be something to learn from")
    named = set(bouts["individual"]) | set(bouts["target"])
    if absent := sorted(named - {"", *recording.individuals}):
        raise InputError(
            f"{at}the labels name {', '.join(absent)}",
            f"the animals of the poses are {', '.join(recording.individuals)}",
            "rename them in the labels or in the poses",
        )
    bouts = within(bouts, float(recording.time[-1] + recording.step))
    return Targets(bouts.reset_index(drop=True), None)


def are_multilabel(
    all_targets: Sequence[Targets], recordings: Sequence[Recording], classes: list[str]
) -> bool:
    """Return whether two of the classes ever hold in one frame of one animal."""
    for targets, recording in zip(all_targets, recordings, strict=True):
        if targets.bouts is None:
            continue
        for animal in recording.individuals if targets.has_actors else ("",):
            if (frames_of(_of(targets.bouts, animal), recording.time, classes).sum(axis=1) > 1).any():
                return True
    return False


def codes_of(
    targets: Targets, recording: Recording, animal: str, classes: Sequence[str], *, multilabel: bool
) -> np.ndarray:
    """Return what to learn for one animal (or, with ``""``, for all).

    Returns
    -------
    np.ndarray
        (T,) index of the class, -1 where the frame is left out; or (T, L) bool for several labels at once.
    """
    n = len(recording.time)
    if targets.bouts is None:
        assert targets.frames is not None
        index = {label: k for k, label in enumerate(classes)}
        codes = np.array([index.get(label, UNLABELLED) for label in targets.frames])
        return codes if not multilabel else np.stack([codes == k for k in range(len(classes))], axis=1)
    holds = frames_of(_of(targets.bouts, animal), recording.time, list(classes))
    if multilabel:
        return holds
    codes = np.where(holds.any(axis=1), holds.argmax(axis=1), UNLABELLED)
    if OTHER in classes and OTHER not in targets.labels:
        named = frames_of(_of(targets.bouts, animal), recording.time).any(axis=1)
        codes[~named] = list(classes).index(OTHER)
    assert len(codes) == n
    return codes


def _of(bouts: pd.DataFrame, animal: str) -> pd.DataFrame:
    return of_animal(bouts, animal) if animal else bouts


def find_classes(
    all_targets: Sequence[Targets], recordings: Sequence[Recording], classes: Sequence[str] | None
) -> list[str]:
    """Return the classes to learn; sorted and with ``other`` for frames in no bout, if none are named.

    Raises
    ------
    InputError
        When a named class never occurs, or fewer than two remain.
    """
    found = sorted({label for targets in all_targets for label in targets.labels})
    if classes is not None:
        wanted = [str(label) for label in classes]
        if repeated := sorted({label for label in wanted if wanted.count(label) > 1}):
            raise InputError(f"the classes {repeated} are named twice", "each class is named once")
        for label in wanted:
            if label not in found:
                raise unknown_name("class", label, found)
        found = wanted
    elif any(
        targets.bouts is not None and _has_gaps(targets, recording)
        for targets, recording in zip(all_targets, recordings, strict=True)
    ):
        found = sorted({*found, OTHER})
    if reserved := sorted(set(found) & set(RESERVED)):
        raise InputError(
            f"a class is called {reserved[0]!r}", "this is the name of a column of the predictions"
        )
    if len(found) < 2:
        raise InputError(
            f"the only class is {', '.join(found)}", "a classifier tells at least two classes apart",
            "name another one, or leave some frames without a label",
        )  # fmt: skip
    return found


RESERVED = ("frame", "time_s", "individual", "label", "raw_label")


def _has_gaps(targets: Targets, recording: Recording) -> bool:
    assert targets.bouts is not None
    animals = recording.individuals if targets.has_actors else ("",)
    return any(not frames_of(_of(targets.bouts, a), recording.time).any(axis=1).all() for a in animals)
