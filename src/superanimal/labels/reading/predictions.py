"""Model predictions in a file that is read as labels: recognised, and kept only on request."""

from __future__ import annotations

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from superanimal.errors import InputError, by_caller
from superanimal.labels.labelled_set import ABSENT, PER_ANIMAL, LabelledSet


def settle(
    labelled: LabelledSet, confidence: NDArray[np.floating], min_confidence: float | None
) -> LabelledSet:
    """Return the data set marked as predicted, or with sufficiently confident predictions as labels.

    Parameters
    ----------
    confidence
        Shape (M, K): 0..1 for predicted points, NaN for points set by a person.
    min_confidence
        Predicted points below it are dropped, and animals that lose all of theirs; None only marks the data
        set as ``predicted``.

    Raises
    ------
    InputError
        When ``min_confidence`` is not in 0..1.
    """
    if min_confidence is not None and not 0 <= min_confidence <= 1:
        raise InputError(f"min_confidence is {min_confidence}", "a confidence lies in 0..1")
    machine = np.isfinite(confidence) & labelled.labelled
    total = int(machine.sum())
    if not total:
        return labelled
    if min_confidence is None:
        note = f"{labelled.name}: {total} points are model predictions, not set by a person"
        return labelled.with_columns(predicted=True, notes=(*labelled.notes, note))
    low = machine & (confidence < min_confidence)
    note = (
        f"{labelled.name}: {total - int(low.sum())} of {total} predicted points with a confidence of at "
        f"least {min_confidence:g} count as labels; their confidence is not kept"
    )
    return _without(labelled, low, note)


def set_by_person(labelled: LabelledSet, confidence: NDArray[np.floating]) -> LabelledSet:
    """Return only the points set by a person, if there are any among predictions; else mark the data set.

    Parameters
    ----------
    confidence
        As for :func:`settle`.
    """
    machine = np.isfinite(confidence) & labelled.labelled
    total = int(machine.sum())
    if not total or not (labelled.labelled & ~machine).any():
        return settle(labelled, confidence, None)
    kept = int(labelled.labelled.sum()) - total
    note = f"{labelled.name}: labels are the points that a person set ({kept}); {total} predictions are not"
    return _without(labelled, machine, note)


def labels_only(labelled: LabelledSet, python: str = "read_labels(..., min_confidence=0.6)") -> LabelledSet:
    """Return the data set, but refuse predictions that were not requested as labels.

    Parameters
    ----------
    python
        Python code that requests them.

    Raises
    ------
    InputError
        When the data set holds such predictions.
    """
    if labelled.predicted:
        lowest = "give the minimum confidence for a prediction to count as a label"
        raise InputError(
            f"{labelled.name}: these are model predictions, not labels set by a person",
            "predictions become labels only on request",
            by_caller(
                f"{lowest} ({python})",
                f"{lowest} (--min-confidence)",
                "use labels set by a person, or a layer with corrected points: only corrected points count",
            ),
        )
    return labelled


def _without(labelled: LabelledSet, points: NDArray[np.bool_], note: str) -> LabelledSet:
    """Return the data set without the given points (M, K) and animals that lose all their points."""
    xy, visibility = labelled.xy.copy(), labelled.visibility.copy()
    xy[points], visibility[points] = np.nan, ABSENT
    kept = np.flatnonzero((visibility > 0).any(1) | ~points.any(1))
    settled = labelled.with_columns(xy=xy, visibility=visibility, notes=(*labelled.notes, note))
    return settled.with_columns(
        image_index=settled.image_index[kept], **{key: getattr(settled, key)[kept] for key in PER_ANIMAL}
    )


def predicted_confidence(labelled: LabelledSet, ds: xr.Dataset) -> NDArray[np.float32]:
    """Return the confidence (M, K) of the points of a pose data set; NaN for points set by a person.

    Parameters
    ----------
    labelled
        Made from ``ds`` by :func:`~superanimal.labels.labelled_set.from_poses`.
    """
    confidence = np.array(ds["confidence"].values, dtype=np.float32)  # (T, K, N)
    if "edited" in ds:
        confidence[ds["edited"].values] = np.nan
    place = {str(name): n for n, name in enumerate(ds["individual"].values)}
    n = np.array([place[name] for name in labelled.individuals.tolist()], dtype=np.int64)
    return np.asarray(confidence.transpose(0, 2, 1)[labelled.image_index, n])
