"""Taking pose layers out of the viewer does not end it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[1] / "support" / "remove_layers.py"


@pytest.mark.parametrize(
    "how",
    [pytest.param("alone", marks=pytest.mark.slow), "selected", pytest.param("all", marks=pytest.mark.slow)],
)
def test_napari_survives_the_removal_of_poses(how: str) -> None:
    done = subprocess.run([sys.executable, str(SCRIPT), how], capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr[-3000:]
