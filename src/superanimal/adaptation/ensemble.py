"""One set of poses from those of several models: what they agree on, smoothed over time.

After ensemble Kalman smoothing (Biderman et al. 2024, Nat. Methods 21:1316): where models that were trained
alike differ, each of them is unsure, whatever its confidence says. Here the median over the models is what is
measured, and their variance is how far a Kalman smoother may move it.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from superanimal.adaptation.smoothing import kalman_smoothed
from superanimal.errors import InputError
from superanimal.inference.views import AGREE
from superanimal.poses import require_pixels
from superanimal.poses.provenance import make_provenance, set_provenance

FLOOR = 1.0
"""Variance in square pixels of a point on which all models agree: labels are no better than that."""
SMALLEST = 10.0
"""Pixels an animal measures at least, to tell whether models agree."""
FAR = 1e6
"""Distance in pixels of an animal that is not there."""

Poses = xr.Dataset | str | os.PathLike[str]


def ensemble(poses: Iterable[Poses], *, smooth: bool = True) -> xr.Dataset:
    """Join what several models say about one video.

    Each point is the median over the models, and there where at least half of them see it. Its confidence is
    the mean of theirs times the share of the models that agree with it to a tenth of the animal's size.

    Parameters
    ----------
    poses
        At least two pose data sets or files with the same keypoints and frames: models trained with several
        seeds, on several splits, or of several kinds.
    smooth
        Also smooth over time: a point may move the further, the more the models differ there.

    Returns
    -------
    xarray.Dataset
        Pose data set with one more variable, ``spread`` (time, keypoint, individual): the standard deviation
        of the models in pixels along one axis; 0 where a single model sees the point.

    Raises
    ------
    InputError
        When there are fewer than two, keypoints or frames differ, or the poses are not in pixels.
    NotFoundError, FormatError
        When a file is missing or unreadable.

    Examples
    --------
    >>> from superanimal.poses import make_poses
    >>> seeds = [make_poses(np.full((9, 2, 1, 1), x), keypoints=["nose"]) for x in (5.0, 6.0, 30.0)]
    >>> joined = ensemble(seeds)
    >>> round(float(joined["position"][0, 0, 0, 0]), 1)
    6.0
    """
    models, names = _checked(list(poses))
    position = np.stack([each["position"].values for each in models]).astype(float)  # (V, T, 2, K, N)
    confidence = np.stack([each["confidence"].values for each in models]).astype(float)
    if position.shape[-1] > 1:
        _pair(position, confidence)
    seen = np.isfinite(position).all(2)
    there = 2 * seen.sum(0) >= len(models)
    position[~np.broadcast_to((seen & there)[:, :, None], position.shape)] = np.nan
    count = np.maximum((seen & there).sum(0), 1)
    middle = _median(position)
    away = np.nan_to_num(position - middle)
    variance = (away**2).sum((0, 2)) / (2 * np.maximum(count - 1, 1))
    size = _sizes(middle)
    near = seen & (np.linalg.norm(away, axis=2) <= AGREE * size)
    sure = np.where(np.isfinite(confidence), confidence, 0.0)
    level = np.where(near, sure, 0.0).sum(0) / np.maximum(near.sum(0), 1) * near.sum(0) / len(models)
    known = np.isfinite(confidence).any(0)
    first = models[0]
    dims = first["confidence"].dims
    joined = xr.Dataset(
        {
            "position": (first["position"].dims, middle.astype(np.float32)),
            "confidence": (dims, np.where(there & known, level, np.nan).astype(np.float32)),
            "spread": (dims, np.where(there, np.sqrt(variance), np.nan).astype(np.float32)),
        },
        coords=first.coords,
        attrs={**first.attrs, "source_software": "superanimal ensemble"},
    )
    if smooth:
        joined = kalman_smoothed(joined, variance + FLOOR)
    return set_provenance(joined, make_provenance("ensemble", models=names, smooth=smooth))


def _checked(given: Sequence[Poses]) -> tuple[list[xr.Dataset], list[str]]:
    """Return the poses, read where they are files, after checking that they belong together; and names."""
    from superanimal.formats import load_poses

    if len(given) < 2:
        raise InputError(
            f"{len(given)} set(s) of poses", "an ensemble joins at least two", "add poses of other models"
        )
    names = [
        os.fspath(each) if isinstance(each, (str, os.PathLike)) else str(each.attrs.get("source_file") or n)
        for n, each in enumerate(given)
    ]
    models = [load_poses(each) if isinstance(each, (str, os.PathLike)) else each for each in given]
    first = models[0]
    for name, each in zip(names, models, strict=True):
        require_pixels(each, "an ensemble")
        _same("keypoints", first["keypoint"].values, each["keypoint"].values, names[0], name)
        _same("frames", first["frame"].values, each["frame"].values, names[0], name)
        _same("individuals", first["individual"].values, each["individual"].values, names[0], name)
    return [each.transpose("time", "space", "keypoint", "individual", ...) for each in models], names


def _same(what: str, first: NDArray[Any], other: NDArray[Any], name: str, other_name: str) -> None:
    if not np.array_equal(first, other):
        raise InputError(
            f"{other_name} has {len(other)} {what} ({_few(other)}), {name} has {len(first)} ({_few(first)})",
            f"an ensemble joins poses with the same {what}",
            "analyse the same frames of the same video with models of the same kind",
        )


def _few(values: NDArray[Any]) -> str:
    return ", ".join(map(str, values[:3])) + (", ..." if len(values) > 3 else "")


def _pair(position: NDArray[np.float64], confidence: NDArray[np.float64]) -> None:
    """Put the animals of all models (V, T, 2, K, N) into the same places, frame by frame, in place."""
    for t in range(position.shape[1]):
        for v in range(1, len(position)):
            before = _median(position[:v, t])  # (2, K, N)
            apart = np.linalg.norm(before[..., :, None] - position[v, t][..., None, :], axis=0)  # (K, N, N)
            cost = np.where(np.isfinite(apart).any(0), _median(apart), FAR)
            _, chosen = linear_sum_assignment(cost)
            position[v, t], confidence[v, t] = position[v, t][..., chosen], confidence[v, t][..., chosen]


def _median(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the median over the first axis, NaN left out, NaN where there is nothing."""
    known = np.isfinite(values).any(0)
    middle: NDArray[np.float64] = np.nanmedian(np.where(known, values, 0.0), axis=0)
    return np.where(known, middle, np.nan)


def _sizes(position: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the sizes of animals (T, 1, N) of positions (T, 2, K, N): the diagonal of their extent.

    At least the usual one, so that an animal of which few points are seen has a size too.
    """
    known = np.isfinite(position).all(1, keepdims=True)
    high = np.where(known, position, -np.inf).max(2)  # (T, 2, N)
    low = np.where(known, position, np.inf).min(2)
    diagonal = np.linalg.norm(np.where(np.isfinite(high), high - low, np.nan), axis=1)  # (T, N)
    usual = float(np.nanmedian(diagonal)) if np.isfinite(diagonal).any() else 0.0
    return np.maximum(np.nan_to_num(diagonal), max(usual, SMALLEST))[:, None]
