"""Memory replay: predictions of the frozen model replace undefined labels.

Ye et al. 2024 (Nat. Commun. 15:5165), Fig. 1d and Methods: the pretrained model predicts every training image
once; slots that the labels define keep the label, undefined ones take the prediction where it is confident,
and stay undefined elsewhere. The answers are computed once and kept, so that the target does not drift with
the network.

Each labelled animal is predicted in its own box, so that every prediction belongs to its animal and no label
is lost to a wrong pairing of animals, as happens in DeepLabCut 3 when two boxes overlap too little.
"""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from superanimal.errors import InputError
from superanimal.files import atomic_write
from superanimal.inference.labelled_animals import predict_animals
from superanimal.inference.views import View
from superanimal.labels.duplicates import image_hashes
from superanimal.labels.labelled_set import UNDEFINED, VISIBLE, LabelledSet
from superanimal.poses import make_provenance
from superanimal.progress import Progress
from superanimal.training.data.samples import EXTENT_MARGIN

if TYPE_CHECKING:
    from superanimal.zoo import PoseModel

THRESHOLD = 0.7
"""Confidence from which a prediction counts: 0.7 in the paper for HRNet (0.8 in the names of its DLCRNet
runs; DeepLabCut 3 takes 0.1). Higher forgets more, lower repeats more of the model's mistakes; 1 is plain
fine-tuning."""


@dataclass(frozen=True)
class Memory:
    """Predictions of a frozen model for M labelled animals.

    Attributes
    ----------
    keypoints
        K names.
    xy
        (M, K, 2) float32, pixels of the image; NaN for an animal without a box.
    confidence
        (M, K) float32, 0..1; NaN where absent.
    provenance
        Model, hash of its weights, number of images.
    """

    keypoints: tuple[str, ...]
    xy: NDArray[np.float32]
    confidence: NDArray[np.float32]
    provenance: dict[str, Any]

    def save(self, file: Path) -> None:
        """Write the predictions as ``.npz``, for :func:`remember`; an up-to-date file is left unchanged."""
        if (known := _read(file, {})) is not None and known.provenance == self.provenance:
            return
        with atomic_write(file) as temporary:
            np.savez_compressed(
                temporary,
                xy=self.xy,
                confidence=self.confidence,
                keypoints=np.array(self.keypoints),
                provenance=np.array(json.dumps(self.provenance)),
            )


def remember(
    model: PoseModel,
    labelled: LabelledSet,
    file: Path | None = None,
    progress: Progress | None = None,
    views: Sequence[View] = (View(),),
) -> Memory:
    """Return the predictions of a model for every animal of a data set, from a file if it is up to date.

    Parameters
    ----------
    model
        The frozen model.
    labelled
        M animals; each is cropped by its box, else by the extent of its labelled keypoints.
    file
        File written by :meth:`Memory.save`; it is used if the model's weights, the images (their bytes), the
        boxes and the views are the same.
    views
        See :func:`superanimal.inference.labelled_animals.predict_animals`.

    Raises
    ------
    NotFoundError
        When an image is missing.
    """
    boxes = labelled.boxes_or_extent(EXTENT_MARGIN)
    progress = progress or Progress()
    digest = hashlib.sha256("".join(image_hashes(labelled, progress=progress)).encode())
    digest.update(labelled.image_index.tobytes() + boxes.tobytes())
    digest.update(repr(views).encode() if len(views) > 1 else b"")
    identity = {"model": model.entry.name, "weights": model.digest(), "data": digest.hexdigest()}
    if file is not None and (known := _read(file, identity)) is not None:
        return known
    xy, confidence = predict_animals(model, labelled, boxes, progress, views=views)
    record = make_provenance("remember", **identity, images=len(labelled), animals=labelled.n_individuals)
    return Memory(model.keypoints, xy, confidence, record)


def replay(labelled: LabelledSet, memory: Memory, threshold: float = THRESHOLD) -> LabelledSet:
    """Fill undefined keypoints with confident predictions.

    Parameters
    ----------
    labelled
        M animals in a keypoint space; only undefined keypoints (-1) may change.
    memory
        Predictions for the same M animals; keypoints unknown to the model stay undefined.
    threshold
        0..1; a prediction counts when its confidence is above it and it lies inside the image.

    Returns
    -------
    LabelledSet
        With visibility 2 for inserted predictions; a note gives their number.

    Raises
    ------
    InputError
        When the memory is of other animals, or the threshold is not in 0..1.
    """
    if not 0 <= threshold <= 1:
        raise InputError(f"threshold {threshold:g}", "a confidence lies in 0..1")
    if len(memory.xy) != labelled.n_individuals:
        raise InputError(
            f"predictions of {len(memory.xy)} animals for {labelled.n_individuals} labelled ones",
            "memory replay needs one prediction per labelled animal",
        )
    xy, visibility = labelled.xy.copy(), labelled.visibility.copy()
    undefined = filled = 0
    sizes = np.array([labelled.size(i) for i in range(len(labelled))], dtype=np.float32).reshape(-1, 2)
    limits = sizes[labelled.image_index] - 0.5
    for k, name in enumerate(labelled.keypoints):
        open_here = visibility[:, k] == UNDEFINED
        undefined += int(open_here.sum())
        if name not in memory.keypoints:
            continue
        there = memory.keypoints.index(name)
        points = memory.xy[:, there]
        with np.errstate(invalid="ignore"):
            inside = ((points > -0.5) & (points < limits)).all(-1)
            taken = open_here & inside & (memory.confidence[:, there] > threshold)
        xy[taken, k], visibility[taken, k] = points[taken], VISIBLE
        filled += int(taken.sum())
    note = f"memory replay: {filled} of {undefined} undefined keypoints filled (confidence > {threshold:g})"
    return labelled.with_columns(xy=xy, visibility=visibility, notes=(*labelled.notes, note))


def _read(file: Path, identity: dict[str, str]) -> Memory | None:
    """Return what a file holds when it is of the same model, images and boxes."""
    try:
        with np.load(file, allow_pickle=False) as stored:
            record = json.loads(str(stored["provenance"]))
            if any(record.get(key) != value for key, value in identity.items()):
                return None
            names = tuple(map(str, stored["keypoints"]))
            return Memory(names, stored["xy"], stored["confidence"], record)
    except (OSError, ValueError, KeyError, zipfile.BadZipFile):
        return None
