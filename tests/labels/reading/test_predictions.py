"""Predictions become labels only when asked for, wherever labels are written or learnt from."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from superanimal.errors import InputError
from superanimal.formats import save_poses
from superanimal.labels import materialize, read_labels
from superanimal.labels.labelled_set import from_poses
from superanimal.labels.reading.predictions import labels_only, predicted_confidence, set_by_person
from superanimal.poses import make_poses
from superanimal.training.pretraining.config import Source
from superanimal.training.pretraining.pretrain import read_source


def poses(edited: bool = False):
    sure = np.array([[[0.9], [0.4]], [[0.8], [0.7]]], np.float32)
    marks = np.zeros(sure.shape, bool)
    marks[0, 1] = edited
    xy = np.arange(8, dtype=np.float32).reshape(2, 2, 2, 1)
    return make_poses(
        xy, sure, keypoints=["nose", "tail"], individuals=["ada"], edited=marks, video_path="clip.mp4"
    )


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return save_poses(poses(), tmp_path / "clip.nc")[0]


def test_predictions_are_not_written_as_labels(file: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="model predictions") as caught:
        materialize(read_labels(file), tmp_path / "out", "coco")
    assert not (tmp_path / "out").exists()
    assert "--min-confidence" in caught.value.parts("shell")[2]
    assert "min_confidence=0.6" in caught.value.parts("python")[2]
    assert "confidence" not in caught.value.parts("viewer")[2]


def test_a_source_of_predictions_names_its_lowest_confidence(file: Path) -> None:
    with pytest.raises(InputError, match=r"give the source clip\.nc in the settings a min_confidence"):
        read_source(Source(file))
    labelled = read_source(Source(file, min_confidence=0.6))
    assert not labelled.predicted and labelled.labelled.sum() == 3
    with pytest.raises(InputError, match=r"a confidence lies in 0\.\.1"):
        Source(file, min_confidence=60)


def test_of_corrected_predictions_only_the_corrections_are_labels() -> None:
    corrected = poses(edited=True)
    labelled = from_poses(corrected, name="mine", video="clip.mp4")
    kept = set_by_person(labelled, predicted_confidence(labelled, corrected))
    assert labels_only(kept).labelled.tolist() == [[False, True]]
    assert "labels are the points that a person set (1); 3 predictions are not" in kept.notes[-1]
    untouched = from_poses(poses(), name="mine", video="clip.mp4")
    assert set_by_person(untouched, predicted_confidence(untouched, poses())).predicted
