"""Writing an evaluation: evaluation.json, csv tables, and a self-contained report.html."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from superanimal.bootstrap import Interval
from superanimal.evaluation.coco import THRESHOLDS
from superanimal.evaluation.errors import PCK_LIMITS
from superanimal.reports.files import report_folder, write_csv, write_json, write_text

if TYPE_CHECKING:
    from superanimal.evaluation.evaluation import Evaluation


def save(result: Evaluation, folder: Path, worst: int = 12) -> list[Path]:
    """Write all files of an evaluation.

    Parameters
    ----------
    folder
        Created if missing; files of an earlier evaluation in it are replaced.
    worst
        Number of worst images drawn into the report.

    Returns
    -------
    list of Path
        ``evaluation.json``, ``figures.csv``, ``keypoints.csv``, ``images.csv``, ``groups.csv`` (if there are
        groups), ``report.html``.

    Raises
    ------
    StorageError
        When the folder cannot be written.
    """
    from superanimal.evaluation.html import render

    folder = report_folder(folder)
    files = [
        write_json(folder / "evaluation.json", document(result)),
        write_csv(folder / "figures.csv", _interval_rows(result.figures)),
        write_csv(folder / "keypoints.csv", result.keypoints),
        write_csv(folder / "images.csv", result.images),
    ]
    if result.groups:
        rows = [
            {"kind": kind, "group": name, **row}
            for kind, groups in result.groups.items()
            for name, figures in groups.items()
            for row in _interval_rows(figures)
        ]
        files.append(write_csv(folder / "groups.csv", rows))
    files.append(write_text(folder / "report.html", render(result, worst)))
    return files


def document(result: Evaluation) -> dict[str, Any]:
    """Return the evaluation as JSON values, see :func:`superanimal.reports.files.plain`."""
    curves = {name: _interval(curve) for name, curve in result.curves.items()}
    for name, x in (("PCK", PCK_LIMITS), ("AP", THRESHOLDS)):
        curves[name]["at"] = x.tolist()
    return {
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


def _interval(figure: Interval) -> dict[str, Any]:
    return {"value": figure.value, "low": figure.low, "high": figure.high}


def _interval_rows(figures: Mapping[str, Interval]) -> list[dict[str, Any]]:
    return [
        {"figure": name, "value": float(f.value), "low": float(f.low), "high": float(f.high)}
        for name, f in figures.items()
    ]
