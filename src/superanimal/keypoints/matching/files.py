"""The files of a keypoint matching.

======================  =========================================================================
``table.csv``           conversion table, for ``superanimal convert`` and ``merge``
``pairs.csv``           score, margin, distance and annotation bias of each pair
``frequency.csv``       fraction of images in which two keypoints were assigned to each other
``distance.csv``        mean distance of each pair of keypoints in body lengths
``matching.json``       everything, with settings and provenance
``frequency.png``       the match-frequency matrix
``bias.png``            the annotation bias in the animal's own frame
======================  =========================================================================
"""

from __future__ import annotations

import csv
import io
import json
import math
import os
from pathlib import Path
from typing import Any

import numpy as np

from superanimal.files import atomic_write
from superanimal.keypoints.conversion_table import save_table
from superanimal.keypoints.matching.plots import plot_bias, plot_frequency
from superanimal.keypoints.matching.result import Matching, Pair
from superanimal.poses import space_for


def save_matching(matching: Matching, folder: str | os.PathLike[str], *, column: str) -> list[Path]:
    """Write table, pairs, matrices, a complete JSON file and two figures to a folder; return their paths.

    Parameters
    ----------
    column
        Name of the data set in the conversion table.
    """
    folder = Path(folder)
    matrices = {"frequency.csv": matching.frequency, "distance.csv": matching.distance}
    texts = {
        "pairs.csv": _csv(pair_rows(matching)),
        **{name: _csv(_matrix_rows(matching, matrix)) for name, matrix in matrices.items()},
        "matching.json": json.dumps(to_dict(matching), indent=1) + "\n",
    }
    files = []
    if matching.pairs:
        save_table(matching.table(column), folder / "table.csv")
        files.append(folder / "table.csv")
    for name, text in texts.items():
        with atomic_write(folder / name) as temporary:
            temporary.write_text(text, encoding="utf-8")
        files.append(folder / name)
    files.append(plot_frequency(matching, folder / "frequency.png"))
    if matching.pairs:
        files.append(plot_bias(matching, folder / "bias.png", space_for(matching.model_keypoints)))
    return files


def pair_rows(matching: Matching) -> list[dict[str, Any]]:
    """Return one row of figures per pair; the annotation bias in % of body length, x forward, y left."""
    return [_row(pair) for pair in matching.pairs]


def to_dict(matching: Matching) -> dict[str, Any]:
    """Return the whole matching as JSON values."""
    return {
        "user_keypoints": list(matching.user_keypoints),
        "model_keypoints": list(matching.model_keypoints),
        "pairs": pair_rows(matching),
        "unmatched_user": list(matching.unmatched_user),
        "unmatched_model": list(matching.unmatched_model),
        "warnings": list(matching.warnings),
        "frequency": _plain(matching.frequency),
        "distance": _plain(matching.distance),
        "facts": matching.facts,
    }


def _row(pair: Pair) -> dict[str, Any]:
    nothing = np.full((2, 2), np.nan)
    offset = nothing[0] if pair.offset is None else 100 * pair.offset
    interval = nothing if pair.interval is None else 100 * pair.interval
    row: dict[str, Any] = {
        "user": pair.user,
        "model": pair.model,
        "score": round(pair.score, 4),
        "margin": round(pair.margin, 4),
        "by_name": pair.by_name,
        "images": pair.images,
        "median_distance_percent": _number(100 * pair.distance),
    }
    for axis, name in enumerate("xy"):
        row[f"bias_{name}_percent"] = _number(offset[axis])
        row[f"bias_{name}_low"] = _number(interval[0, axis])
        row[f"bias_{name}_high"] = _number(interval[1, axis])
    return row


def _matrix_rows(matching: Matching, matrix: np.ndarray) -> list[dict[str, Any]]:
    return [
        {"keypoint": user, **dict(zip(matching.model_keypoints, map(_number, row), strict=True))}
        for user, row in zip(matching.user_keypoints, matrix, strict=True)
    ]


def _csv(rows: list[dict[str, Any]]) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]) if rows else [], lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def _plain(matrix: np.ndarray) -> list[list[float | None]]:
    return [[_number(value) for value in row] for row in matrix]


def _number(value: float) -> float | None:
    return round(float(value), 4) if math.isfinite(value) else None
