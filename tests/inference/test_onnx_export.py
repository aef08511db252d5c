from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from superanimal.errors import InputError, ModelError
from superanimal.inference import onnx_export
from superanimal.inference.onnx_export import export_onnx
from superanimal.training.networks.heads import from_scratch
from superanimal.zoo import load_model
from superanimal.zoo.entry import HeadSpec, Licence, ModelEntry
from superanimal.zoo.pose_model import PoseModel


def tiny(architecture: str, options: dict, head: HeadSpec) -> PoseModel:
    names = ("nose", "left_ear", "right_ear")
    entry = ModelEntry(
        "tiny",
        "pose",
        "test",
        architecture,
        Licence("own", "own", ""),
        options=options,
        num_keypoints=3,
        keypoint_names=names,
        input_size=(64, 64),
        head=head,
    )
    return from_scratch(entry, names, seed=1)


@pytest.fixture
def heatmaps() -> PoseModel:
    options = {"deconv": [[3, 2, 0]], "final_conv": False}
    return tiny("cspnext_s", options, HeadSpec(stride=16, locref_std=7.28))


def test_the_outputs_are_those_of_torch_for_any_batch(heatmaps: PoseModel, tmp_path: Path) -> None:
    import onnxruntime

    done = export_onnx(heatmaps, tmp_path / "tiny.onnx")
    assert done.pixels < 0.05 and max(done.differences.values()) < 1e-3
    session = onnxruntime.InferenceSession(str(done.file), providers=["CPUExecutionProvider"])
    pictures = np.random.default_rng(3).integers(0, 256, (5, 64, 64, 3), dtype=np.uint8)
    found = session.run(["heatmap", "locref"], {"image": pictures.transpose(0, 3, 1, 2).astype(np.float32)})
    expected = heatmaps.forward(heatmaps.preprocess(torch.from_numpy(pictures)))
    for name, maps in zip(("heatmap", "locref"), found, strict=True):
        np.testing.assert_allclose(maps, expected[name].numpy(), atol=1e-3 * float(expected[name].std()))
    said = session.get_modelmeta().custom_metadata_map
    assert tuple(json.loads(said["keypoints"])) == heatmaps.keypoints
    assert json.loads(said["head"])["locref_std"] == 7.28


def test_simcc(tmp_path: Path) -> None:
    model = tiny("rtmpose_s", {"input_size": (64, 64)}, HeadSpec("simcc", activation="softmax"))
    assert set(export_onnx(model, tmp_path / "tiny.onnx").differences) == {"simcc_x", "simcc_y"}


@pytest.mark.slow
def test_the_embedded_model(tmp_path: Path) -> None:
    mini = load_model("mini_topviewmouse")
    done = export_onnx(mini, tmp_path / "mini.onnx")
    assert done.pixels < 0.05


def test_a_difference_is_noticed_and_nothing_is_written(
    heatmaps: PoseModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(onnx_export, "TOLERANCE", -1.0)  # nothing is near enough
    with pytest.raises(ModelError, match="differ"):
        export_onnx(heatmaps, tmp_path / "tiny.onnx")
    assert not list(tmp_path.iterdir())


def test_another_ending_is_refused(heatmaps: PoseModel, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="onnx"):
        export_onnx(heatmaps, tmp_path / "tiny.pt")
