"""The whole pipeline against a known truth."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from blobs import GREY, HEIGHT, WIDTH, BlobDetector, BlobPose, draw, walk, write_images, write_video

from superanimal.errors import DeviceError, InputError, NotFoundError, VideoError
from superanimal.formats import load_poses
from superanimal.inference import Analysis, Analyzer, analyze
from superanimal.inference.crops import crop_windows
from superanimal.inference.following import PATIENCE
from superanimal.poses import get_provenance
from superanimal.samples import sample_path
from superanimal.video import VideoWarning


def run(video: Path, out: Path, **options: Any) -> Analysis:
    options = {"device": "cpu", "formats": (), "detector": BlobDetector(), **options}
    return Analyzer(options.pop("model", None) or BlobPose(), out=out, **options).run(video)


def positions(result: Analysis) -> np.ndarray:
    """Positions (T, N, K, 2)."""
    return result.poses["position"].values.transpose(0, 3, 2, 1)


def errors(result: Analysis, truth: np.ndarray) -> np.ndarray:
    """Distances (T, N, K) from the truth in pixels."""
    return np.linalg.norm(positions(result) - truth, axis=-1)


@pytest.mark.parametrize("every", [1, 5])
def test_dots_are_found_where_they_are(clip: Path, truth: np.ndarray, tmp_path: Path, every: int) -> None:
    detector = BlobDetector()
    result = run(clip, tmp_path, detector=detector, detector_every=every)
    wrong = errors(result, truth)
    assert wrong.mean() < 0.12 and wrong.max() < 0.35
    assert result.frames_with_animals == 300
    assert detector.frames_seen <= 300 / every + 3
    assert (result.poses["confidence"] > 0.2).all()
    boxes = result.poses["boxes"].values[:, :, 0]
    centre = truth[:, 0].mean(1)
    assert np.abs(boxes[:, :2] + boxes[:, 2:] / 2 - centre).max() < 8


def off_lattice(result: Analysis) -> float:
    """How far, in cells of the heat map, the points lie from cell centres at most."""
    boxes = result.poses["boxes"].values[..., 0].astype(np.float32)
    windows = crop_windows(boxes, (64, 64), 1.5)  # crop margin of the dot model
    crop = (positions(result)[:, 0] + 0.5 - windows.offset[:, None]) / windows.scale[:, None]
    cells = crop / 4 - 0.5  # stride of its head
    return float(np.abs(cells - np.rint(cells)).max())


def test_compatible_mode_is_on_the_lattice(clip: Path, truth: np.ndarray, tmp_path: Path) -> None:
    result = run(clip, tmp_path, mode="compatible")
    boxes = result.poses["boxes"].values[..., 0]
    assert errors(result, truth).max() < 1.5 * boxes[:, 2:].max() / 16
    assert off_lattice(result) < 0.01
    assert off_lattice(run(clip, tmp_path / "enhanced", detector_every=1)) > 0.4
    settings = get_provenance(result.poses)["settings"]
    assert settings["detector_every"] == 1 and settings["track"] is False and settings["precision"] == "fp32"


def test_two_animals_keep_their_names(pair: Path, pair_truth: np.ndarray, tmp_path: Path) -> None:
    result = run(pair, tmp_path, max_individuals=2)
    first = errors(result, pair_truth)
    second = errors(result, pair_truth[:, ::-1])
    assert min(first.max(), second.max()) < 0.5


def test_without_tracking_the_order_is_that_of_the_detector(pair: Path, tmp_path: Path) -> None:
    result = run(pair, tmp_path, max_individuals=2, mode="compatible")
    scores = result.poses["box_confidence"].values
    assert (scores[:, 0] >= scores[:, 1]).all()


class Overlooking(BlobDetector):
    """Sees two animals at first, and then only the one that it saw best."""

    only: np.ndarray | None = None

    def detect(self, frames: Any, long_side: int | None = None) -> list[tuple[np.ndarray, np.ndarray]]:
        found = super().detect(frames, long_side)
        for k, (boxes, scores) in enumerate(found):
            nearest = slice(None)
            if self.only is not None:
                at = int(np.abs(boxes - self.only).sum(1).argmin())
                nearest = slice(at, at + 1)
            found[k] = boxes[nearest], scores[nearest]
            self.only = boxes[nearest][0]
        return found


def test_an_animal_that_the_detector_misses_is_followed_until_it_was_denied_often(
    pair: Path, tmp_path: Path
) -> None:
    every = 5
    result = run(
        pair, tmp_path, max_individuals=2, detector=Overlooking(), detector_every=every, frames=":60"
    )
    there = result.poses["position"].notnull().all(("space", "keypoint")).sum("individual").values
    assert there.tolist() == [2] * (every * (PATIENCE + 1)) + [1] * (60 - every * (PATIENCE + 1))


def test_no_animal_is_where_a_person_gave_no_box(clip: Path, truth: np.ndarray, tmp_path: Path) -> None:
    centre = truth[:30, 0].mean(1)
    boxes = np.concatenate([centre - 20, np.full((30, 2), 40.0)], axis=1)[:, None]
    boxes[10:15] = np.nan
    result = run(clip, tmp_path, detector=None, boxes=boxes, frames=":30")
    there = result.poses["position"].notnull().all(("space", "keypoint"))[:, 0].values
    assert np.flatnonzero(~there).tolist() == list(range(10, 15))


def test_missing_animals_are_nan(clip: Path, tmp_path: Path) -> None:
    result = run(clip, tmp_path, max_individuals=3)
    present = result.poses["position"].notnull().all(("space", "keypoint"))
    assert present.sum("individual").values.tolist() == [1] * 300
    assert result.poses["confidence"].isnull().equals(result.poses["position"].isnull().any("space"))


def test_a_jump_between_detections_is_noticed(tmp_path: Path) -> None:
    truth = walk(60, seed=1)
    truth[32:] = walk(60, seed=1)[32:, :, :, ::1] * [1, -1] + [0, HEIGHT]  # mirrored: far away at once
    video = write_video(tmp_path / "jump.mp4", truth)
    detector = BlobDetector()
    result = run(video, tmp_path, detector=detector, detector_every=10)
    wrong = errors(result, truth)
    assert np.median(wrong) < 0.15
    assert wrong.max() < 0.5  # also in the frame of the jump
    assert detector.frames_seen == 6 + 1


def test_an_animal_that_leaves_is_absent_until_it_returns(tmp_path: Path) -> None:
    truth = walk(40, seed=1)
    truth[10:23] = np.nan
    video = write_video(tmp_path / "gap.mp4", truth)
    result = run(video, tmp_path, detector_every=5)
    present = result.poses["position"].notnull().all(("space", "keypoint")).values[:, 0]
    assert not present[10:23].any()
    assert present[:10].all() and present[23:].all()


def test_a_blind_detector_frame_is_just_missing(clip: Path, tmp_path: Path) -> None:
    result = run(
        clip, tmp_path, detector=BlobDetector(frozenset({7, 8})), detector_every=1, mode="compatible"
    )
    present = result.poses["position"].notnull().all(("space", "keypoint")).values[:, 0]
    assert np.flatnonzero(~present).tolist() == [7, 8]


def test_every_planted_cut_is_noticed_in_its_first_frame(tmp_path: Path) -> None:
    rng = np.random.default_rng(4)
    pieces, first = [], []
    for n in range(12):
        piece = walk(40, seed=n)[20 : 20 + int(rng.integers(3, 9))]
        if n % 2:
            piece = [WIDTH, HEIGHT] - piece
        first.append(sum(map(len, pieces)))
        pieces.append(piece)
    truth = np.concatenate(pieces)
    detector = BlobDetector()
    result = run(write_video(tmp_path / "cuts.mp4", truth), tmp_path, detector=detector)
    assert errors(result, truth)[first].max() < 0.5
    assert errors(result, truth).max() < 0.5
    assert detector.frames_seen < 2 * len(truth) / 3


@pytest.mark.parametrize("kind", ["stills", "large steps", "slow camera"])
def test_without_a_movement_the_detector_sees_every_frame(kind: str, tmp_path: Path) -> None:
    truth = walk(44, seed=3)
    if kind == "stills":
        path = write_images(tmp_path / "stills", [draw(points) for points in truth])
    else:
        path = write_video(tmp_path / "v.mp4", truth, fps=30 if kind == "large steps" else 8)
    frames = "::4" if kind == "large steps" else None
    detector = BlobDetector()
    result = run(path, tmp_path, detector=detector, frames=frames)
    rows = len(result.poses["time"])
    assert detector.frames_seen == rows
    assert errors(result, truth[:: 4 if frames else 1]).max() < 0.5
    chosen = BlobDetector()
    run(path, tmp_path / "chosen", detector=chosen, frames=frames, detector_every=5)  # a person knows better
    assert chosen.frames_seen < rows


def test_a_pause_in_the_film_is_a_frame_for_the_detector(tmp_path: Path) -> None:
    truth = walk(40, seed=3)
    path = write_video(tmp_path / "v.mp4", truth, pauses=(7, 18))
    steady, detector = BlobDetector(), BlobDetector()
    run(write_video(tmp_path / "steady.mp4", truth), tmp_path, detector=steady)
    run(path, tmp_path, detector=detector)
    assert (steady.frames_seen, detector.frames_seen) == (8, 10)


def test_images_of_different_sizes_are_analysed_each_at_its_own(tmp_path: Path) -> None:
    truth = walk(30, seed=6)
    sizes = [(HEIGHT, WIDTH), (HEIGHT + 33, WIDTH + 70), (2 * HEIGHT, 2 * WIDTH)]
    images = []
    for k, points in enumerate(truth):
        height, width = sizes[k % 3]
        images.append(np.full((height, width, 3), GREY, np.uint8))
        dy, dx = height - HEIGHT, width - WIDTH
        images[-1][dy:, dx:] = draw(points)
        truth[k] += [dx, dy]
    detector, model = BlobDetector(), BlobPose()
    result = run(write_images(tmp_path / "stills", images), tmp_path, detector=detector, model=model)
    assert errors(result, truth).max() < 0.5
    assert sorted(set(detector.sizes)) == sorted(sizes)
    alone = run(write_images(tmp_path / "one", images[1:2]), tmp_path)
    assert np.array_equal(positions(alone)[0], positions(result)[1])


def test_the_whole_frame_is_that_of_each_image(tmp_path: Path) -> None:
    images = [np.full((60, 80, 3), GREY, np.uint8), np.full((90, 50, 3), GREY, np.uint8)]
    result = run(write_images(tmp_path / "s", images), tmp_path, detector=None, whole_frame=True)
    assert result.poses["boxes"].values[:, :, 0].tolist() == [[0, 0, 80, 60], [0, 0, 50, 90]]
    with pytest.raises(InputError, match="inside the frame of 50 x 60 pixels"):
        run(tmp_path / "s", tmp_path / "out", roi=(0, 0, 60, 60))


def test_an_image_that_cannot_be_read_has_no_pose(tmp_path: Path) -> None:
    folder = write_images(tmp_path / "s", [draw(points) for points in walk(8, seed=6)])
    (folder / "3.png").write_bytes((folder / "3.png").read_bytes()[:200])
    with pytest.warns(VideoWarning, match=r"3\.png \(frame 3\) cannot be decoded"):
        result = run(folder, tmp_path)
    present = result.poses["position"].notnull().all(("space", "keypoint")).values[:, 0]
    assert np.flatnonzero(~present).tolist() == [3]
    assert result.frames_with_animals == 7


def test_a_box_outside_the_frame_is_no_animal(clip: Path, tmp_path: Path) -> None:
    outside = np.array([[WIDTH + 5, 10, 40, 40], [-50, 10, 40, 40], [20, HEIGHT, 40, 40]], float)
    with pytest.warns(UserWarning, match=r"30 of 30 given boxes lie wholly outside the frame"):
        result = run(clip, tmp_path, detector=None, boxes=outside, max_individuals=3, frames="0:10")
    assert result.frames_with_animals == 0
    assert result.poses["position"].isnull().all()
    with pytest.warns(UserWarning, match=r"5 of 5 given boxes lie wholly outside the region of interest"):
        run(
            clip,
            tmp_path / "roi",
            detector=None,
            boxes=np.array([5.0, 5, 30, 30]),
            roi=(80, 60, 50, 50),
            frames="0:5",
        )


def test_ghosts_do_not_count(clip: Path, truth: np.ndarray, tmp_path: Path) -> None:
    empty = write_video(tmp_path / "empty.mp4", np.full((10, 1, 3, 2), np.nan))
    result = run(empty, tmp_path, detector=None, whole_frame=True)
    assert result.poses["position"].notnull().all()  # they are there to be looked at
    assert result.frames_with_animals == 0
    boxes = np.concatenate([truth[:, 0].mean(1) - 20, np.full((300, 2), 40.0)], axis=1)
    boxes[::2, 0] += np.where(boxes[::2, 0] + 20 < WIDTH / 2, WIDTH / 2, -WIDTH / 2)  # nothing is there
    half = run(clip, tmp_path, detector=None, boxes=boxes, frames="0:40")
    assert half.poses["position"].notnull().all()
    assert half.frames_with_animals == 20


def test_frames_and_stride(clip: Path, truth: np.ndarray, tmp_path: Path) -> None:
    result = run(clip, tmp_path, frames="20:200:7")
    assert result.poses["frame"].values.tolist() == list(range(20, 200, 7))
    assert errors(result, truth[20:200:7]).max() < 0.4


def test_region_of_interest(pair: Path, pair_truth: np.ndarray, tmp_path: Path) -> None:
    result = run(pair, tmp_path, max_individuals=2, roi=(0, HEIGHT // 2, WIDTH, HEIGHT // 2))
    lower = pair_truth[:, 1:]
    best = np.nanmin(np.stack([errors(result, lower)[:, n] for n in range(2)]), axis=0)
    assert result.frames_with_animals == 300
    assert np.median(best) < 0.2
    assert np.nanmin(positions(result)[..., 1]) > HEIGHT // 2 - 5


def test_given_boxes(clip: Path, truth: np.ndarray, tmp_path: Path) -> None:
    centre = truth[:, 0].mean(1)
    boxes = np.concatenate([centre - 20, np.full_like(centre, 40)], axis=1)
    result = run(clip, tmp_path / "a", detector=None, boxes=boxes)
    assert errors(result, truth).max() < 0.4
    assert np.allclose(result.poses["boxes"].values[..., 0], boxes, atol=1e-4)
    np.save(tmp_path / "boxes.npy", boxes[:, None])
    again = run(clip, tmp_path / "b", detector=None, boxes=tmp_path / "boxes.npy", frames="0:300:3")
    assert np.array_equal(positions(again), positions(result)[::3])
    with pytest.raises(InputError, match="boxes of shape"):
        run(clip, tmp_path / "c", detector=None, boxes=boxes[:17, None])
    with pytest.raises(InputError, match="17 boxes per frame were given for at most 1 animals"):
        run(clip, tmp_path / "c", detector=None, boxes=boxes[:17])


def test_whole_frame(clip: Path, truth: np.ndarray, tmp_path: Path) -> None:
    result = run(clip, tmp_path, detector=None, whole_frame=True, model=BlobPose(margin=1.0))
    assert np.median(errors(result, truth)) < 0.5
    assert result.poses["boxes"].values[0, :, 0].tolist() == [0, 0, WIDTH, HEIGHT]


def test_a_second_look(clip: Path, truth: np.ndarray, tmp_path: Path) -> None:
    model = BlobPose()
    result = run(clip, tmp_path, model=model, refine=True, detector_every=1)
    assert sum(model.batches) == 600
    assert errors(result, truth).max() < 0.4


def test_the_model_says_whether_a_second_look_pays(clip: Path, tmp_path: Path) -> None:
    model = BlobPose()
    for wants, options, looks in (
        (False, {}, 1),
        (True, {}, 2),
        (True, {"refine": False}, 1),
        (True, {"mode": "compatible"}, 1),
        (True, {"detector": None, "whole_frame": True}, 1),
    ):
        model.entry, model.batches = replace(model.entry, refine=wants), []
        result = run(clip, tmp_path / f"{wants}{options}", model=model, frames="0:8:2", **options)
        assert sum(model.batches) == 3 + looks  # the detector sees the first of these four frames
        assert get_provenance(result.poses)["settings"]["refine"] is (looks == 2)


def test_what_lies_beyond_the_box_does_not_set_the_second_look(
    clip: Path, truth: np.ndarray, tmp_path: Path
) -> None:
    model = BlobPose(margin=5.0)
    every = run(clip, tmp_path / "all", model=model, refine=True, detector_every=1, frames="0:40")
    model.entry = replace(model.entry, beyond_box=("blue_tail",))
    inner = run(clip, tmp_path / "inner", model=model, refine=True, detector_every=1, frames="0:40")
    body = truth[:40, 0, :2]
    boxes = inner.poses["boxes"].values[..., 0]
    assert np.abs(boxes[:, :2] + boxes[:, 2:] / 2 - body.mean(1)).max() < 1
    assert np.abs(boxes[:, 2:] - np.maximum(np.ptp(body, axis=1), 1)).max() < 1.5
    assert (every.poses["boxes"].values[:, 2, 0] > boxes[:, 2] + 5).all()
    assert errors(inner, truth[:40]).max() < 0.4


def test_legs_of_a_walking_horse_are_kept_apart_over_time(tmp_path: Path) -> None:
    video, frames = sample_path("sideview_horse.mp4"), 60
    truth = load_poses(sample_path("sideview_horse_truth.h5"))["position"].isel(individual=0)
    truth = truth.isel(time=slice(0, frames)).transpose("keypoint", "time", "space")
    back = truth.sel(keypoint="back_base") - truth.sel(keypoint="back_end")
    length = float(np.linalg.norm(back, axis=-1).mean())
    errors = []
    for track in (True, False):
        options = {"model": "mini_quadruped", "detector": None, "frames": f"0:{frames}", "track": track}
        found = run(video, tmp_path / str(track), **options).poses["position"].isel(individual=0)
        for pair in ("front", "back"):
            feet = [f"{pair}_left_paw", f"{pair}_right_paw"]
            at = found.sel(keypoint=feet).transpose("keypoint", "time", "space").values
            both = [at - truth.sel(keypoint=names).values for names in (feet, feet[::-1])]  # either name
            errors.append(min(float(np.nanmean(np.linalg.norm(each, axis=-1))) for each in both) / length)
    assert max(errors[:2]) < 0.08 and max(errors[:2]) < 0.5 * min(errors[2:])


def test_one_animal_seen_twice_counts_once(clip: Path, tmp_path: Path) -> None:
    class Double(BlobDetector):
        @staticmethod
        def _boxes(frame: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
            xyxy, scores = BlobDetector._boxes(frame)
            return np.repeat(xyxy, 2, 0) + [[0], [1]], np.repeat(scores, 2)

    result = run(clip, tmp_path, detector=Double(), max_individuals=2, frames="0:40")
    present = result.poses["position"].notnull().all(("space", "keypoint"))
    assert present.sum("individual").values.max() == 1
    with_nms = run(clip, tmp_path / "nms", detector=Double(), max_individuals=2, frames="0:40", nms=0.5)
    assert np.allclose(positions(with_nms)[:, 0], positions(result)[:, 0], atol=0.1)


def test_threshold(clip: Path, tmp_path: Path) -> None:
    result = run(clip, tmp_path, detector_threshold=1.0, frames="0:20")
    assert result.frames_with_animals == 0
    assert result.poses["position"].isnull().all()


def test_batches_are_full_although_boxes_follow_the_pose(clip: Path, tmp_path: Path) -> None:
    model = BlobPose()
    run(clip, tmp_path, model=model, batch_size=8, detector_every=5, frames="0:240")
    assert max(model.batches) == 8
    assert sum(model.batches) == 240
    assert len(model.batches) <= 240 / 8


def test_provenance(clip: Path, tmp_path: Path) -> None:
    record = get_provenance(run(clip, tmp_path, frames="0:10").poses)
    assert record["action"] == "analyze" and record["model"] == "blobs"
    assert len(record["weights"]) == 64
    assert record["boxes"]["detector"] == "blob_detector"
    assert record["settings"]["mode"] == "enhanced" and record["settings"]["device"] == "cpu"
    assert "torch" in record["versions"]


def test_several_videos(clip: Path, pair: Path, tmp_path: Path) -> None:
    options: dict[str, Any] = {"detector": BlobDetector(), "device": "cpu", "formats": (), "frames": "0:8"}
    both = analyze([clip, pair], BlobPose(), out=tmp_path, **options)
    assert isinstance(both, list) and len(both) == 2
    one = analyze(clip, BlobPose(), out=tmp_path, **options)
    assert not isinstance(one, list) and one.sizes["time"] == 8
    assert sorted(p.name for p in tmp_path.iterdir()) == ["one_blobs.poses.zarr", "two_blobs.poses.zarr"]


def test_errors_of_the_networks_arrive(clip: Path, tmp_path: Path) -> None:
    class Broken(BlobPose):
        def forward(self, x: torch.Tensor) -> dict[str, torch.Tensor]:
            raise RuntimeError("this network is broken")

    with pytest.raises(RuntimeError, match="this network is broken"):
        run(clip, tmp_path, model=Broken())


def test_memory_for_not_even_one_crop(clip: Path, tmp_path: Path) -> None:
    class Starving(BlobPose):
        def forward(self, x: torch.Tensor) -> dict[str, torch.Tensor]:
            raise torch.OutOfMemoryError("CUDA out of memory")

    with pytest.raises(DeviceError, match="out of memory"):
        run(clip, tmp_path, model=Starving())


def test_bad_wishes_are_refused(clip: Path, tmp_path: Path) -> None:
    for options, words in (
        ({"mode": "fast"}, "unknown mode 'fast'"),
        ({"max_individuals": 0}, "max_individuals is 0"),
        ({"detector_threshold": 1.5}, "detector_threshold is 1.5"),
        ({"frames": "5"}, "frames '5'"),
        ({"frames": "900:"}, "selects no frame"),
        ({"frames": "0:10:-1"}, "frame step -1"),
        ({"roi": (0, 0, 1000, 10)}, "region of interest"),
        ({"whole_frame": True}, "more than one of"),
        ({"formats": ("dcl-h5",)}, "unknown format 'dcl-h5'"),
    ):
        with pytest.raises(InputError, match=words):
            run(clip, tmp_path, **options)  # type: ignore[arg-type]


def test_what_is_no_video_is_refused(tmp_path: Path) -> None:
    (tmp_path / "text.mp4").write_text("this is text")
    with pytest.raises(VideoError):
        run(tmp_path / "text.mp4", tmp_path)
    with pytest.raises(NotFoundError):
        analyze(tmp_path / "nothing.mp4", BlobPose(), detector=BlobDetector())
