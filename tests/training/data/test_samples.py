"""Crops are those of inference; samples are a function of seed and position; sources are weighted."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from dots import NAMES, SOFTMAX, dots_space, make_dots, tiny_model

from superanimal.errors import InputError
from superanimal.inference.crops import CropWindows
from superanimal.labels import LabelledSet, concatenate
from superanimal.training.data.samples import PoseSamples, data_hash, usable_animals
from superanimal.training.loop.batches import Stream, find_batch_size
from superanimal.training.loop.recipe import Augmentation, Recipe
from superanimal.training.loop.task import PoseTask
from superanimal.zoo.entry import HeadSpec

RECIPE = Recipe(steps=1)


@pytest.fixture(scope="module")
def dots(tmp_path_factory: pytest.TempPathFactory) -> LabelledSet:
    return make_dots(tmp_path_factory.mktemp("dots"), 6)


def samples_of(labelled: LabelledSet, recipe: Recipe = RECIPE, **options: object) -> PoseSamples:
    head = options.pop("head", SOFTMAX)
    entry = tiny_model(head=head).entry  # type: ignore[arg-type]
    return PoseSamples(labelled, dots_space(), entry, recipe, **options)  # type: ignore[arg-type]


@pytest.mark.parametrize("shift", [0.0, 0.5])
def test_points_are_what_the_decoder_turns_back_into_labels(dots: LabelledSet, shift: float) -> None:
    head = replace(SOFTMAX, pixel_shift=shift)
    samples = samples_of(dots, head=head, augmented=False)
    for n in range(len(samples)):
        windows = samples.windows
        one = CropWindows(windows.offset[[n]], windows.extent[[n]], windows.size)
        back = one.to_image(samples[n]["points"].numpy()[None].astype(float)) - shift
        assert np.abs(back[0] - dots.xy[n]).max() < 1e-3


def test_sample_is_a_function_of_seed_and_position(dots: LabelledSet, tmp_path: Path) -> None:
    a, b = samples_of(dots), samples_of(dots, cache=tmp_path)
    other = samples_of(dots, Recipe(steps=1, seed=1))
    for n in (0, 4, 17, 17):
        one, two = a[n], b[n]
        assert all(torch.equal(one[key], two[key]) for key in one)
        assert not torch.equal(one["image"], other[n]["image"])
    assert not torch.equal(a[0]["image"], a[len(a) * 3]["image"])


def test_each_pass_shows_every_animal_once(dots: LabelledSet) -> None:
    samples = samples_of(dots)
    for turn in range(3):
        drawn = [samples.draw(turn * 6 + n) for n in range(6)]
        assert sorted(drawn) == list(range(6))


def test_an_image_is_decoded_once(dots: LabelledSet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pair = concatenate([dots.subset([0]), dots.subset([1])])
    pair = pair.with_columns(image_index=np.zeros(2, np.int64))  # two animals in one image
    decoded: list[int] = []
    pixels = LabelledSet.pixels
    monkeypatch.setattr(LabelledSet, "pixels", lambda self, i: decoded.append(i) or pixels(self, i))
    samples = samples_of(pair, cache=tmp_path)
    for n in range(8):
        samples[n]
    assert decoded == [0]
    again = samples_of(pair, cache=tmp_path)
    again[0]
    assert decoded == [0]


def test_a_set_larger_than_the_cache_is_decoded_anew(dots: LabelledSet, tmp_path: Path) -> None:
    samples = samples_of(dots, replace(RECIPE, cache_gb=0.0), cache=tmp_path)
    assert torch.equal(samples[3]["image"], samples_of(dots)[3]["image"])
    assert list(tmp_path.iterdir()) == []


def test_points_outside_the_crop_are_absent_and_near_its_edge_undefined(dots: LabelledSet) -> None:
    xy = dots.xy.copy()
    xy[0, 0], xy[0, 1] = (300, 300), (64 + 2, 32)  # far away; two pixels beyond the right edge
    labelled = dots.with_columns(xy=xy, boxes=np.tile(np.float32([0, 0, 64, 64]), (6, 1)))
    entry = replace(tiny_model().entry, crop_margin=1.0)
    samples = PoseSamples(labelled, dots_space(), entry, RECIPE, augmented=False)
    sample = samples[0]
    assert sample["visibility"].tolist() == [0, -1, 2, 2]
    assert sample["points"][0].tolist() == [0, 0]


def test_animals_without_box_get_one_from_their_points(dots: LabelledSet) -> None:
    visibility, xy = dots.visibility.copy(), dots.xy.copy()
    visibility[0], xy[0] = -1, np.nan  # nothing defined
    visibility[1], xy[1] = 0, np.nan  # nothing there and no box
    bare = dots.with_columns(visibility=visibility, xy=xy, boxes=None)
    rows, boxes = usable_animals(bare, whole_frame=False)
    assert rows.tolist() == [2, 3, 4, 5]
    assert np.allclose(boxes[0, :2], dots.xy[2].min(0) - 20)
    nothing = bare.subset([0, 1])
    with pytest.raises(InputError, match="no animal to train on"):
        usable_animals(nothing, whole_frame=False)


def test_sources_are_drawn_as_weighted(tmp_path: Path) -> None:
    small, large = make_dots(tmp_path, 2, source="small"), make_dots(tmp_path, 8, source="large")
    both = concatenate([small, large])

    def share(recipe: Recipe) -> float:
        samples = samples_of(both, recipe)
        return float(np.mean([samples.draw(n) < 2 for n in range(4000)]))

    assert share(RECIPE) == pytest.approx(0.2)
    assert share(replace(RECIPE, balance="sources")) == pytest.approx(0.5, abs=0.03)
    assert share(replace(RECIPE, balance="root")) == pytest.approx(1 / 3, abs=0.03)
    assert share(replace(RECIPE, source_weights={"small": 4.0})) == pytest.approx(0.5, abs=0.03)
    assert share(replace(RECIPE, source_weights={"large": 0.0})) == 1.0
    with pytest.raises(InputError, match="sources are large, small"):
        samples_of(both, replace(RECIPE, source_weights={"smal": 2.0}))


def test_stream_gives_each_process_its_own_samples() -> None:
    streams = [Stream(batch=3, batches=2, rank=rank, world=2) for rank in (0, 1)]
    first = [list(stream) for stream in streams]
    assert first == [[0, 1, 2, 6, 7, 8], [3, 4, 5, 9, 10, 11]]
    for stream in streams:
        stream.set_epoch(1)
    assert sorted([*streams[0], *streams[1]]) == list(range(12, 24))


def test_data_hash_changes_with_labels_only(dots: LabelledSet) -> None:
    moved = dots.xy.copy()
    moved[0, 0, 0] += 0.25
    assert data_hash(dots) == data_hash(dots.with_columns(licence="x"))
    assert data_hash(dots) != data_hash(dots.with_columns(xy=moved))
    assert data_hash(dots) != data_hash(dots.subset(range(5)))


def test_batch_size_is_found(dots: LabelledSet) -> None:
    task = PoseTask(tiny_model(), samples_of(dots), None, RECIPE)
    assert find_batch_size(task, replace(RECIPE, device="cpu")) == 4  # of six samples


def test_simcc_points_are_pixels(dots: LabelledSet) -> None:
    head = HeadSpec("simcc", stride=1, activation="softmax", pixel_shift=0.5)
    points = samples_of(dots, head=head, augmented=False)[0]["points"]
    assert torch.equal(points, samples_of(dots, augmented=False)[0]["points"])


def test_mirrored_weights_follow_their_points(dots: LabelledSet) -> None:
    recipe = Recipe(steps=1, augmentation=replace(Augmentation.none(), flip=1.0))
    weights = np.tile(np.float32([1, 2, 3, 4]), (6, 1))
    assert samples_of(dots, recipe, point_weights=weights)[0]["weight"].tolist() == [1, 3, 2, 4]
    with pytest.raises(InputError, match="point_weights"):
        samples_of(dots, recipe, point_weights=weights[:2])
    assert len(NAMES) == 4
