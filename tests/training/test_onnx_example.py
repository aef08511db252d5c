"""The program on the page docs/onnx.md, run as it stands there, against our own analysis."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
import pytest

from superanimal.inference import analyze
from superanimal.inference.onnx_export import export_onnx
from superanimal.labels import synthetic_labels
from superanimal.training.networks.heads import from_scratch
from superanimal.zoo import load_model
from superanimal.zoo.entry import HeadSpec, Licence, ModelEntry
from superanimal.zoo.pose_model import PoseModel

PAGE = Path(__file__).parents[2] / "docs" / "onnx.md"
NAMES = ("nose", "left_ear", "right_ear")
TOLERANCE = 0.05
"""Crop pixels, as the page says."""
HEADS = {
    "softmax": ("pyramid_pose", {"visibility": True}, HeadSpec(activation="softmax", pixel_shift=0.5)),
    "offsets": (
        "cspnext_s",
        {"deconv": [[3, 2, 0]], "final_conv": False},
        HeadSpec(stride=16, locref_std=7.28),
    ),
    "Gaussians": ("hrnet_w18", {}, HeadSpec(stride=4)),
    "SimCC": (
        "rtmpose_s",
        {"input_size": (64, 96)},
        HeadSpec("simcc", activation="softmax", simcc_temperature=(9.0, 9.0)),
    ),
}


@pytest.fixture(scope="module")
def program() -> SimpleNamespace:
    """The names that the program on the page defines; it may import numpy and onnxruntime only."""
    (text,) = re.findall(r"```python\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    assert set(re.findall(r"^(?:import|from) (\w+)", text, re.MULTILINE)) == {"json", "numpy", "onnxruntime"}
    names: dict[str, object] = {}
    exec(compile(text, str(PAGE), "exec"), names)
    return SimpleNamespace(**names)


def tiny(head: str) -> PoseModel:
    architecture, options, spec = HEADS[head]
    entry = ModelEntry(
        "tiny", "pose", "test", architecture, Licence("own", "own", ""), options=options, num_keypoints=3,
        keypoint_names=NAMES, input_size=(64, 96), head=spec, crop_margin=1.2,
    )  # fmt: skip
    return from_scratch(entry, NAMES, seed=1)


def picture(folder: Path, size: tuple[int, int] = (240, 180)) -> Path:
    """A smooth coloured picture of (width, height)."""
    coarse = np.random.default_rng(5).integers(0, 256, (9, 12, 3), dtype=np.uint8)
    cv2.imwrite(str(folder / "a.png"), cv2.resize(coarse, size, interpolation=cv2.INTER_CUBIC))
    return folder / "a.png"


def both(
    program: SimpleNamespace, model: PoseModel, file: Path, box: list[float], folder: Path
) -> tuple[np.ndarray, np.ndarray, float]:
    """Return the points (K, 2) of the program and of our analysis, and image pixels per crop pixel."""
    target = folder / "model.onnx"
    export_onnx(model, target)
    image = np.ascontiguousarray(cv2.imread(str(file))[..., ::-1])
    poses = program.Poses(str(target))
    theirs, sure = poses(image, box)
    assert sure.shape == (len(model.keypoints),) and poses.keypoints == list(model.keypoints)
    ours = analyze(
        file, model=model, boxes=np.array([[box]], np.float32), refine=False, out=folder / "run",
        device="cpu", formats=(),
    )  # fmt: skip
    scale = program.crop(image, box, poses.size, poses.margin)[2].max()
    return theirs, ours["position"].values[0, :, :, 0].T, float(scale)


@pytest.mark.parametrize(
    "box",
    [
        pytest.param([30.2, 20.7, 150.5, 101.3], id="large"),
        pytest.param([-20.5, 60.5, 33.0, 41.0], id="edge", marks=pytest.mark.slow),
    ],
)
@pytest.mark.parametrize(
    "head", [pytest.param(head, marks=[pytest.mark.slow] * (head == "Gaussians")) for head in HEADS]
)  # HRNet takes a minute
def test_the_program_on_the_page_gives_the_points_of_analyze(
    program: SimpleNamespace, tmp_path: Path, head: str, box: list[float]
) -> None:
    theirs, ours, scale = both(program, tiny(head), picture(tmp_path), box, tmp_path)
    assert np.isfinite(ours).all()
    np.testing.assert_allclose(theirs, ours, atol=TOLERANCE * scale)


def test_the_crops_are_ours(program: SimpleNamespace) -> None:
    from superanimal.inference.crops import crop_windows, cut

    random = np.random.default_rng(0)
    image = cv2.resize(random.integers(0, 256, (9, 12, 3), dtype=np.uint8), (200, 150))
    for _ in range(30):
        box = np.float32([*random.uniform(-50, 180, 2), *random.uniform(5, 250, 2)])
        windows = crop_windows(box[None], (64, 96), 1.3)
        expected = cut(image, windows.offset[0], windows.extent[0], (64, 96), antialias=True)
        found, corner, scale = program.crop(image, box, (64, 96), 1.3)
        assert (corner == windows.offset[0]).all() and np.allclose(scale, windows.scale[0])
        assert np.abs(found - expected).max() <= 2  # OpenCV resizes bytes with fewer digits


def test_the_file_says_all_that_the_program_needs(tmp_path: Path, program: SimpleNamespace) -> None:
    import onnxruntime

    model = tiny("SimCC")
    export_onnx(model, tmp_path / "tiny.onnx")
    session = onnxruntime.InferenceSession(str(tmp_path / "tiny.onnx"), providers=["CPUExecutionProvider"])
    said = session.get_modelmeta().custom_metadata_map
    read: Callable[[str], object] = lambda key: json.loads(said[key])  # noqa: E731
    assert read("input") == {
        "name": session.get_inputs()[0].name,
        "layout": "batch, channel, height, width",
        "type": "float32",
        "channels": "RGB",
        "range": [0, 255],
        "size": {"width": 64, "height": 96},
    }
    assert read("normalisation") == {
        "mean": list(model.entry.mean),
        "std": list(model.entry.std),
        "of_range": [0, 1],
        "inside": True,
    }
    assert read("crop")["margin"] == 1.2 and "black" in read("crop")["rule"]  # type: ignore[index]
    assert tuple(read("keypoints")) == NAMES and read("second_look") is False  # type: ignore[arg-type]


@pytest.mark.slow
def test_the_built_in_mouse_too(program: SimpleNamespace, tmp_path: Path) -> None:
    mice = synthetic_labels(tmp_path / "mice", 1, seed=4)
    x, y, width, height = mice.boxes_or_extent(10)[0].tolist()
    model = load_model("mini_topviewmouse")
    theirs, ours, scale = both(program, model, Path(mice.images[0].path), [x, y, width, height], tmp_path)
    near = np.linalg.norm(theirs - ours, axis=1) < TOLERANCE * scale
    assert near.mean() > 0.9  # a point hidden in the picture may have two peaks
