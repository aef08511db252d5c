from __future__ import annotations

from pathlib import Path

import pytest

from superanimal.cli.files import beside, pose_files
from superanimal.errors import NotFoundError, StorageError
from superanimal.formats import save_poses
from superanimal.poses import make_poses


def test_damaged_files_of_a_folder_are_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (good,) = save_poses(make_poses([[[[1.0]], [[2.0]]]], keypoints=["nose"], fps=30.0), tmp_path / "a.nc")
    (tmp_path / "b.h5").write_bytes(good.read_bytes()[:20])
    (tmp_path / "times.csv").write_text("start,stop\n1,2\n")
    assert pose_files([tmp_path]) == [good]
    told = capsys.readouterr().err
    assert "b.h5" in told and "damaged" in told and "times.csv" not in told


def test_a_folder_without_poses_gives_its_videos_where_they_count(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("b.MP4", "a.avi", "notes.txt"):
        (tmp_path / name).touch()
    assert [file.name for file in pose_files([tmp_path], or_videos=True)] == ["a.avi", "b.MP4"]
    with pytest.raises(NotFoundError, match="no pose file in it"):
        pose_files([tmp_path])
    poses = make_poses([[[[1.0]], [[2.0]]]], keypoints=["nose"], fps=30.0)
    written = save_poses(poses, tmp_path / "a.nc")
    assert pose_files([tmp_path], or_videos=True) == written
    assert "left out: 2 videos in" in capsys.readouterr().err
    with pytest.raises(NotFoundError, match="no such file"):
        pose_files([tmp_path / "c.h5"])


def test_outputs_are_not_replaced_silently(tmp_path: Path) -> None:
    run = tmp_path / "clip.poses.zarr"
    target = beside(run, "tracked", None, overwrite=False)
    assert target == tmp_path / "clip.tracked.nc"
    target.touch()
    with pytest.raises(StorageError, match="already exists"):
        beside(run, "tracked", None, overwrite=False)
    assert beside(run, "tracked", None, overwrite=True) == target
