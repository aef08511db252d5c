"""The catalogue: complete, consistent, and honest about names."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from superanimal.errors import InputError, ModelError, NotFoundError
from superanimal.poses import load_space
from superanimal.zoo import get_entry, load_catalog, resolve_detector
from superanimal.zoo.architectures import ARCHITECTURES
from superanimal.zoo.catalog import parse_catalog

POSE = {
    "superanimal_quadruped_hrnet_w32": ("quadruped", 39, 1832),
    "superanimal_quadruped_resnet_50": ("quadruped", 39, 163),
    "superanimal_quadruped_rtmpose_s": ("quadruped", 39, 254),
    "superanimal_topviewmouse_hrnet_w32": ("topviewmouse", 27, 1832),
    "superanimal_topviewmouse_resnet_50": ("topviewmouse", 27, 163),
    "superanimal_bird_resnet_50": ("bird", 42, 163),
    "superanimal_humanbody_rtmpose_x": ("humanbody", 17, 578),
}
DETECTORS = {
    "quadruped": ("fasterrcnn_mobilenet_v3_large_fpn", "fasterrcnn_resnet50_fpn_v2", "ssdlite"),
    "topviewmouse": ("fasterrcnn_mobilenet_v3_large_fpn", "fasterrcnn_resnet50_fpn_v2"),
    "bird": ("fasterrcnn_mobilenet_v3_large_fpn", "ssdlite"),
}


@pytest.mark.parametrize("name", POSE)
def test_released_pose_models(name: str) -> None:
    entry = get_entry(name)
    assert (entry.space, entry.num_keypoints, entry.tensors) == POSE[name]
    assert entry.kind == "pose"
    assert entry.keypoints == load_space(entry.space).keypoints
    assert entry.input_size == ((288, 384) if "humanbody" in name else (256, 256))
    assert entry.mean == (0.485, 0.456, 0.406)
    assert entry.crop_margin == 1.0
    assert entry.head.pixel_shift == 0.0
    assert entry.default_detector == entry.detectors[0]


@pytest.mark.parametrize(("animal", "name"), [(a, n) for a, names in DETECTORS.items() for n in names])
def test_released_detectors(animal: str, name: str) -> None:
    entry = get_entry(f"superanimal_{animal}_{name}")
    assert (entry.kind, entry.space, entry.architecture, entry.num_classes) == ("detector", animal, name, 2)
    assert entry.filename == f"{entry.name}.pt"
    assert entry.compatible_threshold == (0.001 if name == "ssdlite" else 0.6)


def test_every_released_model_is_there_and_no_other() -> None:
    released = {entry.name for entry in load_catalog().values() if entry.name.startswith("superanimal_")}
    detectors = {f"superanimal_{animal}_{name}" for animal, names in DETECTORS.items() for name in names}
    assert released == {*POSE, *detectors}


def test_irregular_file_name_of_the_human_model() -> None:
    entry = get_entry("superanimal_humanbody_rtmpose_x")
    assert entry.repo == "DeepLabCut/HumanBody"
    assert entry.filename == "rtmpose-x_simcc-body7.pt"
    for name in ("rtmpose-x_simcc-body7.pt", "superanimal_humanbody_rtmpose_x.pt"):
        assert load_catalog().by_file(name) == entry


def test_every_entry_is_complete() -> None:
    for entry in load_catalog().values():
        assert ARCHITECTURES[entry.architecture].kind == entry.kind
        assert entry.title
        assert entry.filename
        if entry.embedded:
            assert not entry.licence.must_accept
        else:
            assert entry.tensors
            assert entry.repo or entry.url
            assert entry.licence.must_accept
            assert entry.citation
            assert entry.paper
        if entry.name.startswith("superanimal_"):
            assert "non-commercial" in entry.licence.text
            assert "s41467-024-48792-2" in entry.paper


def test_legs_that_are_sorted_are_pairs_of_a_soft_max_model() -> None:
    sorted_legs = {name: entry for name, entry in load_catalog().items() if entry.limbs}
    assert "mini_quadruped" in sorted_legs
    for entry in sorted_legs.values():
        assert entry.head.kind == "heatmap" and entry.head.activation == "softmax"
        pairs = {frozenset(pair) for pair in load_space(entry.space).pairs}
        for limb in entry.limbs:
            assert len(limb) >= 2 and all(frozenset(pair) in pairs for pair in limb)
            assert all("left" in left and "right" in right for left, right in limb)


def test_unknown_name_lists_the_near_ones_and_is_never_replaced() -> None:
    with pytest.raises(NotFoundError) as caught:
        get_entry("superanimal_quadruped_hrnet_w48")
    assert "superanimal_quadruped_hrnet_w32" in caught.value.remedy
    assert caught.value.exit_code == 3
    with pytest.raises(NotFoundError):
        get_entry("")


def test_detectors_by_short_name() -> None:
    pose = get_entry("superanimal_quadruped_hrnet_w32")
    assert resolve_detector(pose, "ssdlite").name == "superanimal_quadruped_ssdlite"
    assert resolve_detector(pose).name == "superanimal_quadruped_fasterrcnn_resnet50_fpn_v2"
    with pytest.raises(NotFoundError):
        resolve_detector(get_entry("superanimal_topviewmouse_hrnet_w32"), "ssdlite")
    with pytest.raises(ModelError, match="pose model"):
        resolve_detector(pose, pose.name)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"licence": "none"}, "none"),
        ({"colour": "red"}, "colour"),
        ({"kind": "animal"}, "animal"),
        ({"default_detector": "gone"}, "gone"),
    ],
)
def test_a_wrong_entry_is_refused_with_its_value(change: dict[str, str], said: str) -> None:
    licences = {"own": {"title": "t", "text": "x"}}
    good = {"kind": "pose", "title": "t", "architecture": "hrnet_w32", "licence": "own"}
    assert parse_catalog({"licences": licences, "models": {"m": good}})["m"].title == "t"
    with pytest.raises(InputError, match=said):
        parse_catalog({"licences": licences, "models": {"m": {**good, **change}}})


def test_looking_at_the_catalogue_does_not_load_torch() -> None:
    program = (
        "import json, sys; from superanimal.zoo import load_catalog; n = len(load_catalog());"
        "print(json.dumps([n, 'torch' in sys.modules]))"
    )
    out = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    count, has_torch = json.loads(out)
    assert count >= 19
    assert not has_torch
