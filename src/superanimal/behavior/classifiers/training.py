"""Training a classifier of behaviour from poses and a person's labels."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TypeAlias

import numpy as np
import pandas as pd
import xarray as xr

from superanimal.behavior.bouts import check_bouts, frames_of
from superanimal.behavior.classifiers.aligning import align_targets
from superanimal.behavior.classifiers.model import BehaviorModel, make_model
from superanimal.behavior.classifiers.sequences import Unit
from superanimal.behavior.classifiers.settings import Settings
from superanimal.behavior.classifiers.targets import (
    Labels,
    Targets,
    are_multilabel,
    codes_of,
    find_classes,
    read_targets,
)
from superanimal.behavior.descriptors.presets import Preset, get_preset
from superanimal.behavior.descriptors.recording import Recording, load_recording
from superanimal.behavior.measures.regions import Regions, region_names
from superanimal.errors import InputError
from superanimal.progress import Progress

Poses: TypeAlias = xr.Dataset | str | os.PathLike[str]
Places: TypeAlias = Regions | str | os.PathLike[str] | None


def train(
    poses: Sequence[Poses],
    labels: Sequence[Labels],
    stream: str | None = None,
    classes: Sequence[str] | None = None,
    fps: float | None = None,
    *,
    classifier: str = "ensemble",
    preset: str | Preset = "default",
    groups: Sequence[str] | None = None,
    leave_out: Sequence[pd.DataFrame | None] | None = None,
    regions: Places | Sequence[Places] = None,
    shortest_s: float = 0.0,
    gap_s: float = 0.0,
    align: bool = False,
    progress: Progress | None = None,
) -> BehaviorModel:
    """Train a classifier of behaviour.

    Parameters
    ----------
    poses
        Pose data sets or files, of two or three coordinates.
    labels
        For each of them a file of bouts (BORIS, SimBA, Caltech annotator, VIA, JABS, csv), a table
        of bouts (``start_s, end_s, label, individual, target``), or one label per frame (empty: none).
    stream
        Which of several streams of labels in the files.
    classes
        What to tell apart; all frames without these labels are left out of training and scoring, and only
        these are predicted. By default all labels, and ``other`` for frames in no bout.
    fps
        Frames per second, for poses that do not state it.
    classifier
        ``"ensemble"`` (the mean of gradient boosting, randomised trees and, from 5,000 labelled frames on, a
        network that looks along time), ``"boosting"`` (without it), ``"gradient-boosting"``, ``"forest"``,
        ``"mlp"``, ``"logistic"`` or ``"majority"``.
    preset
        The features: ``"default"`` or ``"paper"``.
    groups
        For each recording what must not be in training and test at once, such as its animal; by default
        every recording is by itself.
    leave_out
        For each recording a table of times (``start_s, end_s``) that are neither learnt from nor scored.
    regions
        Arena and regions, or a file of them: one for all recordings, or one for each. Distances to them are
        features then, and whoever predicts with the model gives them too.
    shortest_s, gap_s
        Predicted bouts shorter than this are given to a neighbour; gaps up to this are filled.
    align
        Move the labels of each recording by their constant offset from the motion where that is certain, see
        :func:`superanimal.behavior.align`. Otherwise ``notes`` say what the offsets are.

    Returns
    -------
    BehaviorModel
        With scores out of fold in ``scores`` and ``by_group``, and ``notes`` that state what limits it.

    Raises
    ------
    InputError
        When numbers of poses and labels differ, a class never occurs, or no frame rate is known.

    Examples
    --------
    >>> model = superanimal.behavior.train(["a.h5", "b.h5"], ["a.csv", "b.csv"], fps=30)  # doctest: +SKIP
    >>> print(model)  # doctest: +SKIP
    >>> model.save("rearing")  # doctest: +SKIP
    """
    if isinstance(poses, xr.Dataset | str | os.PathLike):
        raise InputError(
            "poses is one recording", "give lists of poses and of labels", "write [poses], [labels]"
        )
    if len(poses) != len(labels) or not len(poses):
        raise InputError(f"{len(poses)} poses and {len(labels)} labels", "each recording has its labels")
    for name, given in (("groups", groups), ("leave_out", leave_out)):
        if given is not None and len(given) != len(poses):
            raise InputError(f"{len(given)} {name} for {len(poses)} recordings", "each recording has its own")
    names = recording_names(poses)
    places = _places_of(regions, len(poses))
    recordings = [load_recording(source, fps, own) for source, own in zip(poses, places, strict=True)]
    _check_places(recordings, names)
    recordings = _with_shared_keypoints(recordings, names)
    targets = [
        read_targets(own, recording, stream, name)
        for own, recording, name in zip(labels, recordings, names, strict=True)
    ]
    targets, offsets = align_targets(targets, recordings, names, move=align)
    learnt_classes = find_classes(targets, recordings, classes)
    multilabel = are_multilabel(targets, recordings, learnt_classes)
    actors = any(each.has_actors for each in targets)
    _check_animals(recordings, names, actors)
    settings = Settings(
        tuple(learnt_classes), multilabel, actors, classifier, get_preset(preset),
        1 / float(np.median([recording.step for recording in recordings])), shortest_s, gap_s,
    )  # fmt: skip
    units = []
    for k, (recording, own) in enumerate(zip(recordings, targets, strict=True)):
        group = str(groups[k]) if groups is not None else names[k]
        out = _left_out(leave_out[k] if leave_out is not None else None, recording)
        units += _units(k, recording, own, settings, group, out, only_named=classes is not None)
    model = make_model(recordings, units, settings, progress)
    model.notes[:0] = offsets
    return model


def _places_of(regions: Places | Sequence[Places], count: int) -> list[Places]:
    """Return the regions of each recording."""
    if regions is None or isinstance(regions, Regions | str | os.PathLike):
        return [regions] * count
    if len(regions) == 1:
        return list(regions) * count
    if len(regions) != count:
        raise InputError(
            f"{len(regions)} regions for {count} recordings", "give one for all, or one for each recording"
        )
    return list(regions)


def _check_places(recordings: Sequence[Recording], names: Sequence[str]) -> None:
    has = [region_names(recording.regions) for recording in recordings]
    if len(set(has)) > 1:
        other = next(k for k, each in enumerate(has) if each != has[0])
        said = [f"{names[k]} has {', '.join(has[k]) or 'no arena and no regions'}" for k in (0, other)]
        raise InputError("; ".join(said), "distances to them are features, so all recordings have the same")


def recording_names(poses: Sequence[Poses]) -> list[str]:
    """Return a distinct name of each recording."""
    names = [
        Path(str(each.attrs.get("source_file", "") if isinstance(each, xr.Dataset) else each)).name
        or f"recording {k}"
        for k, each in enumerate(poses)
    ]
    return [name if names.count(name) == 1 else f"{name} ({k})" for k, name in enumerate(names)]


def _with_shared_keypoints(recordings: list[Recording], names: Sequence[str]) -> list[Recording]:
    spaces = {recording.space for recording in recordings}
    if len(spaces) > 1:
        raise InputError("some recordings have two coordinates, others three", "all must have the same")
    shared = [
        name
        for name in recordings[0].keypoints
        if all(name in recording.keypoints for recording in recordings)
    ]
    if not shared:
        raise InputError(
            f"{names[0]} has the keypoints {', '.join(recordings[0].keypoints)}",
            "all recordings need keypoints in common",
        )
    alike = [r if r.keypoints == tuple(shared) else r.only(shared) for r in recordings]
    return [recording.like(alike[0]) for recording in alike]


def _check_animals(recordings: Sequence[Recording], names: Sequence[str], actors: bool) -> None:
    counts = [sum(body is not None for body in recording.bodies) for recording in recordings]
    if not actors and min(counts) == 1 < max(counts):
        raise InputError(
            f"{names[counts.index(1)]} shows one animal, {names[counts.index(max(counts))]} {max(counts)}",
            "without actors in the labels, recordings of one animal and of several cannot be mixed",
            "name the individual in each label",
        )


def _left_out(times: pd.DataFrame | None, recording: Recording) -> np.ndarray:
    if times is None or not len(times):
        return np.zeros(len(recording.time), dtype=bool)
    table = check_bouts(times.assign(label="left out"))
    return frames_of(table, recording.time, ["left out"])[:, 0]


def _units(
    index: int, recording: Recording, targets: Targets, settings: Settings, group: str, out: np.ndarray, *,
    only_named: bool,
) -> list[Unit]:  # fmt: skip
    animals: list[int | None] = [None]
    if settings.actors:
        animals = [n for n, body in enumerate(recording.bodies) if body is not None]
    units = []
    for animal in animals:
        name = "" if animal is None else recording.individuals[animal]
        codes = codes_of(targets, recording, name, settings.classes, multilabel=settings.multilabel)
        learnt: np.ndarray = np.ones(len(codes), dtype=bool)
        if codes.ndim == 1:
            learnt = np.asarray(codes >= 0)
        elif only_named:
            learnt = np.asarray(codes.any(axis=1))
        units.append(Unit(index, animal, codes, learnt & ~out, group))
    return units
