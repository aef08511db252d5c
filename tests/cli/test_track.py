from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from superanimal.formats import load_poses, save_poses
from superanimal.synth.herd import make_herd

Call = Callable[..., tuple[int, str, str]]


@pytest.fixture
def poses(tmp_path: Path) -> Path:
    (path, *_) = save_poses(make_herd(2, 40, seed=0).shuffled(seed=0), tmp_path / "two.nc")
    return path


def test_a_file_beside_the_input(superanimal: Call, poses: Path) -> None:
    code, out, _ = superanimal("track", poses)
    assert code == 0
    assert "animal0: 40 of 40 frames" in out
    assert "identity_confidence" in load_poses(poses.with_name("two.tracked.nc"))


def test_nothing_is_overwritten(superanimal: Call, poses: Path) -> None:
    target = poses.with_name("mine.csv")
    target.write_text("my work")
    code, _, err = superanimal("track", poses, "--out", target)
    assert (code, target.read_text()) == (8, "my work")
    assert "--overwrite" in err
    assert superanimal("track", poses, "--out", target, "--overwrite")[0] == 0
    assert load_poses(target).sizes["individual"] == 2


def test_a_wrong_number(superanimal: Call, poses: Path) -> None:
    code, _, err = superanimal("track", poses, "--max-individuals", "0")
    assert code == 2
    assert "--max-individuals" in err
