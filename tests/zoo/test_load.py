"""From names and files to networks: released, user-trained, wrong ones."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import yaml

from superanimal.errors import ModelError, NotFoundError
from superanimal.zoo import load_detector, load_model
from superanimal.zoo.architectures import build_network
from superanimal.zoo.weights import locate


def save(
    path: Path, architecture: str, outputs: int, config: dict[str, Any] | None = None, **options: Any
) -> Path:
    torch.manual_seed(0)
    network = build_network(architecture, outputs, **options)
    torch.save({"model": network.state_dict(), "metadata": {"epoch": 1}}, path)
    if config is not None:
        (path.parent / "pytorch_config.yaml").write_text(yaml.safe_dump(config))
    return path


def test_wrong_animal_names_both(tmp_path: Path) -> None:
    path = save(tmp_path / "superanimal_quadruped_rtmpose_s.pt", "rtmpose_s", 27)
    with pytest.raises(ModelError) as caught:
        load_model(path)
    for said in ("27 keypoints", "topviewmouse", "39", "quadruped"):
        assert said in caught.value.problem


def test_both_names_of_the_human_model_are_accepted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    torch.manual_seed(0)
    path = tmp_path / "rtmpose-x_simcc-body7.pt"
    save(path, "rtmpose_x", 17, input_size=(288, 384))
    first = load_model(path)
    other = path.rename(tmp_path / "superanimal_humanbody_rtmpose_x.pt")
    second = load_model(other)
    assert first.entry == second.entry
    assert first.entry.name == "superanimal_humanbody_rtmpose_x"
    assert first.sha256 == second.sha256
    monkeypatch.setenv("SUPERANIMAL_HOME", str(tmp_path))
    assert locate(first.entry).path == other
    heads = first.forward(first.preprocess(torch.zeros(1, 384, 288, 3, dtype=torch.uint8)))
    assert {name: tuple(value.shape) for name, value in heads.items()} == {
        "simcc_x": (1, 17, 576),
        "simcc_y": (1, 17, 768),
    }


BODYPARTS = ["snout", "ear", "tail"]
HEADS: dict[str, Any] = {"predictor": {"location_refinement": True, "locref_std": 7.2801}}


def user_config(**changes: Any) -> dict[str, Any]:
    return {
        "method": "td",
        "net_type": "hrnet_w32",
        "metadata": {"bodyparts": BODYPARTS},
        "model": {"backbone": {"output_stride": 16}, "heads": {"bodypart": HEADS}},
        "data": {"inference": {"top_down_crop": {"width": 256, "height": 256}}},
        **changes,
    }


@pytest.mark.parametrize(
    ("architecture", "options", "stride"),
    [
        ("hrnet_w18", {}, 4),
        ("resnet_50", {}, 16),
        ("resnet_101", {"backbone": "resnet101"}, 16),
        ("cspnext_s", {}, 32),
    ],
)
def test_snapshots_of_users(tmp_path: Path, architecture: str, options: dict[str, Any], stride: int) -> None:
    head = {"deconv": (), "final_conv": True, "locref": True}
    path = save(tmp_path / "snapshot-best-050.pt", architecture, 3, user_config(), **head, **options)
    model = load_model(path)
    assert model.keypoints == tuple(BODYPARTS)
    assert (model.head.stride, model.head.locref_std) == (stride, 7.2801)
    heads = model.forward(model.preprocess(torch.zeros(1, 256, 256, 3, dtype=torch.uint8)))
    assert tuple(heads["heatmap"].shape) == (1, 3, 256 // stride, 256 // stride)
    assert heads["locref"].shape[1] == 6


def test_snapshot_of_rtmpose_with_its_own_crop_size(tmp_path: Path) -> None:
    path = save(tmp_path / "snapshot-010.pt", "rtmpose_m", 3, user_config(), input_size=(192, 256))
    model = load_model(path)
    assert model.entry.architecture == "rtmpose_m"
    assert model.entry.input_size == (192, 256)
    assert model.head.simcc_temperature == pytest.approx((900.0, 1039.5))


def test_snapshot_with_two_transposed_convolutions(tmp_path: Path) -> None:
    config = user_config()
    config["model"]["heads"]["bodypart"] = {
        "predictor": {"location_refinement": False, "apply_sigmoid": True},
        "heatmap_config": {"strides": [2, 2]},
    }
    deconv = ((3, 2, 64), (3, 2, 0))
    path = save(tmp_path / "snapshot-200.pt", "resnet_50", 3, config, deconv=deconv, locref=False)
    model = load_model(path)
    assert (model.head.stride, model.head.activation, model.head.locref_std) == (4, "sigmoid", None)
    assert (
        model.forward(model.preprocess(torch.zeros(1, 64, 64, 3, dtype=torch.uint8)))["heatmap"].shape[1] == 3
    )


def test_snapshot_without_configuration_has_numbered_keypoints(tmp_path: Path) -> None:
    model = load_model(save(tmp_path / "mine.pt", "rtmpose_s", 3))
    assert model.keypoints == ("keypoint0", "keypoint1", "keypoint2")
    model = load_model(save(tmp_path / "mouse.pt", "rtmpose_s", 27))
    assert model.entry.space == "topviewmouse"


def test_configuration_of_another_snapshot_is_refused(tmp_path: Path) -> None:
    path = save(tmp_path / "snapshot-010.pt", "rtmpose_s", 5, user_config())
    with pytest.raises(ModelError, match=r"5 keypoints.*names 3"):
        load_model(path)


@pytest.mark.parametrize(
    ("extra", "method", "said"),
    [
        ({}, "bu", "bottom-up"),
        ({}, "ctd", "conditional"),
        ({"heads.identity.heatmap_head.final_conv.bias": torch.zeros(2)}, "td", "identity"),
        ({"heads.bodypart.paf_head.deconv_layers.0.bias": torch.zeros(2)}, "td", "paf_head"),
    ],
)
def test_what_is_not_supported_says_so(tmp_path: Path, extra: dict[str, Any], method: str, said: str) -> None:
    network = build_network("rtmpose_s", 3)
    state = {**network.state_dict(), **extra}
    if extra:
        state = {k: v for k, v in state.items() if ".cls_" not in k}
    torch.save({"model": state}, tmp_path / "snapshot.pt")
    (tmp_path / "pytorch_config.yaml").write_text(yaml.safe_dump(user_config(method=method)))
    with pytest.raises(ModelError, match=said) as caught:
        load_model(tmp_path / "snapshot.pt")
    assert "supported" in caught.value.rule


def test_configuration_that_deeplabcut_wrote_for_paf_is_refused(tmp_path: Path) -> None:
    from golden import FIXTURES

    found = sorted(FIXTURES.glob("files/proj/taskMA*/dlc-models-pytorch/**/pytorch_config.yaml"))
    if not found:
        pytest.skip("the DeepLabCut fixtures are not here")
    path = save(tmp_path / "snapshot-010.pt", "resnet_50", 3)
    (tmp_path / "pytorch_config.yaml").write_text(found[0].read_text())
    with pytest.raises(ModelError, match="'bu'"):
        load_model(path)


def test_adapted_snapshot_with_the_configuration_deeplabcut_wrote(tmp_path: Path) -> None:
    from golden import FIXTURES

    config = FIXTURES / "files/adapt/pseudo_vid2/checkpoints/pytorch_config.yaml"
    if not config.exists():
        pytest.skip("the DeepLabCut fixtures are not here")
    path = save(tmp_path / "snapshot-hrnet_w32-201.pt", "hrnet_w18", 39)
    (tmp_path / "pytorch_config.yaml").write_text(config.read_text())
    model = load_model(path)
    assert model.keypoints[24] == "front_left_thai"
    assert (model.head.stride, model.head.locref_std, model.entry.input_size) == (4, None, (256, 256))


def test_names_and_kinds() -> None:
    with pytest.raises(NotFoundError, match="mini_topviewmouse"):
        load_model("mini_topviewmous")
    with pytest.raises(NotFoundError):
        load_model("nowhere.pt")
    with pytest.raises(ModelError, match="detector model"):
        load_model("superanimal_quadruped_ssdlite")
    with pytest.raises(ModelError, match="not on this computer") as caught:
        load_detector("superanimal_quadruped_ssdlite")
    assert "superanimal models download superanimal_quadruped_ssdlite" in caught.value.text("shell")


def test_detector_finds_boxes_in_image_pixels_best_first(ssdlite_file: Path) -> None:
    detector = load_detector(ssdlite_file)
    assert detector.double_normalisation
    generator = np.random.default_rng(0)
    frames = [
        torch.from_numpy(generator.integers(0, 256, (h, w, 3), dtype=np.uint8))
        for h, w in ((90, 160), (64, 64))
    ]
    found = detector.detect(frames)
    for (boxes, scores), frame in zip(found, frames, strict=True):
        height, width = frame.shape[:2]
        assert boxes.shape == (len(scores), 4)
        assert boxes.dtype == scores.dtype == np.float32
        assert len(scores) > 0
        assert (np.diff(scores) <= 0).all()
        assert boxes.min() >= 0
        assert boxes[:, [0, 2]].max() <= width
        assert boxes[:, [1, 3]].max() <= height
    again = detector.detect(torch.stack([frames[0], frames[0]]))
    np.testing.assert_allclose(again[1][0], found[0][0], atol=1e-2)


def test_detector_normalises_twice_as_deeplabcut_does(ssdlite_file: Path) -> None:
    detector = load_detector(ssdlite_file)
    white = torch.full((8, 8, 3), 255, dtype=torch.uint8)
    (image,) = detector.preprocess([white])
    np.testing.assert_allclose(
        image[:, 0, 0], (1 - np.array([0.485, 0.456, 0.406])) / [0.229, 0.224, 0.225], rtol=1e-5
    )


def test_torchvision_person_detector_keeps_people_only(tmp_path: Path) -> None:
    torch.manual_seed(0)
    network = build_network("fasterrcnn_mobilenet_v3_large_fpn", 91)
    network.model.transform.min_size = (96,)
    network.model.roi_heads.box_predictor.cls_score.bias.data[[1, 17]] += 3.0
    path = tmp_path / "fasterrcnn_mobilenet_v3_large_fpn-fb6a3cc7.pth"
    torch.save(network.model.state_dict(), path)  # torchvision's own layout: no prefix
    detector = load_detector(path)
    assert detector.entry.name == "person_fasterrcnn_mobilenet_v3_large_fpn"
    assert not detector.double_normalisation
    detector.network.model.transform.min_size = (96,)
    frame = torch.from_numpy(np.random.default_rng(0).integers(0, 256, (120, 160, 3), dtype=np.uint8))
    ((_, scores),) = detector.detect([frame])
    everything = network([frame.permute(2, 0, 1) / 255])[0]
    people = everything["scores"][everything["labels"] == 1]
    assert 0 < len(people) < len(everything["labels"])
    np.testing.assert_allclose(scores, people.detach().numpy(), rtol=1e-5)
