from __future__ import annotations

from pathlib import Path

import numpy as np

from superanimal.adaptation.clip import sure_points, write_clip
from superanimal.poses import make_poses
from superanimal.video import VideoWriter, open_video
from superanimal.video.close_up import SIDE


def test_both_models_side_by_side(tmp_path: Path) -> None:
    """A dot where the left model is sure of it, none where it is not, and where the right one has it."""
    with VideoWriter(tmp_path / "grey.mp4", 96, 64, 30) as writer:
        for _ in range(12):
            writer.write(np.full((64, 96, 3), 128, np.uint8))
    stretches = []
    for sure in (0.9, 0.1):
        position = np.full((4, 2, 1, 1), 30.0)
        confidence = np.full((4, 1, 1), sure)
        stretches.append(
            [
                make_poses(
                    position, confidence, keypoints=["nose"], frames=np.arange(first, first + 4), fps=30.0
                )
                for first in (2, 8)
            ]
        )
    assert (
        np.isfinite(sure_points(stretches[0][0], 1)).all() and np.isnan(sure_points(stretches[1][0], 1)).all()
    )
    write_clip(stretches[0], stretches[1], tmp_path / "grey.mp4", tmp_path / "clip.mp4")
    with open_video(tmp_path / "clip.mp4") as clip:
        assert clip.shape == (8, SIDE, 2 * SIDE, 3)
        left, right = np.split(np.asarray(clip[5])[60:].astype(int), 2, axis=1)
    assert np.abs(left - 128).max() > 60 and (np.abs(right - 128).max(-1) > 60).mean() < 0.45
