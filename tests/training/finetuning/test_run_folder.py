"""The report and the curves of a run are read by the core; viewers ask for facts, not for keys."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from superanimal.errors import FormatError
from superanimal.labels import synthetic_labels
from superanimal.training.finetuning.run_folder import (
    REPORT,
    Forgetting,
    TrainingResult,
    best_row,
    is_finished,
    with_row,
)

FACTS: dict[str, Any] = {
    "model": "mine",
    "base_model": "mini_topviewmouse",
    "method": "memory-replay",
    "recommended": True,
    "verdict": "Recommended: ...",
    "warnings": ["few images"],
    "notes": ["note"],
    "table": {"snout": "nose"},
    "training": {"ended": "cancelled", "steps": 75},
    "before": {"AP": 0.5, "p50_px": 4.0},
    "after": {"AP": 0.75, "PCK@0.1": 0.9},
    "keypoints": [
        {"keypoint": "nose", "before_px": 4.0, "after_px": 2.0},
        {"keypoint": "implant", "before_px": None, "after_px": 3.0},
    ],
    "forgetting": {"keypoints": 26, "lost": 0.1, "moved_px": None, "dropped_before": 1.0},
}


def written(folder: Path, **changes: Any) -> TrainingResult:
    (folder / REPORT).write_text(json.dumps(FACTS | changes), "utf-8")
    return TrainingResult.read(folder, synthetic_labels(folder / "pictures", 1, size=(32, 32)))


def test_facts_of_a_report(tmp_path: Path) -> None:
    result = written(tmp_path)
    assert (result.model, result.base_model, result.steps) == ("mine", "mini_topviewmouse", 75)
    assert result.recommended and result.stopped and not is_finished(tmp_path)
    assert (result.verdict, result.warnings, result.notes) == ("Recommended: ...", ["few images"], ["note"])
    assert result.figures == {"AP": (0.5, 0.75), "PCK@0.1": (None, 0.9)}
    assert result.keypoint_errors == [("snout", 4.0, 2.0), ("implant", None, 3.0)]
    assert result.forgetting == Forgetting(26, 0.1, None)


def test_nothing_was_held_out(tmp_path: Path) -> None:
    (tmp_path / REPORT).write_text("{", "utf-8")
    with pytest.raises(FormatError, match="cannot be read"):
        TrainingResult.read(tmp_path, synthetic_labels(tmp_path / "pictures", 1, size=(32, 32)))
    result = written(tmp_path, before={}, after={}, keypoints=[], forgetting=None)
    assert result.figures == {} and result.keypoint_errors == [] and result.forgetting is None


def test_rows_of_curves() -> None:
    rows = with_row(with_row([], {"step": 25, "held_out_oks": 0.5}), {"step": 50, "held_out_oks": 0.4})
    assert best_row(rows)["step"] == 25
    repeated = with_row(rows, {"step": 50, "held_out_oks": 0.7})
    assert [row["step"] for row in repeated] == [25, 50] and best_row(repeated)["step"] == 50
    assert best_row([]) == best_row([{"step": 25, "loss": 1.0}]) == {}
