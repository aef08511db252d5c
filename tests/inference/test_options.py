"""Options of an analysis are checked before any model is loaded."""

from __future__ import annotations

import inspect
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from superanimal.errors import InputError, NotFoundError
from superanimal.inference import Analyzer
from superanimal.inference.options import OPTIONS, check_options


def test_the_names_are_those_of_the_analyzer() -> None:
    assert set(inspect.signature(Analyzer).parameters) == OPTIONS


@pytest.mark.parametrize(
    ("options", "error", "text"),
    [
        ({"modle": "x"}, NotFoundError, "unknown option 'modle'.*model"),
        ({"model": "mini_topviewmose"}, NotFoundError, "mini_topviewmouse"),
        ({"model": 3}, InputError, "model is 3"),
        ({"model": "mini_quadruped", "detector": "none_such"}, NotFoundError, "unknown detector"),
        ({"frames": "a:b"}, InputError, "frames 'a:b'"),
        ({"frames": "100:200"}, InputError, "selects no frame"),
        ({"max_individuals": 0}, InputError, "max_individuals is 0"),
        ({"max_individuals": 1.5}, InputError, "max_individuals is 1.5"),
        ({"detector_threshold": 7}, InputError, "detector_threshold is 7"),
        ({"mode": "best"}, InputError, "unknown mode 'best'"),
        ({"device": "gpu"}, InputError, "unknown device 'gpu'"),
        ({"detector": "mini_detector", "whole_frame": True}, InputError, "choose one"),
        ({"boxes": "nowhere.npy"}, NotFoundError, "nowhere.npy is not a file"),
    ],
)
def test_a_mistake_is_told(options: dict[str, Any], error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=text):
        check_options(options, 50)


def test_good_options_pass(tmp_path: Path) -> None:
    (tmp_path / "weights.pt").write_bytes(b"")
    check_options({"model": tmp_path / "weights.pt", "frames": "0:10", "out": tmp_path, "boxes": None}, 50)
    check_options({"model": "superanimal_quadruped_hrnet_w32", "detector": "ssdlite"}, 50)


def test_the_check_is_light() -> None:
    code = "import sys, superanimal.inference.options; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
