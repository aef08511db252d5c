"""The split into training and held-out images: drawn once, kept in a file, checked for leaks."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from superanimal.errors import InputError
from superanimal.labels.combine import concatenate
from superanimal.labels.duplicates import duplicate_groups, image_hashes
from superanimal.labels.labelled_set import LabelledSet
from superanimal.labels.splits import Leak, draw_split, leakage, split_once, units
from superanimal.labels.usable import usable
from superanimal.progress import Progress

TRAIN, HELD_OUT = "train", "test"
FEW_TRAINING = 10
"""With fewer labelled training animals, the result depends on the choice of animals."""
LEVEL = 0.99
"""Confidence level of a verdict: above the usual 0.95, because the held-out images also chose the weights."""
FEWEST_HELD_OUT = math.ceil(math.log2(2 / (1 - LEVEL)))
"""With fewer held-out images, no outcome is distinguishable from chance at :data:`LEVEL`: after a training
without effect, all of n images are better, or all worse, in 2 of 2**n cases."""
_UNITS = {"image": "different pictures", "video": "videos", "animal": "animals", "source": "sources"}


@dataclass(frozen=True)
class HeldOut:
    """A data set divided into a training and a held-out part.

    Attributes
    ----------
    train, test
        The training part and the held-out part; None if nothing is held out.
    by
        Unit of the split: ``video``, ``image``, ...; ``given`` if the held-out labels were given separately.
    leaks
        Pictures, videos and animals that are on both sides.
    notes
        What was left out of the data set, and why nothing could be held out, if so.
    pictures
        Shape (I,) of ``test``: index of each distinct picture; copies share it.
    keep
        Function that writes the split to its file.
    """

    train: LabelledSet
    test: LabelledSet | None
    by: str
    leaks: tuple[Leak, ...] = ()
    notes: tuple[str, ...] = ()
    pictures: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    keep: Callable[[], object] = field(default=lambda: None, repr=False, compare=False)

    @property
    def held_out(self) -> int:
        """Number of distinct held-out pictures."""
        return len(np.unique(self.pictures))

    def record(self) -> dict[str, Any]:
        """Return the facts as JSON values."""
        return {
            "by": self.by,
            "training_images": len(self.train),
            "training_animals": self.train.n_individuals,
            "held_out_images": 0 if self.test is None else len(self.test),
            "leaks": [str(leak) for leak in self.leaks],
        }


def split_warnings(training: int, held_out: int, leaks: Sequence[Leak] = ()) -> list[str]:
    """Return the reasons to distrust figures from a split.

    Parameters
    ----------
    training, held_out
        Number of labelled training animals, and of distinct held-out images.
    leaks
        Items on both sides.
    """
    warnings = []
    if training < FEW_TRAINING:
        warnings.append(f"only {training} labelled animals to train on: label at least {FEW_TRAINING}")
    if 0 < held_out < FEWEST_HELD_OUT:
        warnings.append(
            f"only {held_out} held-out images: a verdict needs at least {FEWEST_HELD_OUT}, "
            f"{FEWEST_HELD_OUT - held_out} more"
        )
    pictures = [leak for leak in leaks if leak.kind == "image"]
    if pictures:
        warnings.append(f"the split leaks: {len(pictures)} pictures are on both sides ({pictures[0].what})")
    elif any(leak.kind == "video" for leak in leaks):
        warnings.append(
            "training and held-out frames are from the same video: the model may be worse on other videos"
        )
    return warnings


def hold_out(
    labelled: LabelledSet,
    held_out: float | LabelledSet,
    file: Path | None = None,
    *,
    by: str = "auto",
    seed: int = 0,
    progress: Progress | None = None,
) -> HeldOut:
    """Divide a data set reproducibly into a training and a held-out part.

    Unusable labels are left out first, see :func:`superanimal.labels.usable.usable`. Images without a
    labelled point are ignored. Copies of a picture stay together. Nothing is written before
    :attr:`HeldOut.keep` is called.

    Parameters
    ----------
    held_out
        Fraction of the images, 0 for none; or a separate labelled set.
    file
        File that stores the split; None to preview how it would be drawn.
    by
        Unit of the split, see :func:`superanimal.labels.splits.split_once`; ``auto`` uses videos if there are
        several, else images.

    Raises
    ------
    InputError
        When the fraction is invalid, the held-out labels have other keypoints, no image has a label, or
        nothing is left to train on.
    NotFoundError
        When none of the images can be read.
    """
    if not isinstance(held_out, LabelledSet) and not 0 <= held_out < 1:
        raise InputError(f"held out {held_out:g}", "a fraction of the images, from 0 to below 1")
    labelled, notes = _with_labels(labelled, progress)
    if isinstance(held_out, LabelledSet):
        return _given(labelled, held_out, notes, progress)
    if not held_out:
        return HeldOut(labelled, None, "none", notes=notes)
    hashes = image_hashes(labelled, progress=progress)
    if by == "auto":
        by = "video" if len(set(labelled.video.tolist()) - {""}) > 1 else "image"
    options: dict[str, Any] = {"by": by, "seed": seed, "same": duplicate_groups(hashes)}

    def divide(write: bool) -> LabelledSet:
        if file is None:
            return labelled.with_columns(split=draw_split(labelled, _shares(held_out), **options))
        return split_once(labelled, file, _shares(held_out), write=write, **options)

    whole = divide(False)
    train, test = (whole.subset(np.flatnonzero(whole.split == side)) for side in (TRAIN, HELD_OUT))
    if not len(train):
        raise _nothing_to_train_on(labelled, held_out, options)
    if not len(test):
        notes = (*notes, _nothing_held_out(labelled, held_out, options))
    return HeldOut(
        train,
        test if len(test) else None,
        by,
        tuple(leakage(whole, hashes)),
        notes,
        _numbers([value for value, side in zip(hashes, whole.split, strict=True) if side == HELD_OUT]),
        lambda: divide(True),
    )


def _with_labels(labelled: LabelledSet, progress: Progress | None) -> tuple[LabelledSet, tuple[str, ...]]:
    """Return the usable images with a labelled point, and notes on what was left out."""
    before = len(labelled.notes)
    found = usable(labelled, progress)
    notes = found.notes[before:]
    images = np.unique(found.image_index[found.labelled.any(1)])
    if not len(images):
        raise InputError(
            "; ".join(
                [f"{labelled.name}: none of the {len(labelled)} images has a label to learn from", *notes]
            ),
            "a model learns from labelled keypoints",
            f"label some images first; {FEW_TRAINING} are a start",
        )
    return found.subset(images), notes


def _given(
    train: LabelledSet, test: LabelledSet, notes: tuple[str, ...], progress: Progress | None
) -> HeldOut:
    """Return a split whose held-out part is a separate data set."""
    if test.keypoints != train.keypoints:
        raise InputError(
            f"the held-out labels have the keypoints {', '.join(test.keypoints[:4])}, ...",
            f"those to train on have {', '.join(train.keypoints[:4])}, ...",
            "use the same keypoints for both",
        )
    test, more = _with_labels(test, progress)
    both = concatenate([train.with_columns(split=TRAIN), test.with_columns(split=HELD_OUT)])
    hashes = image_hashes(both, progress=progress)
    return HeldOut(
        train, test, "given", tuple(leakage(both, hashes)), (*notes, *more), _numbers(hashes[len(train) :])
    )


def _shares(held_out: float) -> dict[str, float]:
    return {TRAIN: 1 - held_out, HELD_OUT: held_out}


def _numbers(hashes: Sequence[str]) -> NDArray[np.int64]:
    return np.unique(np.array(hashes, dtype=str), return_inverse=True)[1].astype(np.int64)


def _divisible(labelled: LabelledSet, options: dict[str, Any]) -> list[float]:
    """Return the fractions, in tenths, that leave images on both sides."""
    tenths = [n / 10 for n in range(1, 10)]
    return [
        share
        for share in tenths
        if {TRAIN, HELD_OUT} == set(draw_split(labelled, _shares(share), **options).tolist())
    ]


def _units(labelled: LabelledSet, options: dict[str, Any]) -> str:
    """Describe the number of indivisible parts of a data set."""
    parts = len(np.unique(units(labelled, options["by"], options["same"])))
    images = f"{len(labelled)} image{'s' if len(labelled) > 1 else ''}"
    kind = _UNITS[options["by"]]
    return f"{images} ({parts} {kind if parts > 1 else kind.removesuffix('s')})"


def _remedy(labelled: LabelledSet, options: dict[str, Any], near: float) -> str:
    if shares := _divisible(labelled, options):
        return f"hold out {min(shares, key=lambda share: abs(share - near)):.0%} of them"
    if options["by"] != "image":
        return "hold out by image, or label more videos"
    return "label other frames, or hold out nothing (0)"


def _nothing_to_train_on(labelled: LabelledSet, held_out: float, options: dict[str, Any]) -> InputError:
    return InputError(
        f"holding out {held_out:.4g} of {_units(labelled, options)} leaves nothing to train on",
        "images that belong together are never split",
        _remedy(labelled, options, held_out),
    )


def _nothing_held_out(labelled: LabelledSet, held_out: float, options: dict[str, Any]) -> str:
    return (
        f"nothing could be held out: {held_out:.4g} of {_units(labelled, options)} is too little, and what "
        f"belongs together stays on one side; {_remedy(labelled, options, held_out)}"
    )
