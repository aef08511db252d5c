"""Concatenating labelled data sets."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from superanimal.errors import InputError
from superanimal.labels.labelled_set import PER_ANIMAL, PER_IMAGE, UNDEFINED, LabelledSet


def reorder(labelled: LabelledSet, keypoints: Sequence[str]) -> LabelledSet:
    """Return the data set with the given keypoints; those it lacks become undefined.

    Parameters
    ----------
    keypoints
        New names in order; must include every keypoint of the data set.
    """
    if tuple(keypoints) == labelled.keypoints:
        return labelled
    if missing := [name for name in labelled.keypoints if name not in keypoints]:
        raise InputError(
            f"{labelled.name}: keypoints {missing} would be lost", "the new list must include them all"
        )
    place = [list(keypoints).index(name) for name in labelled.keypoints]
    xy = np.full((labelled.n_individuals, len(keypoints), 2), np.nan, dtype=np.float32)
    visibility = np.full(xy.shape[:2], UNDEFINED, dtype=np.int8)
    xy[:, place], visibility[:, place] = labelled.xy, labelled.visibility
    return labelled.with_columns(keypoints=tuple(keypoints), xy=xy, visibility=visibility)


def select(labelled: LabelledSet, keypoints: Sequence[str]) -> LabelledSet:
    """Return the data set with only some of its keypoints, in the order given; images and animals stay."""
    place = [labelled.keypoints.index(name) for name in keypoints]
    return labelled.with_columns(
        keypoints=tuple(keypoints), xy=labelled.xy[:, place], visibility=labelled.visibility[:, place]
    )


def concatenate(
    parts: Sequence[LabelledSet], *, keypoints: Sequence[str] | None = None, name: str = ""
) -> LabelledSet:
    """Return one data set with the images and animals of all parts, in order.

    Parameters
    ----------
    keypoints
        Names of the result; by default those of all parts in order of appearance. A keypoint that a part
        lacks is undefined (-1) for its animals.

    Examples
    --------
    >>> from superanimal.labels import synthetic_labels
    >>> parts = [synthetic_labels("one", 2, size=(64, 64)), synthetic_labels("two", 3, size=(64, 64))]
    >>> len(concatenate(parts, name="both"))
    5
    """
    if not parts:
        raise InputError("no data set to combine", "at least one is needed")
    if keypoints is None:
        keypoints = list(dict.fromkeys(k for part in parts for k in part.keypoints))
    parts = [reorder(part, keypoints) for part in parts]
    starts = np.cumsum([0, *(len(part) for part in parts[:-1])])
    return LabelledSet(
        name=name or parts[0].name,
        keypoints=tuple(keypoints),
        images=[image for part in parts for image in part.images],
        image_index=np.concatenate([p.image_index + s for p, s in zip(parts, starts, strict=True)]),
        notes=tuple(dict.fromkeys(note for part in parts for note in part.notes)),
        edges=tuple(dict.fromkeys(edge for part in parts for edge in part.edges)),
        predicted=any(part.predicted for part in parts),
        **{key: np.concatenate([getattr(p, key) for p in parts]) for key in (*PER_ANIMAL, *PER_IMAGE)},
    )
