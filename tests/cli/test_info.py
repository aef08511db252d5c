from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from superanimal.formats import save_poses
from superanimal.labels import LabelledSet, materialize
from superanimal.poses import make_poses
from superanimal.poses.run_store import RunStore
from superanimal.samples import sample_path

Call = Callable[..., tuple[int, str, str]]


def test_a_video(superanimal: Call) -> None:
    code, out, _ = superanimal("info", sample_path("topview_mouse.mp4"))
    assert code == 0
    for words in ("480 x 360 pixels", "300", "30 frames/s", "0:10"):
        assert words in out


def test_poses(superanimal: Call, tmp_path: Path) -> None:
    poses = make_poses(np.ones((7, 2, 2, 1)), np.full((7, 2, 1), 0.5), keypoints=["nose", "tail_base"])
    (path, *_) = save_poses(poses, tmp_path / "p.nc", format="movement")
    code, out, _ = superanimal("info", path)
    assert code == 0
    for words in ("movement", "7 frames, 1 animal, 2 keypoints", "nose, tail_base", "100.0 %", "0.500"):
        assert words in out


def test_an_unfinished_run(superanimal: Call, tmp_path: Path) -> None:
    RunStore.create(
        tmp_path / "x.poses.zarr",
        frames=np.arange(300),
        keypoints=["nose"],
        individuals=["animal0"],
        identity={"model": "m", "settings": {"mode": "enhanced", "nms": None}},
    )
    code, out, _ = superanimal("info", tmp_path / "x.poses.zarr")
    assert code == 0
    assert "0 of 300 frames" in out and "mode=enhanced" in out and "nms" not in out


def test_labels(superanimal: Call, tmp_path: Path, labelled: LabelledSet) -> None:
    project = materialize(labelled, tmp_path / "project", "deeplabcut").path
    code, out, _ = superanimal("info", project)
    assert code == 0 and "deeplabcut labels" in out and "4 images, 4 animals, 11 points" in out
    (tmp_path / "empty").mkdir()
    code, _, err = superanimal("info", tmp_path / "empty")
    assert code == 4 and "holds no images" in err


@pytest.mark.filterwarnings("error")
def test_poses_without_a_frame(superanimal: Call, tmp_path: Path) -> None:
    poses = make_poses(np.ones((0, 2, 2, 1)), keypoints=["nose", "tail_base"])
    (path, *_) = save_poses(poses, tmp_path / "p.csv", format="dlc-csv")
    code, out, _ = superanimal("info", path)
    assert code == 0 and "0 frames" in out and "no point" in out and "nan" not in out


def test_what_is_neither(superanimal: Call, tmp_path: Path) -> None:
    code, _, err = superanimal("info", tmp_path / "nothing.h5")
    assert code == 3 and "no such file" in err
    (tmp_path / "text.txt").write_text("hello")
    code, _, err = superanimal("info", tmp_path / "text.txt")
    assert code == 5 and "not recognised: text" in err
