"""The movement package itself takes our data set as it is, and reads the files that we write.

It runs in an interpreter of its own (movement needs Python 3.12): the one that the variable
``SUPERANIMAL_MOVEMENT_PYTHON`` names, else this one when movement is installed here.
"""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest

from superanimal.formats import save_poses
from superanimal.poses import make_poses

CLIENT = Path(__file__).parents[2] / "benchmarks" / "_movement_client.py"


def python_with_movement() -> str:
    named = os.environ.get("SUPERANIMAL_MOVEMENT_PYTHON", "")
    return named or (sys.executable if importlib.util.find_spec("movement") else "")


@pytest.mark.skipif(
    not python_with_movement(), reason="movement is not here, nor SUPERANIMAL_MOVEMENT_PYTHON set"
)
def test_movement_takes_our_data_set_and_files(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    position = (100 + rng.normal(0, 2, (20, 2, 3, 2)).cumsum(0)).astype(np.float32)
    position[4, :, 1, 0] = np.nan
    sure = np.where(np.isnan(position[:, 0]), np.nan, 0.9).astype(np.float32)
    poses = make_poses(
        position, sure, keypoints=["nose", "left_ear", "right_ear"], individuals=["ada", "bo"], fps=25.0,
        source_software="superanimal", video_path="clip.mp4", edited=np.zeros(sure.shape, bool),
    )  # fmt: skip
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for ending in ("nc", "h5", "csv", "slp", "analysis.h5", "nwb"):
            save_poses(poses, tmp_path / f"poses.{ending}")
        save_poses(poses, tmp_path / "poses.nwb", "nwb-per-animal")
    clean = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    done = subprocess.run(
        [python_with_movement(), str(CLIENT), str(tmp_path)], capture_output=True, text=True, env=clean
    )
    lines = [line.removeprefix("CALL ") for line in done.stdout.splitlines() if line.startswith("CALL ")]
    calls = [json.loads(line) for line in lines]
    assert len(calls) == 26, done.stderr
    assert [call for call in calls if not call[1]] == [], done.stderr
