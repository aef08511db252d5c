"""Models as OpenVINO and TorchScript files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from superanimal.errors import InputError, ModelError
from superanimal.inference import Analyzer
from superanimal.inference.backends import open_detector, open_pose
from superanimal.inference.exports import SUFFIXES, export_network
from superanimal.samples import sample_path
from superanimal.zoo import load_detector, load_model
from superanimal.zoo.exported_files import read_exported

MOUSE = "mini_topviewmouse"


@pytest.fixture(scope="module", params=["openvino", "torchscript"])
def files(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The embedded pose model and its detector, exported."""
    if request.param == "openvino":
        pytest.importorskip("openvino")
    folder = tmp_path_factory.mktemp("exported")
    pose, boxes = (folder / f"{name}{SUFFIXES[request.param]}" for name in ("pose", "detector"))
    done = export_network(load_model(MOUSE), pose, request.param)
    assert done.pixels < 0.05 and max(done.differences.values()) < 1e-3
    export_network(load_detector(f"{MOUSE}_detector"), boxes)
    return pose, boxes


def test_an_analysis_takes_exported_files(files: tuple[Path, Path], tmp_path: Path) -> None:
    video = sample_path("topview_mouse.mp4")
    made = {
        name: Analyzer(
            pose, detector=boxes, out=tmp_path / name, formats=(), frames=":6", device="cpu", backend=backend
        )
        .run(video)
        .poses["position"]
        .values
        for name, pose, boxes, backend in (("file", *files, "auto"), ("torch", MOUSE, None, "torch"))
    }
    assert np.nanmax(np.abs(made["file"] - made["torch"])) < 0.05


def test_what_cannot_run_a_file_says_so(files: tuple[Path, Path]) -> None:
    pose, boxes = files
    with pytest.raises(InputError, match="in onnxruntime"):
        open_pose(pose, "cpu", "onnxruntime")
    with pytest.raises(ModelError, match="a pose model is needed"):
        open_pose(boxes, "cpu", "auto")
    assert open_detector(boxes, "cpu", "auto").entry.name == f"{MOUSE}_detector"


def test_damaged_files_are_named(tmp_path: Path) -> None:
    for suffix in (".ts", ".xml"):
        other = tmp_path / f"other{suffix}"
        other.write_bytes(b"nothing")
        with pytest.raises(ModelError, match=f"other{suffix}"):
            read_exported(other)


def test_the_name_must_fit_the_format(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="names end with"):
        export_network(load_model(MOUSE), tmp_path / "model.onnx", "openvino")
    with pytest.raises(InputError, match="names end with"):
        export_network(load_model(MOUSE), tmp_path / "model.pt")
