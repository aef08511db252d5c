"""Which images are trained on and which are held out: drawn once, kept in a file, looked at for leaks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from superanimal.errors import InputError
from superanimal.keypoints.duplicates import duplicate_groups, image_hashes
from superanimal.keypoints.labelled import LabelledSet
from superanimal.keypoints.splits import Leak, leakage, split_once
from superanimal.progress import Progress

TRAIN, HELD_OUT = "train", "test"
FEW_TRAINING = 10
"""With fewer labelled animals than this to train on, the result depends on which ones they were."""
FEW_HELD_OUT = 5
"""With fewer held-out frames than this, before and after cannot be told apart."""


@dataclass(frozen=True)
class HeldOut:
    """A data set in two.

    Attributes
    ----------
    train, test
        What is trained on, and what is not; None when nothing is held out.
    by
        What stayed together: ``video``, ``image``, ...; ``given`` when the held-out labels came apart.
    leaks
        Pictures, videos and animals that stand on both sides.
    """

    train: LabelledSet
    test: LabelledSet | None
    by: str
    leaks: tuple[Leak, ...] = ()

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
    """Say what makes figures of a division doubtful.

    Parameters
    ----------
    training, held_out
        Number of labelled animals trained on, and of held-out frames.
    leaks
        What stands on both sides.
    """
    warnings = []
    if training < FEW_TRAINING:
        warnings.append(f"only {training} labelled animals to train on: label at least {FEW_TRAINING}")
    if 0 < held_out < FEW_HELD_OUT:
        warnings.append(f"only {held_out} held-out frames: the figures are rough")
    pictures = [leak for leak in leaks if leak.kind == "image"]
    if pictures:
        warnings.append(f"the split leaks: {len(pictures)} pictures stand on both sides ({pictures[0].what})")
    elif any(leak.kind == "video" for leak in leaks):
        warnings.append(
            "training and held-out frames are of the same video: the model may do worse on another one"
        )
    return warnings


def hold_out(
    labelled: LabelledSet,
    held_out: float | LabelledSet,
    file: Path,
    *,
    by: str = "auto",
    seed: int = 0,
    progress: Progress | None = None,
) -> HeldOut:
    """Divide a data set, always in the same way.

    Images without a labelled point take no part. Copies of a picture stay together.

    Parameters
    ----------
    held_out
        Share of the images, 0 for none; or labels of their own.
    file
        Keeps the division.
    by
        What stays together, see :func:`superanimal.keypoints.splits.split_once`; ``auto`` takes videos when
        there are several, else images.

    Raises
    ------
    InputError
        When the share is wrong, the other labels have other keypoints, or nothing is left to train on.
    """
    marked = labelled.labelled.any(1)
    labelled = labelled.subset(np.unique(labelled.image_index[marked]))
    if isinstance(held_out, LabelledSet):
        if held_out.keypoints != labelled.keypoints:
            raise InputError(
                f"the held-out labels have the keypoints {', '.join(held_out.keypoints[:4])}, ...",
                f"those to train on have {', '.join(labelled.keypoints[:4])}, ...",
                "label both in the same keypoints",
            )
        return HeldOut(labelled, held_out, "given")
    if not 0 <= held_out < 1:
        raise InputError(f"held_out {held_out:g}", "a share of the images, from 0 to below 1")
    if not held_out:
        return HeldOut(labelled, None, "none")
    hashes = image_hashes(labelled, progress=progress)
    if by == "auto":
        by = "video" if len(set(labelled.video.tolist()) - {""}) > 1 else "image"
    shares = {TRAIN: 1 - held_out, HELD_OUT: held_out}
    whole = split_once(labelled, file, shares, by=by, seed=seed, same=duplicate_groups(hashes))
    train, test = (whole.subset(np.flatnonzero(whole.split == side)) for side in (TRAIN, HELD_OUT))
    if not len(train):
        raise InputError(f"{file}: no image is left to train on", remedy="hold out a smaller share")
    return HeldOut(train, test if len(test) else None, by, tuple(leakage(whole, hashes)))
