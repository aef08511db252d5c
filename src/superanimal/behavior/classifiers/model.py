"""A trained classifier of behaviour: what it needs, what it predicts, and how good it was out of fold."""

from __future__ import annotations

import os
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from superanimal.behavior.bouts import bouts_of
from superanimal.behavior.classifiers.head import Head
from superanimal.behavior.descriptors.blocks import feature_blocks
from superanimal.behavior.descriptors.presets import Preset
from superanimal.behavior.descriptors.recording import Recording, load_recording
from superanimal.errors import InputError
from superanimal.progress import Progress

LEAST_SHARED = 2
"""Keypoints that a model and poses must have in common."""


@dataclass(frozen=True)
class Settings:
    """How a classifier is trained.

    Attributes
    ----------
    classes
        Names, in the order of codes and probabilities.
    multilabel
        Whether several labels may hold at once.
    actors
        Whether labels say which animal does it.
    estimator
        Name in :data:`superanimal.behavior.classifiers.estimators.ESTIMATORS`.
    preset
        The features.
    fps
        Frames per second of the training recordings.
    shortest_s, gap_s
        See :class:`superanimal.behavior.classifiers.smoothing.Decision`.
    """

    classes: tuple[str, ...]
    multilabel: bool
    actors: bool
    estimator: str
    preset: Preset
    fps: float
    shortest_s: float = 0.0
    gap_s: float = 0.0


@dataclass
class BehaviorModel:
    """A trained classifier of behaviour; made by :func:`superanimal.behavior.train`.

    Attributes
    ----------
    settings
        How it was trained.
    keypoints
        Canonical names of the keypoints it was trained on.
    space
        2 or 3 coordinates.
    social
        Whether the training recordings have several animals.
    features
        Names of its F features, in order.
    heads
        One, or one for each label that may hold with others.
    scores
        Table of F1 out of fold, one row for each class.
    by_group
        Table of macro F1 of each recording (or other group) when it was left out.
    notes
        What limits it, in sentences.
    recordings, units
        What it was trained on, so that it can be fitted again for fewer keypoints.
    """

    settings: Settings
    keypoints: tuple[str, ...]
    space: int
    social: bool
    features: tuple[str, ...]
    heads: tuple[Head, ...]
    scores: pd.DataFrame
    by_group: pd.DataFrame
    notes: list[str]
    recordings: list[Recording]
    units: list[Any]
    _fitted_again: dict[tuple[str, ...], BehaviorModel] = field(default_factory=dict, repr=False)

    @property
    def classes(self) -> tuple[str, ...]:
        """The classes it tells apart."""
        return self.settings.classes

    @property
    def macro_f1(self) -> float:
        """Mean F1 of the classes, out of fold."""
        return float(self.scores["f1"].mean())

    def __str__(self) -> str:
        rows = "\n".join(f"  {row['label']}: F1 {row['f1']:.2f}, {row['frames']} frames"
                         for _, row in self.scores.iterrows())  # fmt: skip
        head = f"behaviour model, {len(self.features)} features, macro F1 {self.macro_f1:.2f} out of fold"
        return f"{head}\n{rows}"

    def save(self, folder: str | os.PathLike[str]) -> Path:
        """Write the model into a new folder, see :func:`superanimal.behavior.load_model`."""
        from superanimal.behavior.classifiers.saving import save_model

        return save_model(self, Path(folder))

    def for_keypoints(self, names: Sequence[str], progress: Progress | None = None) -> BehaviorModel:
        """Return the model for poses with these keypoints.

        The same one if they hold all of its own. Otherwise it is fitted again to its training recordings
        with the keypoints that both have, with a warning.

        Raises
        ------
        InputError
            When fewer than two keypoints are shared.
        """
        shared = tuple(name for name in self.keypoints if name in names)
        if shared == self.keypoints:
            return self
        if len(shared) < LEAST_SHARED:
            raise InputError(
                f"the poses have the keypoints {', '.join(names)}",
                f"the model was trained on {', '.join(self.keypoints)}; "
                f"at least {LEAST_SHARED} must be shared",
                "rename the keypoints of the poses, or train a model on such poses",
            )
        if shared not in self._fitted_again:
            from superanimal.behavior.classifiers.fitting import fit_model

            absent = [name for name in self.keypoints if name not in shared]
            warnings.warn(
                f"the poses lack {', '.join(absent)}; the model is fitted again with the {len(shared)} "
                f"keypoints that it shares with them",
                stacklevel=3,
            )
            reduced = [recording.only(shared) for recording in self.recordings]
            self._fitted_again[shared] = fit_model(reduced, self.units, self.settings, progress)
        return self._fitted_again[shared]


def predict(
    poses: xr.Dataset | str | os.PathLike[str],
    model: BehaviorModel,
    fps: float | None = None,
    *,
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
    recording = load_recording(poses, _rate(poses, model, fps))
    if recording.space != model.space:
        raise InputError(
            f"the poses have {recording.space} coordinates", f"the model was trained on {model.space}"
        )
    model = model.for_keypoints(recording.keypoints, progress)
    if recording.keypoints != model.keypoints:
        recording = recording.only(model.keypoints)
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


def _rate(
    poses: xr.Dataset | str | os.PathLike[str], model: BehaviorModel, fps: float | None
) -> float | None:
    if fps is not None:
        return fps
    if not isinstance(poses, xr.Dataset):
        from superanimal.formats import load_poses

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            poses = load_poses(poses, space=3)
    stated = poses.attrs.get("time_unit") == "seconds" or poses.attrs.get("fps")
    return None if stated else model.settings.fps


def _predict_animal(
    recording: Recording, model: BehaviorModel, animal: int | None, progress: Progress
) -> pd.DataFrame:
    raw: list[list[np.ndarray]] = [[] for _ in model.heads]
    for block in feature_blocks(recording, model.settings.preset, animal):
        progress.check()
        values = _in_order(block.names, block.values, model.features)
        for head, parts in zip(model.heads, raw, strict=True):
            parts.append(head.raw(values))
        progress.advance(block.stop - block.start)
    _warn_unseen(recording, animal)
    columns: dict[str, Any] = {"frame": recording.frame, "time_s": recording.time}
    if animal is not None:
        columns["individual"] = recording.individuals[animal]
    single = [np.concatenate(parts) for parts in raw]
    probability = [head.context.apply(p, recording.time) for head, p in zip(model.heads, single, strict=True)]
    codes = [head.decision.codes(p, recording.time) for head, p in zip(model.heads, probability, strict=True)]
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
