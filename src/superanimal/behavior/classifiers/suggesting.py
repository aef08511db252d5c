"""Which bouts to label next: those of which a model is unsure, and which are unlike each other."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import xarray as xr

from superanimal.behavior.classifiers.model import BehaviorModel
from superanimal.behavior.classifiers.predicting import predict, regions_for
from superanimal.behavior.classifiers.sequences import Unit, sample
from superanimal.behavior.classifiers.training import Poses, recording_names
from superanimal.behavior.descriptors.presets import Preset
from superanimal.behavior.descriptors.recording import load_recording, open_poses
from superanimal.behavior.measures.regions import Regions
from superanimal.errors import InputError
from superanimal.poses import states_rate
from superanimal.progress import Progress

LARGEST = 3.0
"""Standard deviations at which features are cut off, so that no single one makes a bout unlike all others."""
STRANGE = 0.95
"""A bout is unlike the labelled ones if it is further from them than this share of them from each other."""


@dataclass(frozen=True)
class _Pieces:
    """Stretches of equal length of one animal.

    Attributes
    ----------
    start_s, end_s
        (n,) seconds.
    values
        (n, F) mean features.
    """

    start_s: np.ndarray
    end_s: np.ndarray
    values: np.ndarray


def suggest(
    poses: Sequence[Poses] | Poses,
    model: BehaviorModel,
    fps: float | None = None,
    *,
    count: int = 20,
    length_s: float = 3.0,
    regions: Regions | str | os.PathLike[str] | None = None,
    progress: Progress | None = None,
) -> pd.DataFrame:
    """Return the stretches of unlabelled recordings that would teach a model most, the best first.

    Each stretch is rated by how unsure the model is of it, times how unlike it is to the training recordings
    and to those chosen before it, so that not twenty copies of one doubtful moment are labelled.

    Parameters
    ----------
    poses
        Pose data sets or files without labels.
    model
        From :func:`superanimal.behavior.train` or :func:`superanimal.behavior.load_model`.
    fps
        Frames per second, if the poses do not state it; else those of the model's training recordings.
    count
        Number of stretches, at most.
    length_s
        Seconds that each lasts.
    regions
        Arena and regions, or a file of them, for a model that was trained with them.

    Returns
    -------
    pandas.DataFrame
        A bouts table (``start_s, end_s, label, individual``, the label being what the model takes it for)
        with ``recording``, ``uncertainty`` and ``novelty`` (0 to 1), and ``reason`` in words.

    Raises
    ------
    InputError
        When count or length are not above 0, or a recording cannot have the features of the model.

    Examples
    --------
    >>> superanimal.behavior.suggest(["new.h5"], model, count=10)  # doctest: +SKIP
    """
    if not (count >= 1 and np.isfinite(length_s) and length_s > 0):
        raise InputError(f"{count} stretches of {length_s} s", "both must be above 0")
    each = [poses] if isinstance(poses, xr.Dataset | str | os.PathLike) else list(poses)
    progress = progress or Progress()
    preset = Preset(model.settings.preset.name)
    known, names = sample(model.recordings, model.units, preset, progress)
    labelled = [
        _pieces(one.values[one.learnt], one.time[one.learnt], length_s).values
        for one in known
        if one.learnt.any()
    ]
    tables, values = [], []
    known_regions = regions_for(model, regions)
    for source, name in zip(each, recording_names(each), strict=True):
        progress.check()
        for table, own in _candidates(source, name, model, names, fps, length_s, known_regions, progress):
            tables.append(table)
            values.append(own)
    candidates = pd.concat(tables, ignore_index=True)
    near, strange = _distances_to(np.concatenate(labelled), np.concatenate(values))
    chosen, novelty = _choose(candidates["uncertainty"].to_numpy(), *near, count)
    out = candidates.iloc[chosen].assign(novelty=novelty)
    unlike = np.where(strange[chosen], "; unlike everything labelled so far", "")
    return out.assign(reason=out["reason"] + unlike).reset_index(drop=True)


def _candidates(
    source: Poses,
    name: str,
    model: BehaviorModel,
    names: Sequence[str],
    fps: float | None,
    length_s: float,
    regions: Regions | None,
    progress: Progress,
) -> list[tuple[pd.DataFrame, np.ndarray]]:
    """Return for each animal its stretches with what the model thinks of them, and their features (n, F)."""
    opened = open_poses(source)
    table = predict(opened, model, fps, regions=regions, progress=progress)
    rate = model.settings.fps if fps is None and not states_rate(opened) else fps
    recording = load_recording(opened, rate, regions)
    shared = [keypoint for keypoint in model.keypoints if keypoint in recording.keypoints]
    recording = recording.only(shared)
    out = []
    animals = table["individual"].unique() if "individual" in table else [""]
    for animal in animals:
        own = table[table["individual"] == animal] if animal else table
        at = recording.individuals.index(animal) if animal else None
        everything = np.ones(len(recording.time), bool)
        unit = Unit(0, at, np.zeros(len(recording.time), int), everything, name)
        found, has = sample([recording], [unit], Preset(model.settings.preset.name), progress)
        place = {feature: k for k, feature in enumerate(has)}
        values = np.full((len(found[0].time), len(names)), np.nan, np.float32)
        for k, feature in enumerate(names):
            if feature in place:
                values[:, k] = found[0].values[:, place[feature]]
        pieces = _pieces(values, found[0].time, length_s)
        out.append((_thought(own, pieces, model, name, str(animal)), pieces.values))
    return out


def _pieces(values: np.ndarray, time: np.ndarray, length_s: float) -> _Pieces:
    """Return consecutive stretches of rows (n, F); the last one may be shorter."""
    number = np.floor((time - time[0]) / length_s + 1e-9).astype(int)
    first = np.flatnonzero(np.diff(number, prepend=-1))
    count = np.diff(np.append(first, len(time)))[:, None]
    seen = np.isfinite(values)
    total = np.add.reduceat(np.where(seen, values, 0), first, axis=0)
    with np.errstate(invalid="ignore"):
        mean = total / np.where((here := np.add.reduceat(seen, first, axis=0)) > 0, here, np.nan)
    step = float(np.median(np.diff(time))) if len(time) > 1 else 0.0
    return _Pieces(time[first], time[first + count[:, 0] - 1] + step, mean)


def _thought(
    table: pd.DataFrame, pieces: _Pieces, model: BehaviorModel, name: str, animal: str
) -> pd.DataFrame:
    """Return what the model thinks of stretches of one animal, from its predictions."""
    classes = list(model.classes)
    time, probability = table["time_s"].to_numpy(), table[classes].to_numpy()
    rows = []
    for start, end in zip(pieces.start_s, pieces.end_s, strict=True):
        own = probability[(time >= start - 1e-9) & (time < end - 1e-9)]
        mean = own.mean(axis=0)
        order = np.argsort(-mean, kind="stable")
        if model.settings.multilabel:
            doubt = 1 - np.abs(2 * own - 1)
            most = int(doubt.mean(axis=0).argmax())
            uncertainty = float(doubt[:, most].mean())
            label = "; ".join(c for c, p in zip(classes, mean, strict=True) if p > 0.5) or "none"
            reason = f"{classes[most]} with a probability of {mean[most]:.2f}"
        else:
            two = np.sort(own, axis=1)[:, -2:]
            uncertainty = float(1 - (two[:, 1] - two[:, 0]).mean())
            label = classes[order[0]]
            reason = (
                f"{classes[order[0]]} ({mean[order[0]]:.2f}) or {classes[order[1]]} ({mean[order[1]]:.2f})"
            )
        rows.append((name, start, end, label, animal, uncertainty, reason))
    columns = ["recording", "start_s", "end_s", "label", "individual", "uncertainty", "reason"]
    return pd.DataFrame(rows, columns=columns)


def _distances_to(
    labelled: np.ndarray, candidates: np.ndarray
) -> tuple[tuple[np.ndarray, np.ndarray, float], np.ndarray]:
    """Compare candidates (n, F) with labelled stretches (m, F).

    Returns
    -------
    tuple
        Candidates in standard deviations (n, F), their distance to the nearest labelled one (n,), and the
        usual distance between labelled ones; and which candidates (n,) are unlike all labelled ones.
    """
    with np.errstate(invalid="ignore"):
        both = np.concatenate([labelled, candidates])
        seen = np.isfinite(both)
        count = np.maximum(seen.sum(axis=0), 1)
        middle = np.where(seen, both, 0).sum(axis=0) / count
        spread = np.sqrt((np.where(seen, both - middle, 0) ** 2).sum(axis=0) / count)

    def scaled(values: np.ndarray) -> np.ndarray:
        whole = np.where(np.isfinite(values), values - middle, 0) / np.where(spread > 0, spread, 1)
        return np.asarray(np.clip(whole, -LARGEST, LARGEST))

    known, new = scaled(labelled), scaled(candidates)
    among = np.sort(_apart(known, known), axis=1)[:, 1] if len(known) > 1 else np.ones(1)
    nearest = _apart(new, known).min(axis=1)
    usual = float(np.median(among)) or 1.0
    return (new, nearest, usual), nearest > np.quantile(among, STRANGE)


def _apart(one: np.ndarray, two: np.ndarray) -> np.ndarray:
    """Return distances (n, m) between rows."""
    square = (one**2).sum(axis=1)[:, None] + (two**2).sum(axis=1) - 2 * one @ two.T
    return np.asarray(np.sqrt(np.maximum(square, 0)))


def _choose(
    uncertainty: np.ndarray, values: np.ndarray, nearest: np.ndarray, usual: float, count: int
) -> tuple[list[int], list[float]]:
    """Return the best stretches, one after the other, and the novelty each had when it was chosen."""
    chosen, novelties = list[int](), list[float]()
    nearest = nearest.copy()
    for _ in range(min(count, len(values))):
        novelty = nearest / (nearest + usual)
        rating = uncertainty * novelty
        rating[chosen] = -1
        best = int(rating.argmax())
        chosen.append(best)
        novelties.append(float(novelty[best]))
        nearest = np.minimum(nearest, _apart(values, values[best : best + 1])[:, 0])
    return chosen, novelties
