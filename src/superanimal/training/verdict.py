"""Did training help? The same held-out frames before and after, what was forgotten, and a verdict."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from superanimal.bootstrap import Interval, bootstrap
from superanimal.keypoints.labelled import UNDEFINED, LabelledSet
from superanimal.keypoints.splits import Leak
from superanimal.training.evaluate.evaluation import CUTOFF, Evaluation
from superanimal.training.holding_out import split_warnings
from superanimal.training.replay import Memory

FIGURES = ("mean_euclidean_px", "p50_px", "p95_px", "AP", "PCK@0.1", "missed_keypoints", "calibration_error")
"""Figures of the before/after table."""


@dataclass(frozen=True)
class Verdict:
    """What to think of a trained model.

    Attributes
    ----------
    recommended
        Whether to use it instead of the model it came from.
    sentence
        The reason, for people.
    warnings
        What makes the figures doubtful.
    """

    recommended: bool
    sentence: str
    warnings: tuple[str, ...] = field(default=())


def compare(before: Evaluation, after: Evaluation, *, seed: int = 0) -> Interval:
    """Return the change of the mean error in pixels, after less before, with its 95 % interval.

    Both evaluations are of the same labels; keypoints that either does not give are left out. Whole images
    are drawn for the interval.
    """
    change = after.pairs.errors - before.pairs.errors
    known = np.isfinite(change)
    image = np.broadcast_to(before.pairs.image[:, None], change.shape)[known]
    values = change[known]

    def mean(weights: NDArray[np.integer[Any]]) -> dict[str, float]:
        weight = weights[image]
        return {"change": float(weight @ values / weight.sum()) if weight.sum() else float("nan")}

    clusters = [str(i) for i in range(len(before.cases))]
    return bootstrap(mean, clusters, samples=1000, seed=seed)["change"]


def forgetting(
    labelled: LabelledSet,
    before: Memory,
    after: Memory,
    *,
    cutoff: float = CUTOFF,
) -> dict[str, Any] | None:
    """Compare what two models say of the keypoints that the labels do not define.

    After "keypoint dropping" of Ye et al. 2024 (ED Fig. 4), and how far the answers moved: neither needs a
    label, and neither is an accuracy.

    Parameters
    ----------
    labelled
        M animals over the keypoints of the trained model.
    before, after
        Answers of both models for the same animals.
    cutoff
        Confidence below which a keypoint counts as dropped.

    Returns
    -------
    dict or None
        Mean dropped keypoints per animal ``dropped_before`` and ``dropped_after``; ``lost``, the share of the
        keypoints confident before that are not after; ``moved_px`` and ``moved_animal``, the median distance
        between the two answers where both are confident, in pixels and in animal lengths; one row per
        keypoint. None when no keypoint is undefined.
    """
    rows, old_sure, new_sure, moved = [], [], [], []
    for k, name in enumerate(labelled.keypoints):
        if name not in before.keypoints or name not in after.keypoints:
            continue
        open_here = (labelled.visibility[:, k] == UNDEFINED) & np.isfinite(before.xy).all((1, 2))
        if not open_here.any():
            continue
        i, j = before.keypoints.index(name), after.keypoints.index(name)
        sure = before.confidence[open_here, i] >= cutoff
        still = after.confidence[open_here, j] >= cutoff
        distance = np.linalg.norm(after.xy[open_here, j] - before.xy[open_here, i], axis=-1)
        length = _lengths(before)[open_here]
        both = sure & still
        rows.append(
            {
                "keypoint": name,
                "confident_before": float(sure.mean()),
                "confident_after": float(still.mean()),
                "moved_px": _median(distance[both]),
            }
        )
        old_sure.append(sure)
        new_sure.append(still)
        moved.append(np.stack([distance, distance / length], 1)[both])
    if not rows:
        return None
    sure, still = np.concatenate(old_sure), np.concatenate(new_sure)
    far = np.concatenate(moved)
    animals = len(sure) / len(rows)
    return {
        "cutoff": cutoff,
        "keypoints": len(rows),
        "animals": round(animals),
        "dropped_before": float((~sure).sum() / animals),
        "dropped_after": float((~still).sum() / animals),
        "lost": float((sure & ~still).sum() / sure.sum()) if sure.any() else None,
        "moved_px": _median(far[:, 0]),
        "moved_animal": _median(far[:, 1]),
        "each": rows,
    }


def judge(
    change: Interval | None,
    *,
    training: int,
    held_out: int,
    leaks: Sequence[Leak] = (),
    missed: tuple[float, float] = (0.0, 0.0),
) -> Verdict:
    """Say whether the trained model is to be used.

    Parameters
    ----------
    change
        Of the mean error, from :func:`compare`; None when there is nothing to compare with.
    training, held_out
        Number of labelled animals trained on, and of held-out frames.
    leaks
        What stands on both sides of the split.
    missed
        Share of labelled keypoints without a prediction, before and after.
    """
    pictures = any(leak.kind == "image" for leak in leaks)
    kept = tuple(split_warnings(training, held_out, leaks))
    if change is None or not held_out or not np.isfinite(change.value):
        return Verdict(False, "Not measured: there are no held-out frames to compare on.", kept)
    if change.value == change.low == change.high == 0:
        text = (
            "no step of the training was better than the start, so the weights are those of the base model."
        )
        return Verdict(False, f"Not recommended: {text}", kept)
    px, low, high = float(change.value), float(change.low), float(change.high)
    size = f"{abs(px):.2g} px (95 % interval of the change {low:+.2g} to {high:+.2g} px)"
    if missed[1] > missed[0] + 0.01:
        text = f"{missed[1]:.0%} of the labelled keypoints are no longer predicted ({missed[0]:.0%} before)."
        return Verdict(False, f"Not recommended: {text}", kept)
    if px > 0:
        return Verdict(False, f"Not recommended: the mean held-out error grew by {size}.", kept)
    if pictures:
        return Verdict(False, f"Not recommended: the error fell by {size}, but the split leaks.", kept)
    if not high < 0:
        return Verdict(False, f"Not recommended: the error fell by {size}, which may be chance.", kept)
    return Verdict(True, f"Recommended: the mean held-out error fell by {size}.", kept)


def figures_of(before: Evaluation | None, after: Evaluation) -> dict[str, dict[str, float]]:
    """Return the figures of both evaluations, ``{"before": {...}, "after": {...}}``."""
    found = {"after": {name: after[name] for name in FIGURES if name in after.figures}}
    if before is not None:
        found = {"before": {n: before[n] for n in FIGURES if n in before.figures}, **found}
    return found


def keypoint_rows(before: Evaluation | None, after: Evaluation) -> list[dict[str, Any]]:
    """Return the mean error of each labelled keypoint before and after, in pixels."""
    first = {row["keypoint"]: row for row in before.keypoints} if before is not None else {}
    return [
        {
            "keypoint": row["keypoint"],
            "labelled": row["labelled"],
            "before_px": first.get(row["keypoint"], {}).get("mean_euclidean_px", float("nan")),
            "after_px": row["mean_euclidean_px"],
        }
        for row in after.keypoints
    ]


def _lengths(memory: Memory) -> NDArray[np.float64]:
    """Return the extent (M,) of each animal as a model sees it: the diagonal, in pixels."""
    size = np.ptp(memory.xy.astype(np.float64), axis=1)
    return np.maximum(np.linalg.norm(size, axis=-1), 1.0)


def _median(values: NDArray[np.floating[Any]]) -> float | None:
    return float(np.median(values)) if len(values) else None
