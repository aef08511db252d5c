"""What a model predicts for a recording."""

from __future__ import annotations

import os
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from superanimal.behavior.bouts import bouts_of
from superanimal.behavior.classifiers.model import BehaviorModel
from superanimal.behavior.descriptors.blocks import feature_blocks
from superanimal.behavior.descriptors.recording import Recording, load_recording, open_poses
from superanimal.behavior.measures.regions import ARENA, Regions, read_regions, region_names
from superanimal.errors import InputError, option
from superanimal.poses import states_rate
from superanimal.progress import Progress


def predict(
    poses: xr.Dataset | str | os.PathLike[str],
    model: BehaviorModel,
    fps: float | None = None,
    *,
    regions: Regions | str | os.PathLike[str] | None = None,
    progress: Progress | None = None,
) -> pd.DataFrame:
    """Predict behaviour in each frame.

    Parameters
    ----------
    poses
        Pose data set or file.
    model
        From :func:`superanimal.behavior.train` or :func:`superanimal.behavior.load_model`.
    fps
        Frames per second, if the poses do not state it; else those of the model's training recordings.
    regions
        Arena and regions of the recording, or a file of them, for a model that was trained with them.

    Returns
    -------
    pandas.DataFrame
        One row for each frame, in order (and for each individual, if the training labels named who acts):
        ``frame``, ``time_s``, ``individual``, ``label``, ``raw_label`` (the likeliest class of the frame
        by itself), and a column of calibrated probabilities for each class. A model of several labels at once
        writes those that hold into ``label``, separated by ``; ``.

    Raises
    ------
    InputError
        When the poses cannot have the features of the model.

    Examples
    --------
    >>> table = superanimal.behavior.predict("mouse.h5", model)  # doctest: +SKIP
    >>> table["label"].value_counts()  # doctest: +SKIP
    """
    progress = progress or Progress()
    poses = open_poses(poses)
    rate = model.settings.fps if fps is None and not states_rate(poses) else fps
    recording = load_recording(poses, rate, regions_for(model, regions))
    if recording.space != model.space:
        raise InputError(
            f"the poses have {recording.space} coordinates", f"the model was trained on {model.space}"
        )
    model = model.for_keypoints(recording.keypoints, progress)
    if recording.keypoints != model.keypoints:
        recording = recording.only(model.keypoints)
    recording = recording.like(model.recordings[0])
    seen = [n for n, body in enumerate(recording.bodies) if body is not None]
    if model.social and len(seen) < 2:
        raise InputError(
            f"the poses show {len(seen)} animal", "the model was trained on the behaviour of several together"
        )
    if not model.social and len(seen) > 1 and not model.settings.actors:
        raise InputError(
            f"the poses show {len(seen)} animals", "the model was trained on recordings of one animal",
            "give the poses of one individual",
        )  # fmt: skip
    animals: list[int | None] = [*seen] if model.settings.actors else [None]
    progress.start(len(recording.time) * len(animals), "prediction")
    tables = [_predict_animal(recording, model, animal, progress) for animal in animals]
    if len(tables) == 1:
        return tables[0]
    table = pd.concat(tables, keys=range(len(tables)))
    return table.sort_index(level=1, kind="stable").reset_index(drop=True)


def regions_for(model: BehaviorModel, regions: Regions | str | os.PathLike[str] | None) -> Regions | None:
    """Return the regions whose distances are features of a model, of those that are given."""
    if not model.regions:
        return None
    given = read_regions(regions) if isinstance(regions, str | os.PathLike) else regions
    if absent := [name for name in model.regions if name not in region_names(given)]:
        raise InputError(
            f"the poses have no {', '.join(absent)}",
            f"the model measures distances to {', '.join(model.regions)}",
            f"give the regions of the recording{option('regions')}",
        )
    assert given is not None
    polygons = {name: given.polygons[name] for name in model.regions if name in given.polygons}
    return Regions(polygons, given.arena if ARENA in model.regions else None)


def _predict_animal(
    recording: Recording, model: BehaviorModel, animal: int | None, progress: Progress
) -> pd.DataFrame:
    looks: list[list[tuple[np.ndarray, np.ndarray]]] = [[] for _ in model.heads]
    for block in feature_blocks(recording, model.settings.preset, animal):
        progress.check()
        values = _in_order(block.names, block.values, model.features)
        for head, blocks in zip(model.heads, looks, strict=True):
            blocks.append(head.look(values))
        progress.advance(block.stop - block.start)
    _warn_unseen(recording, animal)
    columns: dict[str, Any] = {"frame": recording.frame, "time_s": recording.time}
    if animal is not None:
        columns["individual"] = recording.individuals[animal]
    single = [head.raw(blocks, recording.time) for head, blocks in zip(model.heads, looks, strict=True)]
    probability = [head.context.apply(p, recording.time) for head, p in zip(model.heads, single, strict=True)]
    codes = [
        head.codes(own, p, recording.time)
        for head, own, p in zip(model.heads, single, probability, strict=True)
    ]
    classes = model.classes
    if model.settings.multilabel:
        holds, alone = np.stack(codes, axis=1) > 0, np.stack([p[:, 1] > 0.5 for p in single], axis=1)
        columns["label"] = ["; ".join(c for c, h in zip(classes, row, strict=True) if h) for row in holds]
        columns["raw_label"] = ["; ".join(c for c, h in zip(classes, row, strict=True) if h) for row in alone]
        each = [p[:, 1] for p in probability]
    else:
        columns["label"] = np.array(classes, dtype=object)[codes[0]]
        columns["raw_label"] = np.array(classes, dtype=object)[single[0].argmax(axis=1)]
        each = list(probability[0].T)
    table = pd.DataFrame(columns | dict(zip(classes, each, strict=True)))
    table.attrs["step_s"] = recording.step
    return table


def _in_order(names: Sequence[str], values: np.ndarray, wanted: Sequence[str]) -> np.ndarray:
    """Return the wanted features (n, F) of a block.

    Raises
    ------
    InputError
        When one is not there.
    """
    if tuple(names) == tuple(wanted):
        return values.T
    at = {name: k for k, name in enumerate(names)}
    if absent := [name for name in wanted if name not in at]:
        shown = ", ".join(absent[:5]) + (", ..." if len(absent) > 5 else "")
        raise InputError(
            f"{len(absent)} of {len(wanted)} features of the model cannot be computed here: {shown}",
            "the frame rate and the animals must be like those it was trained on",
            "train a model on poses like these",
        )
    return values[[at[name] for name in wanted]].T


def _warn_unseen(recording: Recording, animal: int | None) -> None:
    """Warn of stretches of more than two seconds without any point of an animal that is needed."""
    for n in range(len(recording.individuals)) if animal is None else [animal]:
        there = np.isfinite(recording.position[:, 0, :, n]).any(axis=1)
        times = recording.time[there]
        edges = np.concatenate([[recording.time[0]], times, [recording.time[-1]]])
        gaps = np.diff(edges)
        long = np.flatnonzero(gaps > 2)
        if len(long):
            first = edges[long[0]]
            warnings.warn(
                f"{recording.individuals[n]} is not seen for {gaps[long].sum():.0f} s in {len(long)} "
                f"stretches, the first from {first:.1f} to {first + gaps[long[0]]:.1f} s; labels there "
                "follow from the frames around them and from the other animals",
                stacklevel=4,
            )


def bouts_of_predictions(table: pd.DataFrame) -> pd.DataFrame:
    """Return the bouts of predictions, a table of :mod:`superanimal.behavior.bouts`."""
    parts = []
    names = table["individual"].unique() if "individual" in table else [""]
    for name in names:
        own = table[table["individual"] == name] if "individual" in table else table
        held = [set(text.split("; ")) - {""} for text in own["label"]]
        labels = sorted(set().union(*held))
        frames = np.array([[label in each for label in labels] for each in held], dtype=bool)
        parts.append(bouts_of(frames.reshape(len(own), len(labels)), own["time_s"].to_numpy(), labels,
                              individual=str(name)))  # fmt: skip
    return pd.concat(parts, ignore_index=True)
