from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from superanimal.errors import FormatError, InputError, NotFoundError
from superanimal.inference.boxes import (
    DetectorBoxes,
    GivenBoxes,
    anchor_of,
    carried_box,
    load_boxes,
    pose_box,
    suppress,
)
from superanimal.poses import make_poses

Found = list[tuple[np.ndarray, np.ndarray]]
POSE = np.array([[10.0, 10.0], [50.0, 20.0], [30.0, 30.0], [500.0, 500.0]])


def test_the_box_of_a_pose_leaves_uncertain_points_out() -> None:
    assert pose_box(POSE, np.array([0.9, 0.8, 0.9, 0.05])).tolist() == [10, 10, 40, 20]
    assert pose_box(POSE[:1], np.array([0.9])).tolist() == [9.5, 9.5, 1, 1]
    assert pose_box(POSE, np.zeros(4)).tolist() == [10, 10, 490, 490]


def test_a_carried_box_lies_to_the_pose_as_the_detected_one() -> None:
    detected = np.array([0.0, 5.0, 60.0, 30.0])
    before = pose_box(POSE[:3], np.ones(3))
    anchor = anchor_of(detected, before)
    assert carried_box(before, anchor, detected) == pytest.approx(detected)
    moved = carried_box(before + [7, -3, 0, 0], anchor, detected)
    assert moved == pytest.approx(detected + [7, -3, 0, 0])
    larger = carried_box(before * [1, 1, 2, 2], anchor, detected)
    assert larger[2:] == pytest.approx(detected[2:] * 1.5)


def test_the_weaker_of_two_that_overlap_goes() -> None:
    xyxy = np.array([[0, 0, 10, 10], [1, 0, 11, 10], [30, 30, 40, 40]], np.float32)
    assert suppress(xyxy, np.array([0.9, 0.8, 0.7], np.float32), 0.5).tolist() == [0, 2]


def test_shapes_of_given_boxes() -> None:
    frames = range(10, 20, 2)
    assert load_boxes(np.array([1, 2, 3, 4]), frames, 100, 1).shape == (5, 1, 4)
    assert load_boxes(np.ones((2, 4)), frames, 100, 2).shape == (5, 2, 4)
    assert load_boxes(np.ones((5, 4)), frames, 100, 1).shape == (5, 1, 4)
    whole = np.arange(100)[:, None, None] * np.ones((1, 2, 4))
    assert load_boxes(whole, frames, 100, 2)[:, 0, 0].tolist() == [10, 12, 14, 16, 18]
    with pytest.raises(InputError, match="boxes of shape"):
        load_boxes(np.ones((5, 3)), frames, 100, 1)


def test_boxes_from_files(tmp_path: Path) -> None:
    boxes = np.random.default_rng(0).uniform(1, 50, (6, 4, 2)).astype(np.float32)
    poses = make_poses(np.zeros((6, 2, 1, 2), np.float32), keypoints=["a"], boxes=boxes)
    from superanimal.formats import save_poses

    (path,) = save_poses(poses, tmp_path / "p.nc", format="movement")
    assert np.array_equal(load_boxes(path, range(6), 6, 2), boxes.transpose(0, 2, 1))
    (bare,) = save_poses(poses.drop_vars(["boxes"]).drop_vars("box"), tmp_path / "b.nc", format="movement")
    with pytest.raises(FormatError, match="no boxes"):
        load_boxes(bare, range(6), 6, 2)
    with pytest.raises(NotFoundError):
        load_boxes(tmp_path / "nothing.npy", range(6), 6, 2)
    (tmp_path / "text.npy").write_text("text")
    with pytest.raises(FormatError, match="not a numpy array"):
        load_boxes(tmp_path / "text.npy", range(6), 6, 2)


def test_absent_boxes_are_no_animals() -> None:
    boxes = np.array([[[0, 0, 10, 10], [np.nan] * 4], [[5, 5, 0.5, 10], [np.nan] * 4]])
    found = GivenBoxes(boxes, (2, 3)).find(np.zeros((2, 20, 20, 3), np.uint8), np.array([0, 1]))
    assert found[0].xywh.tolist() == [[-2, -3, 10, 10]]
    assert len(found[1].xywh) == 0


def test_boxes_are_found_at_full_precision_whatever_the_run_has() -> None:
    class Detector:
        def detect(self, frames: Sequence[np.ndarray], long_side: int | None) -> Found:
            scale = torch.eye(4) @ torch.tensor([601.0, 603.0, 702.0, 805.0])
            return [(scale.float().numpy()[None], np.ones(1, np.float32)) for _ in frames]

    settings = SimpleNamespace(
        batch_size=4, device="cpu", precision="bf16", nms=None, mode="enhanced", max_individuals=1
    )
    source = DetectorBoxes(Detector(), 0.5, settings)  # type: ignore[arg-type]
    found = source.find([np.zeros((1000, 1000, 3), np.uint8)], np.arange(1))
    assert found[0].xywh.tolist() == [[601, 603, 101, 202]]
