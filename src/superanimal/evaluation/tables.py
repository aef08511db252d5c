"""Figures per keypoint and per image, as rows of a table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from superanimal.evaluation.cases import Cases
from superanimal.evaluation.errors import PERCENTILES
from superanimal.evaluation.pairing import Pairs

WORST_ERROR, MISSED_ERROR = 1.0, 0.25
"""For ordering images from good to bad: the largest error that counts, and the error assigned to a missing
keypoint, in animal lengths."""


def keypoint_table(pairs: Pairs, keypoints: Sequence[str], cutoff: float) -> list[dict[str, float | str]]:
    """Return one row of figures per keypoint.

    Parameters
    ----------
    pairs
        Labelled animals and their predictions.
    keypoints
        K names.
    cutoff
        Confidence below which a prediction counts as not found.
    """
    rows: list[dict[str, float | str]] = []
    for k, name in enumerate(keypoints):
        labelled = pairs.labelled[:, k]
        error, length = pairs.errors[labelled, k], pairs.length[labelled]
        predicted = np.isfinite(error)
        pixels, unit = error[predicted], error / length
        unit, sized = unit[np.isfinite(unit)], np.isfinite(length)
        offset = (pairs.predicted[labelled, k] - pairs.truth[labelled, k])[predicted]
        confidence = pairs.confidence[labelled, k]
        rows.append(
            {
                "keypoint": name,
                "labelled": int(labelled.sum()),
                "predicted": int(predicted.sum()),
                "mean_euclidean_px": _mean(pixels),
                "root_mean_square_px": float(np.sqrt(_mean(pixels**2))),
                **{f"p{p}_px": _percentile(pixels, p) for p in PERCENTILES},
                "mean_euclidean_animal": _mean(unit),
                **{f"p{p}_animal": _percentile(unit, p) for p in (25, *PERCENTILES)},
                "PCK@0.1": float((unit <= 0.1).sum() / sized.sum()) if sized.any() else float("nan"),
                "mean_offset_x_px": _mean(offset[:, 0]),
                "mean_offset_y_px": _mean(offset[:, 1]),
                "mean_confidence": _mean(confidence[np.isfinite(confidence)]),
                "below_cutoff": _mean(~predicted | (confidence < cutoff)),
            }
        )
    return rows


def image_table(cases: Cases, pairs: Pairs) -> list[dict[str, Any]]:
    """Return one row of figures per image.

    ``badness`` orders images from good to bad: the mean over labelled keypoints of the error in animal
    lengths, at most :data:`WORST_ERROR`, with :data:`MISSED_ERROR` for a keypoint that was not predicted.
    """
    sized = np.isfinite(pairs.length)
    typical = float(np.median(pairs.length[sized])) if sized.any() else 1.0
    unit = pairs.errors / np.where(sized, pairs.length, typical)[:, None]
    bad = np.where(np.isfinite(unit), np.minimum(unit, WORST_ERROR), MISSED_ERROR)
    start = np.searchsorted(pairs.image, np.arange(len(cases) + 1))
    rows = []
    for i, name in enumerate(cases.images):
        mine = slice(start[i], start[i + 1])
        labelled = pairs.labelled[mine]
        px = pairs.errors[mine][labelled]
        known = px[np.isfinite(px)]
        worst = np.nanargmax(np.where(labelled, bad[mine], -1).max(0))
        rows.append(
            {
                "image": name,
                "video": cases.videos[i],
                "source": cases.sources[i],
                "animals": int(start[i + 1] - start[i]),
                "missed_animals": int((pairs.answer[mine] < 0).sum()),
                "extra_animals": int(pairs.extra[i]),
                "labelled_keypoints": int(labelled.sum()),
                "missed_keypoints": int((~np.isfinite(px)).sum()),
                "mean_euclidean_px": float(known.mean()) if known.size else float("nan"),
                "root_mean_square_px": float(np.sqrt((known**2).mean())) if known.size else float("nan"),
                "max_px": float(known.max()) if known.size else float("nan"),
                "badness": float(bad[mine][labelled].mean()),
                "worst_keypoint": cases.keypoints[int(worst)],
            }
        )
    return rows


def _mean(values: np.ndarray) -> float:
    return float(np.mean(values)) if len(values) else float("nan")


def _percentile(values: np.ndarray, percent: float) -> float:
    return float(np.percentile(values, percent)) if len(values) else float("nan")
