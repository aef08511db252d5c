from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from superanimal.formats import load_poses, save_poses
from superanimal.poses import make_poses

Call = Callable[..., tuple[int, str, str]]


def test_several_files_become_one(superanimal: Call, tmp_path: Path) -> None:
    files = []
    for n in range(3):
        poses = make_poses(np.full((20, 2, 1, 1), 50.0 + n), np.full((20, 1, 1), 0.9), keypoints=["nose"])
        files.append(save_poses(poses, tmp_path / f"seed{n}.nc")[0])
    code, out, _ = superanimal("ensemble", *files)
    assert code == 0
    assert "3 models, 20 frames" in out
    joined = load_poses(tmp_path / "seed0.ensemble.nc")
    np.testing.assert_allclose(joined["position"].values, 51.0, atol=0.1)
    code, _, err = superanimal("ensemble", *files)
    assert code == 8 and "--overwrite" in err
    assert superanimal("ensemble", files[0], "--out", tmp_path / "other.nc")[0] == 2
