"""Whether training helped: held-out frames before and after, forgetting, and a verdict."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from superanimal.evaluation.evaluation import CUTOFF, Evaluation
from superanimal.labels.holding_out import FEWEST_HELD_OUT, LEVEL, split_warnings
from superanimal.labels.labelled_set import UNDEFINED, LabelledSet
from superanimal.labels.splits import Leak
from superanimal.training.finetuning.replay import Memory

FIGURES = ("mean_euclidean_px", "p50_px", "p95_px", "AP", "PCK@0.1", "missed_keypoints", "calibration_error")
"""Figures of the before/after table."""
EXACT = 12
"""Number of images up to which all subsets are used; beyond it, the same number of random ones."""
MANY = 500
"""Maximum number of further images to request: beyond it, the difference is too small to matter."""


@dataclass(frozen=True)
class Verdict:
    """The assessment of a trained model.

    Attributes
    ----------
    recommended
        Whether to use it instead of the model it came from.
    sentence
        The reason, as a sentence.
    warnings
        Reasons to distrust the figures.
    """

    recommended: bool
    sentence: str
    warnings: tuple[str, ...] = field(default=())


@dataclass(frozen=True)
class Change:
    """The change of the mean error on the same labels, after minus before.

    Attributes
    ----------
    value
        Pixels; less than 0 is better. NaN when there is nothing to compare.
    low, high
        Limits of its interval at :data:`~superanimal.labels.holding_out.LEVEL`, pixels; infinite when there
        are too few images for one.
    images, animals
        Number of distinct pictures and of labelled animals it is based on.
    """

    value: float
    low: float
    high: float
    images: int
    animals: int

    @property
    def decided(self) -> bool:
        """Whether the interval excludes 0, that is, the change is not due to chance."""
        return self.high < 0 or self.low > 0

    @property
    def more(self) -> int | None:
        """Number of further held-out images that a verdict needs; 0 if none.

        With enough images for an interval it is an estimate: how many would make the interval leave out 0 if
        the change stayed what it is. None when that is more than :data:`MANY`.
        """
        if self.decided:
            return 0
        if self.images < FEWEST_HELD_OUT:
            return FEWEST_HELD_OUT - self.images
        if self.value == 0:
            return None
        limit = self.high if self.value < 0 else self.low
        wanted = self.images * (abs(limit - self.value) / abs(self.value)) ** 2
        more = max(1, math.ceil(wanted) - self.images) if math.isfinite(wanted) else MANY + 1
        return more if more <= MANY else None


def compare(
    before: Evaluation, after: Evaluation, pictures: NDArray[np.integer[Any]] | None = None, *, seed: int = 0
) -> Change:
    """Return the change of the mean error in pixels, after minus before, with its interval.

    Both evaluations are of the same labels; keypoints that either does not give are left out. Pictures are
    what is drawn: were the training without effect, the change in each would be as likely upwards as
    downwards. The limits are those of the sign-flip test of that: quantiles of the mean over random subsets
    of the pictures (Hartigan's typical values), exact for any number of pictures, and infinite below
    :data:`~superanimal.labels.holding_out.FEWEST_HELD_OUT` of them. A bootstrap would be too narrow there.

    Parameters
    ----------
    pictures
        Shape (I,): number of the picture of each image, equal for copies; by default all differ.
    seed
        Random seed of the subsets, if there are too many pictures to use all.
    """
    change = after.pairs.errors - before.pairs.errors
    known = np.isfinite(change)
    names = np.arange(len(before.cases)) if pictures is None else pictures
    picture = np.broadcast_to(names[before.pairs.image][:, None], change.shape)[known]
    _, where = np.unique(picture, return_inverse=True)
    weight = np.bincount(where).astype(float)
    total = np.bincount(where, change[known])
    count, animals = len(weight) if known.any() else 0, int(known.any(1).sum())
    if not count:
        return Change(math.nan, -math.inf, math.inf, 0, 0)
    if count <= EXACT:
        subsets = (np.arange(1, 2**count)[:, None] >> np.arange(count)) & 1
    else:
        subsets = np.random.default_rng(seed).integers(0, 2, (2**EXACT - 1, count))
        subsets = subsets[subsets.any(1)]
    means = np.sort(subsets @ total / (subsets @ weight))
    place = math.floor((1 - LEVEL) / 2 * (len(means) + 1))
    low, high = (means[place - 1], means[-place]) if place else (-math.inf, math.inf)
    return Change(float(total.sum() / weight.sum()), float(low), float(high), count, animals)


def forgetting(
    labelled: LabelledSet,
    before: Memory,
    after: Memory,
    *,
    cutoff: float = CUTOFF,
) -> dict[str, Any] | None:
    """Compare the predictions of two models for keypoints that the labels do not define.

    Measures "keypoint dropping" as in Ye et al. 2024 (ED Fig. 4), and how far the predictions moved. Neither
    needs labels, and neither is an accuracy.

    Parameters
    ----------
    labelled
        M animals over the keypoints of the trained model.
    before, after
        Predictions of both models for the same animals.
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
    change: Change | None,
    *,
    training: int,
    held_out: int,
    leaks: Sequence[Leak] = (),
    missed: tuple[float, float] = (0.0, 0.0),
) -> Verdict:
    """Decide whether the trained model should be used.

    Parameters
    ----------
    change
        Of the mean error, from :func:`compare`; None when there is nothing to compare with.
    training, held_out
        Number of labelled animals trained on, and of different held-out pictures.
    leaks
        Items on both sides of the split.
    missed
        Fraction of labelled keypoints without a prediction, before and after.
    """
    kept = tuple(split_warnings(training, held_out, leaks))
    if change is None or not held_out or not np.isfinite(change.value):
        return Verdict(False, "Not measured: there are no held-out images to compare on.", kept)
    if change.value == 0:
        text = "no training step improved on the start, so the weights are those of the base model."
        return Verdict(False, f"Not recommended: {text}", kept)
    if missed[1] > missed[0] + 0.01:
        text = f"{missed[1]:.0%} of the labelled keypoints are no longer predicted ({missed[0]:.0%} before)."
        return Verdict(False, f"Not recommended: {text}", kept)
    size = _size(change)
    if any(leak.kind == "image" for leak in leaks):
        return Verdict(False, f"Not recommended: the mean held-out error {size}, but the split leaks.", kept)
    if not change.decided:
        return Verdict(False, f"No verdict: the mean held-out error {size}{_why_undecided(change)}", kept)
    word = "Recommended" if change.value < 0 else "Not recommended"
    return Verdict(change.value < 0, f"{word}: the mean held-out error {size}.", kept)


def _size(change: Change) -> str:
    """Describe the change of the error and the amount of data."""
    images = f"{change.images} image{'s' if change.images != 1 else ''}"
    animals = f"{change.animals} labelled animal{'s' if change.animals != 1 else ''}"
    text = (
        f"{'fell' if change.value < 0 else 'grew'} by {abs(change.value):.2g} px on {images} with {animals}"
    )
    if not math.isfinite(change.low):
        return text
    return f"{text} ({LEVEL:.0%} interval of the change {change.low:+.2g} to {change.high:+.2g} px)"


def _why_undecided(change: Change) -> str:
    """Explain why a change is inconclusive, and how many more held-out images are needed."""
    more = change.more
    if more is None:
        return ", which may be due to chance; the two models are about as good as each other on such images."
    if change.images < FEWEST_HELD_OUT:
        return (
            f", which proves nothing: a verdict needs at least {FEWEST_HELD_OUT} distinct held-out images, "
            f"{more} more. Label more, or hold out a larger fraction."
        )
    return f", which may be due to chance: about {more} more held-out images would decide."


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
