from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from superanimal.errors import InputError
from superanimal.labels import ImageRef, LabelledSet
from superanimal.training.data.boxes import assign_boxes, with_detected_boxes
from superanimal.training.finetuning.replay import Memory, remember, replay
from superanimal.zoo.entry import HeadSpec, Licence, ModelEntry
from superanimal.zoo.pose_model import PoseModel

NAMES = ("red", "green", "blue")


class Colours(nn.Module):
    """Finds the reddest, greenest and bluest place: heatmaps at stride 1."""

    def __init__(self) -> None:
        super().__init__()
        self.unused = nn.Parameter(torch.zeros(1))
        self.asked = 0

    def forward(self, pixels: torch.Tensor) -> dict[str, torch.Tensor]:
        self.asked += len(pixels)
        return {"heatmap": 2 * pixels - pixels.sum(1, keepdim=True)}


def colour_model() -> PoseModel:
    entry = ModelEntry(
        "colours",
        "pose",
        "finds colours",
        "none",
        Licence("own", "", ""),
        num_keypoints=3,
        keypoint_names=NAMES,
        input_size=(48, 48),
        mean=(0, 0, 0),
        std=(1, 1, 1),
        head=HeadSpec(stride=1, pixel_shift=0.5),
    )
    return PoseModel(entry, Colours())


def coloured_set(folder: Path, seed: int = 0) -> LabelledSet:
    """Two animals a picture, each three dots; only ``green`` is labelled, the rest is undefined."""
    rng = np.random.default_rng(seed)
    files, truth = [], []
    for i in range(3):
        picture = np.zeros((60, 120, 3), np.uint8)
        for left in (0, 60):
            points = rng.permutation(np.array([[12, 14], [30, 40], [45, 22]])) + [left, 0]
            for channel, (x, y) in enumerate(points):
                picture[y - 2 : y + 3, x - 2 : x + 3, channel] = 255
            truth.append(points)
        files.append(folder / f"{i}.png")
        cv2.imwrite(str(files[-1]), picture[..., ::-1])
    xy = np.array(truth, np.float32)
    visibility = np.full(xy.shape[:2], -1, np.int8)
    visibility[:, 1] = 2
    marked = np.where((visibility > 0)[..., None], xy, np.nan)
    left = np.tile([0.0, 60.0], 3)
    boxes = np.stack([left, np.zeros(6), np.full(6, 60.0), np.full(6, 60.0)], 1)
    labelled = LabelledSet(
        "dots",
        NAMES,
        [ImageRef(str(f), width=120, height=60) for f in files],
        np.repeat(np.arange(3), 2),
        marked,
        visibility,
        boxes=boxes,
    )
    object.__setattr__(labelled, "truth", xy)
    return labelled


def test_each_animal_gets_its_own_prediction(tmp_path: Path) -> None:
    labelled = coloured_set(tmp_path)
    order = np.array([5, 0, 3, 2, 1, 4])  # animals need not come in the order of the images
    mixed = labelled.with_columns(
        image_index=labelled.image_index[order],
        **{k: getattr(labelled, k)[order] for k in ("xy", "visibility", "boxes", "area")},
    )
    filled = replay(mixed, remember(colour_model(), mixed), 0.5)
    assert (filled.visibility == 2).all()
    assert np.abs(filled.xy - labelled.truth[order]).max() < 2.5


def test_asked_once_and_kept(tmp_path: Path) -> None:
    labelled, model, file = coloured_set(tmp_path), colour_model(), tmp_path / "memory.npz"
    first = remember(model, labelled, file)
    assert not file.exists()
    first.save(file)
    again = remember(model, labelled, file)
    assert model.network.asked == 6
    np.testing.assert_array_equal(first.xy, again.xy)
    assert first.provenance == again.provenance and first.provenance["weights"]


@pytest.mark.parametrize("change", ["weights", "pixels", "boxes", "damage"])
def test_asked_again_when_something_changed(tmp_path: Path, change: str) -> None:
    labelled, model, file = coloured_set(tmp_path), colour_model(), tmp_path / "memory.npz"
    remember(model, labelled, file).save(file)
    if change == "weights":
        torch.nn.init.ones_(model.network.unused)
    elif change == "pixels":
        cv2.imwrite(labelled.images[0].path, np.zeros((60, 120, 3), np.uint8))
    elif change == "boxes":
        labelled = labelled.with_columns(boxes=labelled.boxes + 1)
    else:
        file.write_bytes(file.read_bytes()[:50])
    remember(model, labelled, file)
    assert model.network.asked == 12


@st.composite
def cases(draw: st.DrawFn) -> tuple[LabelledSet, Memory, float]:
    animals, rng = draw(st.integers(1, 6)), np.random.default_rng(draw(st.integers(0, 10_000)))
    visibility = rng.choice([-1, 0, 1, 2], (animals, 4)).astype(np.int8)
    xy = np.where((visibility > 0)[..., None], rng.uniform(0, 30, (animals, 4, 2)), np.nan)
    labelled = LabelledSet(
        "s", ("a", "b", "c", "new"), [ImageRef("i", width=30, height=20)], np.zeros(animals), xy, visibility
    )
    sure = rng.choice([0.0, 0.3, 0.7, 0.9, 1.0, np.nan], (animals, 3))
    memory = Memory(("c", "b", "a"), rng.uniform(-10, 40, (animals, 3, 2)), sure, {})
    return labelled, memory, draw(st.sampled_from([0.0, 0.3, 0.7, 0.95, 1.0]))


@settings(deadline=None, max_examples=200)
@given(cases())
def test_labels_are_never_changed_and_doubt_stays_undefined(case: tuple[LabelledSet, Memory, float]) -> None:
    labelled, memory, threshold = case
    filled = replay(labelled, memory, threshold)
    said = labelled.visibility != -1
    np.testing.assert_array_equal(filled.visibility[said], labelled.visibility[said])
    np.testing.assert_array_equal(filled.xy[said], labelled.xy[said])
    column = {name: k for k, name in enumerate(memory.keypoints)}
    for m, k in zip(*np.nonzero(~said), strict=True):
        name = labelled.keypoints[k]
        point = memory.xy[m, column[name]] if name in column else np.array([np.nan, np.nan])
        sure = memory.confidence[m, column[name]] if name in column else np.nan
        taken = sure > threshold and (point > -0.5).all() and (point < [29.5, 19.5]).all()
        assert filled.visibility[m, k] == (2 if taken else -1)
        np.testing.assert_array_equal(filled.xy[m, k], np.float32(point) if taken else [np.nan, np.nan])


def test_threshold_one_is_plain_fine_tuning(tmp_path: Path) -> None:
    labelled = coloured_set(tmp_path)
    filled = replay(labelled, remember(colour_model(), labelled), 1.0)
    np.testing.assert_array_equal(filled.visibility, labelled.visibility)


def test_other_animals_are_refused(tmp_path: Path) -> None:
    labelled = coloured_set(tmp_path)
    memory = remember(colour_model(), labelled)
    with pytest.raises(InputError, match="6 animals for 2"):
        replay(labelled.subset([0]), memory)
    with pytest.raises(InputError, match="threshold"):
        replay(labelled, memory, 1.5)


class TwoBoxes:
    """A detector that sees both halves of the picture, and something else."""

    entry = ModelEntry("halves", "detector", "", "none", Licence("own", "", ""), threshold=0.5)

    def detect(
        self, frames: list[torch.Tensor], long_side: int | None = None
    ) -> list[tuple[np.ndarray, np.ndarray]]:
        boxes = np.array([[62, 2, 118, 58], [1, 1, 60, 59], [0, 0, 5, 5]], np.float32)
        return [(boxes, np.array([0.9, 0.8, 0.2], np.float32)) for _ in frames]


def test_detected_boxes_go_to_the_animal_they_hold(tmp_path: Path) -> None:
    labelled = coloured_set(tmp_path)
    boxes = np.full((6, 4), np.nan, np.float32)
    boxes[5] = 60, 0, 60, 60
    found = with_detected_boxes(labelled.with_columns(boxes=boxes), TwoBoxes())
    np.testing.assert_array_equal(found.boxes[:2], [[1, 1, 59, 58], [62, 2, 56, 56]])
    np.testing.assert_array_equal(found.boxes[5], boxes[5])  # its own box stays


def test_boxes_that_hold_less_than_half_are_not_taken() -> None:
    points = np.array([[[1, 1], [9, 9], [20, 20]], [[50, 50], [52, 52], [np.nan, np.nan]]], float)
    boxes = np.array([[0, 0, 10, 10], [0, 0, 60, 60], [49, 49, 53, 53]], float)
    assert assign_boxes(points, boxes) == [(0, 1), (1, 2)]
    assert assign_boxes(points, boxes[:1]) == [(0, 0)]
    assert assign_boxes(points[1:], boxes[:1]) == []
    assert assign_boxes(points, boxes[:0]) == []
