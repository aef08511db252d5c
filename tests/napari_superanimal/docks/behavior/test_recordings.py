"""Labels of another recording are counted at that recording's own rate."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from mice_that_act import acting

from napari_superanimal.docks.behavior.recordings import read_recording
from superanimal import save_poses
from superanimal.errors import InputError


@pytest.mark.parametrize("fps", [20, 50])
def test_frames_are_counted_at_the_rate_of_their_own_poses(tmp_path: Path, fps: float) -> None:
    poses, _ = acting(0, 200, fps=fps)
    file = save_poses(poses, tmp_path / "a.nc")[0]
    (tmp_path / "a.csv").write_text("start_frame,end_frame,label\n40,80,rest\n")
    _, bouts = read_recording(file, tmp_path / "a.csv", 30)
    assert bouts["start_s"].iloc[0] == pytest.approx(40 / fps)


def test_a_rate_that_nobody_knows_is_asked_for(tmp_path: Path) -> None:
    poses, _ = acting(0, 50)
    del poses.attrs["fps"]
    poses = poses.assign_coords(time=np.arange(50))
    poses.attrs["time_unit"] = "frames"
    file = save_poses(poses, tmp_path / "a.nc")[0]
    (tmp_path / "a.csv").write_text("start_frame,end_frame,label\n4,8,rest\n")
    with pytest.raises(InputError, match="do not state a frame rate"):
        read_recording(file, tmp_path / "a.csv", None)
    data, bouts = read_recording(file, tmp_path / "a.csv", 10)
    assert data.attrs["fps"] == 10 and bouts["start_s"].iloc[0] == pytest.approx(0.4)
