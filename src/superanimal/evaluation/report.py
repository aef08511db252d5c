"""Write an evaluation down: evaluation.json, csv tables, and report.html that needs no other file."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from superanimal.bootstrap import Interval
from superanimal.errors import StorageError
from superanimal.evaluation.coco import THRESHOLDS
from superanimal.evaluation.errors import PCK_LIMITS
from superanimal.files import atomic_write

if TYPE_CHECKING:
    from superanimal.evaluation.evaluation import Evaluation


def save(result: Evaluation, folder: Path, worst: int = 12) -> list[Path]:
    """Write all files of an evaluation.

    Parameters
    ----------
    folder
        Made when missing; files of an earlier evaluation in it are replaced.
    worst
        So many of the worst images are drawn into the report.

    Returns
    -------
    list of Path
        ``evaluation.json``, ``figures.csv``, ``keypoints.csv``, ``images.csv``, ``groups.csv`` (where there
        are groups), ``report.html``.

    Raises
    ------
    StorageError
        When the folder cannot be written.
    """
    from superanimal.evaluation.html import render

    if folder.exists() and not folder.is_dir():
        raise StorageError(f"{folder} is a file", "the report is a folder", "choose another name")
    files = [
        _write(folder / "evaluation.json", json.dumps(document(result), indent=1, allow_nan=False)),
        _write_csv(folder / "figures.csv", _interval_rows(result.figures)),
        _write_csv(folder / "keypoints.csv", result.keypoints),
        _write_csv(folder / "images.csv", result.images),
    ]
    if result.groups:
        rows = [
            {"kind": kind, "group": name, **row}
            for kind, groups in result.groups.items()
            for name, figures in groups.items()
            for row in _interval_rows(figures)
        ]
        files.append(_write_csv(folder / "groups.csv", rows))
    files.append(_write(folder / "report.html", render(result, worst)))
    return files


def document(result: Evaluation) -> dict[str, Any]:
    """Return the evaluation as JSON values; NaN becomes null."""
    curves = {name: _interval(curve) for name, curve in result.curves.items()}
    for name, x in (("PCK", PCK_LIMITS), ("AP", THRESHOLDS)):
        curves[name]["at"] = x.tolist()
    return plain(
        {
            "figures": {name: _interval(figure) for name, figure in result.figures.items()},
            "curves": curves,
            "keypoints": result.keypoints,
            "groups": {
                kind: {
                    name: {figure: _interval(value) for figure, value in figures.items()}
                    for name, figures in groups.items()
                }
                for kind, groups in result.groups.items()
            },
            "videos": result.videos,
            "facts": result.facts,
        }
    )


def plain(value: Any) -> Any:
    """Return a nested value with JSON types only."""
    if isinstance(value, Mapping):
        return {str(key): plain(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(each) for each in value]
    if isinstance(value, np.ndarray):
        return plain(value.tolist())
    if isinstance(value, (float, np.floating)):
        return float(value) if math.isfinite(value) else None
    if isinstance(value, np.integer):
        return int(value)
    return value


def _interval(figure: Interval) -> dict[str, Any]:
    return {"value": figure.value, "low": figure.low, "high": figure.high}


def _interval_rows(figures: Mapping[str, Interval]) -> list[dict[str, Any]]:
    return [
        {"figure": name, "value": float(f.value), "low": float(f.low), "high": float(f.high)}
        for name, f in figures.items()
    ]


def _write(path: Path, text: str) -> Path:
    with atomic_write(path) as temporary:
        temporary.write_text(text, encoding="utf-8")
    return path


def _write_csv(path: Path, rows: Iterable[Mapping[str, Any]]) -> Path:
    """Write rows of one kind; NaN becomes an empty cell."""
    rows = list(rows)
    with atomic_write(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, fieldnames=list(rows[0]))
        writer.writeheader()
        writer.writerows([{key: "" if v is None else v for key, v in plain(row).items()} for row in rows])
    return path
