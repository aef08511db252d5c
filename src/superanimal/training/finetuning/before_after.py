"""Comparing both models on the same crops of held-out images: predictions, figures, forgetting, verdict.

Only the pose network is trained, so only it is evaluated: each held-out animal is cropped by its own box, and
an animal missed by the detector counts the same before and after. ``superanimal evaluate`` evaluates the
whole pipeline.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import xarray as xr

from superanimal.evaluation.evaluation import Evaluation, evaluate
from superanimal.formats import save_poses
from superanimal.inference.labelled_animals import predict_animals
from superanimal.inference.labelled_images import predict_images
from superanimal.labels.holding_out import LEVEL, HeldOut
from superanimal.labels.labelled_set import LabelledSet
from superanimal.poses import KeypointSpace
from superanimal.progress import Progress
from superanimal.training.data.samples import EXTENT_MARGIN
from superanimal.training.finetuning.replay import Memory
from superanimal.training.finetuning.verdict import (
    Change,
    Verdict,
    compare,
    figures_of,
    forgetting,
    judge,
    keypoint_rows,
)
from superanimal.zoo import PoseModel

BEFORE, AFTER = "before.nc", "after.nc"


def measure(
    base: PoseModel,
    trained: PoseModel,
    split: HeldOut,
    test: LabelledSet | None,
    space: KeypointSpace,
    zero_shot: Mapping[str, str],
    folder: Path,
    *,
    device: str = "auto",
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Return the report entries on both models, and write their predictions to the folder.

    Parameters
    ----------
    base, trained
        Before and after.
    split
        Training and held-out labels, in the user's keypoints.
    test
        The held-out labels over the keypoints of the trained model, with the boxes it is cropped by; None
        without.
    space
        Of the trained model.
    zero_shot
        The base model's keypoint of each labelled one that it knows; both are compared on these.
    folder
        For :data:`BEFORE` and :data:`AFTER`.
    device
        Device to compute on.
    """
    facts: dict[str, Any] = {"training": split.train.n_individuals, "leaks": split.leaks}
    if test is None or split.test is None:
        return _record(judge(None, held_out=0, **facts))
    truth = test.with_columns(boxes=split.test.boxes)  # detected boxes are not labels
    scored = [name for k, name in enumerate(truth.keypoints) if truth.labelled[:, k].any()]
    shared = {name: zero_shot[name] for name in scored if name in zero_shot}

    def predict(model: PoseModel, name: str) -> xr.Dataset:
        found = predict_images(test, model, boxes="labels", device=device, progress=progress)
        save_poses(found, folder / name, "movement")
        return found

    def score(predictions: xr.Dataset, names: Mapping[str, str]) -> Evaluation:
        only = {name: names.get(name, "") for name in truth.keypoints}
        return evaluate(predictions, truth, keypoint_map=only, space=space, samples=0)

    found = predict(trained, AFTER)
    after = score(found, {name: name for name in scored})
    before = change = None
    if shared:
        before = score(predict(base, BEFORE), shared)
        same = score(found, {name: name for name in shared})
        change = compare(before, same, split.pictures)
        facts["missed"] = before["missed_keypoints"], same["missed_keypoints"]
    verdict = judge(change, held_out=split.held_out, **facts)
    boxes = test.boxes_or_extent(EXTENT_MARGIN)
    old, new = (Memory(m.keypoints, *predict_animals(m, test, boxes, progress), {}) for m in (base, trained))
    return {
        **figures_of(before, after),
        "change_px": change and _change(change),
        "keypoints": keypoint_rows(before, after),
        "forgetting": forgetting(test, old, new),
        "predictions": {"before": BEFORE if shared else None, "after": AFTER},
        **_record(verdict),
    }


def _change(change: Change) -> dict[str, Any]:
    """Return the change as JSON values; a limit that is not known is None."""
    low, high = (x if math.isfinite(x) else None for x in (change.low, change.high))
    facts = {"value": change.value, "low": low, "high": high, "level": LEVEL}
    return {**facts, "images": change.images, "animals": change.animals, "more_images": change.more}


def _record(verdict: Verdict) -> dict[str, Any]:
    return {
        "recommended": verdict.recommended,
        "verdict": verdict.sentence,
        "warnings": list(verdict.warnings),
    }
