"""The sample files in the package are what the renderer says."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from superanimal.errors import NotFoundError
from superanimal.formats import load_poses
from superanimal.samples import sample_names, sample_path
from superanimal.synth.samples import (
    HORSE_FRAMES,
    MOUSE_FRAMES,
    horse_frames,
    horse_gait,
    mouse_frames,
    write_contacts,
)
from superanimal.video import open_video


def test_unknown_sample_lists_the_near_ones() -> None:
    with pytest.raises(NotFoundError, match=r"topview_mouse\.mp4"):
        sample_path("topview_mouze.mp4")
    assert {"topview_mouse.mp4", "sideview_horse.mp4", "sideview_horse_contacts.csv"} <= set(sample_names())


@pytest.mark.parametrize(
    ("name", "frames", "render"),
    [("topview_mouse", MOUSE_FRAMES, mouse_frames), ("sideview_horse", HORSE_FRAMES, horse_frames)],
)
def test_video_and_truth_are_the_rendered_ones(name: str, frames: int, render) -> None:  # type: ignore[no-untyped-def]
    assert sample_path(f"{name}.mp4").stat().st_size < 1_500_000
    truth = load_poses(sample_path(f"{name}_truth.h5"))
    with open_video(sample_path(f"{name}.mp4")) as video:
        assert len(video) == frames == truth.sizes["time"]
        assert video.fps == pytest.approx(30)
        for k, (image, keypoints) in enumerate(itertools.islice(render(), 3)):
            assert image.shape == video[k].shape
            assert np.abs(image.astype(int) - video[k]).mean() < 4
            stored = truth["position"].isel(time=k, individual=0).transpose("keypoint", "space").values
            assert np.allclose(stored, keypoints, atol=1e-3, equal_nan=True)


def test_motion_is_smooth_and_the_mouse_stays_in_the_picture() -> None:
    truth = load_poses(sample_path("topview_mouse_truth.h5"))
    points = truth["position"].isel(individual=0).transpose("time", "keypoint", "space").values
    step = np.linalg.norm(np.diff(points, axis=0), axis=-1)
    assert step.max() < 16
    assert np.median(step[:, 9]) > 1
    assert (points >= 0).all() and (points < [480, 360]).all()


def test_contacts_agree_with_the_truth(tmp_path) -> None:  # type: ignore[no-untyped-def]
    fresh = tmp_path / "contacts.csv"
    write_contacts(fresh, horse_gait(), HORSE_FRAMES)
    assert fresh.read_text() == sample_path("sideview_horse_contacts.csv").read_text()
    truth = load_poses(sample_path("sideview_horse_truth.h5"))
    rows = [line.split(",") for line in fresh.read_text().splitlines()[1:]]
    assert {row[0] for row in rows} == {"back_left", "front_left", "back_right", "front_right"}
    for foot, _, _, down, up in rows:
        hoof = truth["position"].sel(keypoint=f"{foot}_paw").isel(individual=0)
        stance = hoof.isel(time=slice(int(np.ceil(float(down))), int(float(up)))).values
        assert np.ptp(stance, axis=0).max() < 0.01
        before = hoof.isel(time=slice(max(0, int(float(down)) - 4), int(float(down)))).values
        assert len(before) < 3 or np.ptp(before[:, 0]) > 1
