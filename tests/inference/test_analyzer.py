"""The whole pipeline against a known truth."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from blobs import HEIGHT, WIDTH, BlobDetector, BlobPose, walk, write_video

from superanimal.errors import DeviceError, InputError, NotFoundError, VideoError
from superanimal.formats import load_poses
from superanimal.inference import Analysis, Analyzer, analyze
from superanimal.poses import get_provenance
from superanimal.samples import sample_path


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


def test_compatible_mode_is_on_the_lattice(clip: Path, truth: np.ndarray, tmp_path: Path) -> None:
    result = run(clip, tmp_path, mode="compatible")
    boxes = result.poses["boxes"].values[..., 0]
    side = np.maximum(boxes[:, 2], boxes[:, 3]) * 1.5  # crop margin of the dot model
    cells = (positions(result)[:, 0] + 0.5) / (side[:, None, None] / 16)
    assert errors(result, truth).max() < side.max() / 16
    assert len(np.unique(np.round(np.diff(cells, axis=1), 1))) < 200
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


def test_missing_animals_are_nan(clip: Path, tmp_path: Path) -> None:
    result = run(clip, tmp_path, max_individuals=3)
    present = result.poses["position"].notnull().all(("space", "keypoints"))
    assert present.sum("individuals").values.tolist() == [1] * 300
    assert result.poses["confidence"].isnull().equals(result.poses["position"].isnull().any("space"))


def test_a_jump_between_detections_is_noticed(tmp_path: Path) -> None:
    truth = walk(60, seed=1)
    truth[32:] = walk(60, seed=1)[32:, :, :, ::1] * [1, -1] + [0, HEIGHT]  # mirrored: far away at once
    video = write_video(tmp_path / "jump.mp4", truth)
    detector = BlobDetector()
    result = run(video, tmp_path, detector=detector, detector_every=10)
    wrong = errors(result, truth)
    assert np.median(wrong) < 0.15
    assert (wrong.max(axis=(1, 2)) > 1).sum() <= 1  # only the frame of the jump itself
    assert detector.frames_seen <= 9


def test_an_animal_that_leaves_is_absent_until_it_returns(tmp_path: Path) -> None:
    truth = walk(40, seed=1)
    truth[10:23] = np.nan
    video = write_video(tmp_path / "gap.mp4", truth)
    result = run(video, tmp_path, detector_every=5)
    present = result.poses["position"].notnull().all(("space", "keypoints")).values[:, 0]
    assert not present[11:23].any()
    assert present[:10].all() and present[23:].all()


def test_a_blind_detector_frame_is_just_missing(clip: Path, tmp_path: Path) -> None:
    result = run(
        clip, tmp_path, detector=BlobDetector(frozenset({7, 8})), detector_every=1, mode="compatible"
    )
    present = result.poses["position"].notnull().all(("space", "keypoints")).values[:, 0]
    assert np.flatnonzero(~present).tolist() == [7, 8]


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
    truth = load_poses(sample_path("sideview_horse_truth.h5"))["position"].isel(individuals=0)
    truth = truth.isel(time=slice(0, frames)).transpose("keypoints", "time", "space")
    back = truth.sel(keypoints="back_base") - truth.sel(keypoints="back_end")
    length = float(np.linalg.norm(back, axis=-1).mean())
    errors = []
    for track in (True, False):
        options = {"model": "mini_quadruped", "detector": None, "frames": f"0:{frames}", "track": track}
        found = run(video, tmp_path / str(track), **options).poses["position"].isel(individuals=0)
        for pair in ("front", "back"):
            feet = [f"{pair}_left_paw", f"{pair}_right_paw"]
            at = found.sel(keypoints=feet).transpose("keypoints", "time", "space").values
            both = [at - truth.sel(keypoints=names).values for names in (feet, feet[::-1])]  # either name
            errors.append(min(float(np.nanmean(np.linalg.norm(each, axis=-1))) for each in both) / length)
    assert max(errors[:2]) < 0.08 and max(errors[:2]) < 0.5 * min(errors[2:])


def test_one_animal_seen_twice_counts_once(clip: Path, tmp_path: Path) -> None:
    class Double(BlobDetector):
        @staticmethod
        def _boxes(frame: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
            xyxy, scores = BlobDetector._boxes(frame)
            return np.repeat(xyxy, 2, 0) + [[0], [1]], np.repeat(scores, 2)

    result = run(clip, tmp_path, detector=Double(), max_individuals=2, frames="0:40")
    present = result.poses["position"].notnull().all(("space", "keypoints"))
    assert present.sum("individuals").values.max() == 1
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
