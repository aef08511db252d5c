"""Measuring offsets on a few labelled images, and testing whether they help.

The offset of a pair is the robust mean of the displacement from prediction to label in the animal's own
frame. Its gain is measured on images not used to estimate it (cross-validation over images). A keypoint whose
gain may be due to chance keeps offset 0. Because that choice also uses labels, the total gain is measured
with the choice repeated inside every fold (nested cross-validation; Varma & Simon 2006).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any

import numpy as np
import xarray as xr

from superanimal.bootstrap import Interval, bootstrap
from superanimal.errors import InputError, OffsetsRefused, unknown_name
from superanimal.keypoints.matching.bias import centre, offset_intervals
from superanimal.keypoints.matching.match import MIN_CONFIDENCE
from superanimal.keypoints.matching.observed import Observed, observe
from superanimal.keypoints.matching.result import Matching
from superanimal.labels.labelled_set import LabelledSet
from superanimal.labels.usable import within_images
from superanimal.poses import KeypointSpace, get_provenance, make_provenance, space_for
from superanimal.poses.offsets import Offsets

LEAST_IMAGES = 5
"""Minimum number of images needed to show that a gain is real."""


def measure_offsets(
    labels: LabelledSet,
    predictions: xr.Dataset,
    table: Matching | Mapping[str, str],
    space: KeypointSpace | None = None,
    *,
    min_confidence: float = MIN_CONFIDENCE,
    folds: int = 10,
    samples: int = 1000,
    level: float = 0.95,
    seed: int = 0,
) -> Offsets:
    """Estimate the offset of each matched keypoint from labelled images.

    Parameters
    ----------
    labels
        I labelled images; ten are often sufficient.
    predictions
        Pose data set of I rows in the same order, as returned by
        :func:`superanimal.inference.labelled_images.predict_images`.
    table
        The model keypoint of each labelled keypoint, or a matching.
    space
        Keypoint space of the predictions; by default guessed from their names.
    min_confidence
        Minimum confidence of the predicted points used (0..1).
    folds
        Number of cross-validation folds, at most one per image.
    samples, level, seed
        Number of bootstrap draws over images, confidence level, and random seed of draws and folds.

    Raises
    ------
    OffsetsRefused
        When there are too few images, or the interval of the cross-validated gain includes 0.
    InputError
        When labels and predictions do not match, or the table names unknown keypoints.

    Examples
    --------
    >>> predictions = predict_images(labels, "mini_topviewmouse", boxes="labels")  # doctest: +SKIP
    >>> matching = match_predictions(labels, predictions)  # doctest: +SKIP
    >>> measure_offsets(labels, predictions, matching).save("offsets.json")  # doctest: +SKIP
    """
    if folds < 2:
        raise InputError(f"{folds} folds", "cross-validation needs at least 2")
    known = [str(name) for name in predictions["keypoint"].values]
    names = _names(table, labels, known)
    labels = within_images(labels)
    seen = observe(labels, predictions, space or space_for(known), min_confidence)
    user = np.array([labels.keypoints.index(name) for name in names])
    model = np.array([known.index(name) for name in names.values()])
    sample = _Sample(seen, seen.offsets(user, model))
    if len(sample.images) < LEAST_IMAGES:
        raise OffsetsRefused(
            f"only {len(sample.images)} images have a labelled and a predicted animal",
            f"fewer than {LEAST_IMAGES} cannot show that offsets help",
            "label more images",
        )
    draws: dict[str, Any] = {"samples": samples, "level": level, "seed": seed}
    every = np.ones(len(sample.images), dtype=bool)
    errors = sample.cross_validate(every, folds, seed, lambda part: _fit(sample, part, folds, draws)[0])
    total = sample.gain(errors, every, draws)
    if not (total["gain_px"].low > 0 and total["gain"].low > 0):
        raise OffsetsRefused(
            f"on images left out the mean error goes from {total['before_px'].value:.2f} to "
            f"{total['after_px'].value:.2f} px; a gain of {total['gain_px'].low:.2f} to "
            f"{total['gain_px'].high:.2f} px may be due to chance",
            f"offsets are created only if the {level:.0%} interval of their gain is above 0",
            "if model and labels define the same points, no offsets are needed; otherwise label more images",
        )
    offsets, single = _fit(sample, every, folds, draws)
    limits = offset_intervals(sample.offsets, seen.image, **draws)
    moved = offsets.any(-1)
    values = np.zeros((len(known), 2))
    intervals = np.full((len(known), 2, 2), np.nan)
    values[model] = offsets
    intervals[model[moved]] = np.stack([limits.low, limits.high], axis=1)[moved]
    record = get_provenance(predictions)
    return Offsets(
        shape=seen.shape,
        values=values,
        intervals=intervals,
        table=dict(names),
        model=str(record.get("model", "")),
        weights=str(record.get("weights", "")),
        facts={
            "labels": labels.name,
            "images": [labels.images[row].label for row in sample.images.tolist()],
            "animals": len(seen),
            "gain": _readable(total),
            "keypoints": {own: _readable(single, p) for p, own in enumerate(names)},
            "settings": {"min_confidence": min_confidence, "folds": folds, **draws},
            "provenance": make_provenance("measure_offsets", predictions=record),
        },
    )


def leave_out(labels: LabelledSet, offsets: Offsets) -> tuple[LabelledSet, list[str]]:
    """Return the labels without the images used to measure the offsets, and notes on what was left out.

    Images are compared by file name and folder, so that a copied project counts as the same.

    Raises
    ------
    InputError
        When no image is left.
    """
    used = {_tail(label) for label in offsets.facts.get("images", [])}
    keep = np.array([_tail(image.label) not in used for image in labels.images], dtype=bool)
    if not keep.any():
        raise InputError(
            f"all {len(labels)} labelled images were used to measure the offsets",
            "offsets must be evaluated on other images than those used to measure them",
            "label other images, or measure the offsets on a subset of these",
        )
    if keep.all():
        return labels, []
    return labels.subset(keep), [f"{(~keep).sum()} images used to measure the offsets are left out"]


def _tail(label: str) -> tuple[str, ...]:
    return PurePosixPath(label.replace("\\", "/")).parts[-2:]


class _Sample:
    """M observed animals on I images, and the offsets (M, P, 2) of their P pairs of keypoints.

    Offsets are in body lengths in the animal's own frame, so the error after the correction is the length of
    the remaining offset.
    """

    def __init__(self, seen: Observed, offsets: np.ndarray) -> None:
        self.offsets = offsets
        self.length = seen.frames.length[:, None]
        self.images, self.number = np.unique(seen.image, return_inverse=True)

    def cross_validate(
        self, images: np.ndarray, folds: int, seed: int, fit: Callable[[np.ndarray], np.ndarray]
    ) -> np.ndarray:
        """Return the error (M, P) in body lengths with offsets (P, 2) fitted to the other folds.

        Parameters
        ----------
        images : (I,) bool
            Images to use; animals of other images get NaN.
        fit
            Function that returns offsets for a mask (I,) of images.
        """
        chosen = np.random.default_rng(seed).permutation(np.flatnonzero(images))
        errors = np.full(self.offsets.shape[:2], np.nan)
        for fold in np.array_split(chosen, min(folds, len(chosen))):
            rest = images.copy()
            rest[fold] = False
            rows = np.isin(self.number, fold)
            errors[rows] = np.linalg.norm(self.offsets[rows] - fit(rest), axis=-1)
        return errors

    def gain(
        self, errors: np.ndarray, images: np.ndarray, draws: dict[str, Any], *, single: bool = False
    ) -> dict[str, Interval]:
        """Return mean errors before and after, and the gain, with confidence intervals over images.

        Parameters
        ----------
        errors : (M, P)
            Errors after the correction, in body lengths.
        images : (I,) bool
            Images to use.
        single
            One figure per pair (P,) instead of one overall.
        """
        before = np.linalg.norm(self.offsets, axis=-1)
        values = {
            "before_px": before * self.length,
            "after_px": errors * self.length,
            "gain_px": (before - errors) * self.length,
            "gain": before - errors,
        }
        known = np.isfinite(errors) & np.isfinite(before)
        counts = self._per_image(known.astype(float), single)
        sums = {name: self._per_image(np.where(known, value, 0), single) for name, value in values.items()}

        def statistic(drawn: np.ndarray) -> dict[str, np.ndarray]:
            total = np.asarray(drawn @ counts)
            total = np.where(total > 0, total, np.nan)
            return {name: (drawn @ own) / total for name, own in sums.items()}

        return bootstrap(statistic, self.images.astype(str).tolist(), members=images, **draws)

    def _per_image(self, values: np.ndarray, single: bool) -> np.ndarray:
        """Sum values (M, P) over the animals of each image: (I, P), or (I,) overall."""
        summed = np.zeros((len(self.images), values.shape[1]))
        np.add.at(summed, self.number, values)
        return summed if single else summed.sum(1)


def _fit(
    sample: _Sample, images: np.ndarray, folds: int, draws: dict[str, Any]
) -> tuple[np.ndarray, dict[str, Interval]]:
    """Return offsets (P, 2), 0 where the cross-validated gain may be chance, and the gain of each pair."""

    def fit(part: np.ndarray) -> np.ndarray:
        return np.nan_to_num(centre(sample.offsets[part[sample.number]]))

    errors = sample.cross_validate(images, folds, draws["seed"], fit)
    gain = sample.gain(errors, images, draws, single=True)
    real = gain["gain"].low > 0
    return np.where(real[:, None], fit(images), 0.0), gain


def _names(table: Matching | Mapping[str, str], labels: LabelledSet, known: Sequence[str]) -> dict[str, str]:
    """Return the model keypoint of each labelled keypoint, after checking them."""
    names = {pair.user: pair.model for pair in table.pairs} if isinstance(table, Matching) else dict(table)
    for user, model in names.items():
        if user not in labels.keypoints:
            raise unknown_name("labelled keypoint", user, labels.keypoints)
        if model not in known:
            raise unknown_name("predicted keypoint", model, known)
    if not names:
        raise InputError("no keypoint is matched", "offsets require matched keypoints")
    if len(set(names.values())) < len(names):
        raise InputError(
            "two labelled keypoints map to one of the model", "offsets require a one-to-one mapping"
        )
    return names


def _readable(figures: dict[str, Interval], *place: int) -> dict[str, list[float | None]]:
    """Return figures as [value, low, high] for JSON."""
    return {
        name: [
            float(number[place]) if np.isfinite(number[place]) else None
            for number in (interval.value, interval.low, interval.high)
        ]
        for name, interval in figures.items()
    }
