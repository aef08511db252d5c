"""Networks carry the tensor names of the released files and compute what DeepLabCut computes."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from golden import fixture, rule_state, seeded

from superanimal.errors import NotFoundError
from superanimal.zoo import PoseModel, get_entry, load_catalog
from superanimal.zoo.architectures import build_network

POSE = [
    "superanimal_quadruped|hrnet_w32",
    "superanimal_topviewmouse|hrnet_w32",
    "superanimal_quadruped|resnet_50",
    "superanimal_bird|resnet_50",
    "superanimal_quadruped|rtmpose_s",
    "superanimal_humanbody|rtmpose_x",
]
GOLDEN = [POSE[0], POSE[2], POSE[4], POSE[5]]
DETECTORS = ["fasterrcnn_mobilenet_v3_large_fpn", "fasterrcnn_resnet50_fpn_v2", "ssdlite"]
COUNTER = "num_batches_tracked"
HEADS = {"heatmap": "heatmap", "locref": "locref", "x": "simcc_x", "y": "simcc_y"}
# mean and standard deviation of DeepLabCut's output for the rule's weights, for a clone without fixtures
FACTS = {
    "superanimal_quadruped|hrnet_w32": {"heatmap": (-13.64917, 953.63513)},
    "superanimal_quadruped|resnet_50": {"heatmap": (0.43506, 5.67956), "locref": (0.08214, 3.76384)},
    "superanimal_quadruped|rtmpose_s": {"simcc_x": (-0.00227, 1.32405)},
    "superanimal_humanbody|rtmpose_x": {"simcc_y": (-0.01089, 1.11132)},
}


def model_of(name: str) -> PoseModel:
    entry = get_entry(name.replace("|", "_"))
    network = build_network(entry.architecture, entry.outputs, **entry.options)
    network.load_state_dict(rule_state(network))
    return PoseModel(entry, network)


def golden_image(entry_size: tuple[int, int]) -> torch.Tensor:
    width, height = entry_size
    image = seeded("input").integers(0, 256, (height, width, 3), dtype=np.uint8)
    return torch.from_numpy(image)[None]


@pytest.mark.parametrize("name", POSE)
def test_pose_tensor_names_and_shapes(name: str) -> None:
    expected = fixture("keys_pose.json")[name]
    entry = get_entry(name.replace("|", "_"))
    with torch.device("meta"):
        network = build_network(entry.architecture, entry.outputs, **entry.options)
    assert {key: list(value.shape) for key, value in network.state_dict().items()} == expected


@pytest.mark.parametrize(
    "name", ["fasterrcnn_mobilenet_v3_large_fpn", "fasterrcnn_resnet50_fpn_v2", "ssdlite"]
)
def test_detector_tensor_names_and_shapes(name: str) -> None:
    expected = {
        k: v for k, v in fixture("keys_det.json")[name].items() if not k.endswith("num_batches_tracked")
    }
    with torch.device("meta"):
        state = build_network(name, 2).state_dict()
    found = {k: list(v.shape) for k, v in state.items() if not k.endswith(COUNTER)}
    assert found == expected


def test_number_of_tensors_is_that_of_the_catalogue() -> None:
    for entry in load_catalog().values():
        if entry.tensors:
            with torch.device("meta"):
                network = build_network(entry.architecture, entry.outputs, **entry.options)
            assert len(network.state_dict()) == entry.tensors, entry.name


@pytest.mark.parametrize("name", GOLDEN)
def test_forward_equals_deeplabcut(name: str) -> None:
    from superanimal.inference.crops import CropWindows
    from superanimal.inference.decode import decode

    model = model_of(name)
    size = model.entry.input_size
    heads = model.forward(model.preprocess(golden_image(size)))
    for head, (mean, std) in FACTS[name].items():
        assert float(heads[head].mean()) == pytest.approx(mean, abs=1e-3 * std)
        assert float(heads[head].std()) == pytest.approx(std, rel=1e-3)
    golden = fixture("golden_forward.json")[name]
    for key, facts in golden.items():
        if key == "poses":
            continue
        values = heads[HEADS[key.removeprefix("bodypart.")]]
        assert list(values.shape) == facts["shape"]
        sampled = values.contiguous().flatten()[facts["idx"]].numpy()
        np.testing.assert_allclose(sampled, facts["val"], rtol=1e-3, atol=1e-4 * facts["std"])
    windows = CropWindows(np.zeros((1, 2), np.int64), np.array([size]), size)
    points, confidence = decode(heads, model.head, windows, subpixel=False)
    poses = np.array(golden["poses"])[0, 0]
    np.testing.assert_allclose(points[0], poses[:, :2], atol=2e-3)
    np.testing.assert_allclose(confidence[0], poses[:, 2], atol=2e-5)


def test_crop_equals_deeplabcut() -> None:
    from superanimal.inference.crops import crop_windows, cut

    golden = fixture("golden_crop.json")
    image = seeded("img").integers(0, 256, (480, 640, 3), dtype=np.uint8)
    for case in golden:
        x, y, width, height = case["bbox"]
        margin = case["margin"]
        box = np.array([[x - margin, y - margin, width + 2 * margin, height + 2 * margin]], dtype=np.float64)
        windows = crop_windows(box, tuple(case["size"]))
        assert windows.offset[0].tolist() == case["offset"], case
        np.testing.assert_allclose(windows.scale[0], case["scale"], rtol=1e-12)
        crop = cut(image, windows.offset[0], windows.extent[0], windows.size)
        assert list(crop.shape) == case["shape"]
        assert int(crop.sum()) == pytest.approx(case["sum"], rel=1e-3)


def test_a_batch_gives_what_single_crops_give() -> None:
    model = model_of("superanimal_quadruped|rtmpose_s")
    crops = torch.from_numpy(seeded("batch").integers(0, 256, (3, 256, 256, 3), dtype=np.uint8))
    together = model.forward(model.preprocess(crops))
    for i in range(3):
        alone = model.forward(model.preprocess(crops[i : i + 1]))
        for name, values in alone.items():
            torch.testing.assert_close(together[name][i : i + 1], values, rtol=1e-3, atol=1e-3)


def test_half_precision_network_takes_uint8_crops() -> None:
    model = model_of("superanimal_quadruped|rtmpose_s").to(dtype=torch.bfloat16)
    x = model.preprocess(torch.zeros(1, 256, 256, 3, dtype=torch.uint8))
    assert x.dtype == torch.bfloat16
    assert model.forward(x)["simcc_x"].shape == (1, 39, 512)


def test_unknown_architecture() -> None:
    with pytest.raises(NotFoundError, match="hrnet_w31"):
        build_network("hrnet_w31", 27)
