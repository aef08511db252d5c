"""Frames in memory give the poses of the same frames in a file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import dask.array as da
import numpy as np
import pytest
from blobs import BlobDetector, BlobPose, draw, walk

from superanimal.errors import InputError
from superanimal.inference import Analyzer, predict, stream
from superanimal.samples import sample_path
from superanimal.video import open_video


def options(**more: object) -> dict:
    return {"detector": BlobDetector(), "device": "cpu", "batch_size": 8, "max_individuals": 2, **more}


@pytest.fixture(scope="module")
def frames() -> np.ndarray:
    return np.stack([draw(points) for points in walk(300, animals=2)])


def test_an_array_gives_what_an_analysis_of_the_video_gives(tmp_path: Path) -> None:
    mouse = sample_path("topview_mouse.mp4")
    run = Analyzer("mini_topviewmouse", device="cpu", frames="0:60", formats=(), out=tmp_path).run(mouse)
    with open_video(mouse) as video:
        first = np.asarray(video[:60])
        poses = predict(first, "mini_topviewmouse", fps=video.fps, device="cpu")
    assert poses["position"].dims == run.poses["position"].dims
    np.testing.assert_array_equal(poses["time"], run.poses["time"])
    off = np.linalg.norm((poses["position"] - run.poses["position"]).values, axis=1)
    assert np.nanmax(off) < 1.0  # an analysis looks first at frames of the whole video


def test_arrays_and_iterables_of_any_kind(frames: np.ndarray) -> None:
    truth = walk(300, animals=2)
    poses = predict(frames, BlobPose(), fps=30, **options())
    found = poses["position"].transpose("time", "individual", "keypoint", "space").values
    off = min(np.abs(found - truth[:, order]).max() for order in ([0, 1], [1, 0]))
    assert off < 1 and poses.sizes["time"] == 300
    lazy = predict(da.from_array(frames, chunks=(50, -1, -1, -1)), BlobPose(), fps=30, **options())
    one_by_one = predict((frame for frame in frames), BlobPose(), fps=30, **options())
    for other in (lazy, one_by_one):
        np.testing.assert_array_equal(other["position"], poses["position"])


def test_a_stream_gives_each_frame_as_it_comes(frames: np.ndarray) -> None:
    taken = []

    def camera() -> Iterator[np.ndarray]:
        for k, frame in enumerate(frames[:20]):
            taken.append(k)
            yield frame

    detector, model = BlobDetector(), BlobPose()
    found = []
    for poses in stream(camera(), model, fps=30, **options(detector=detector)):
        assert len(taken) == len(found) + 1 and poses.attrs["latency_ms"] > 0
        assert poses["frame"].item() == len(found)
        found.append(poses["position"].transpose("time", "individual", "keypoint", "space").values[0])
    off = [np.abs(np.stack(found) - walk(300, animals=2)[:20, order]).max() for order in ([0, 1], [1, 0])]
    assert min(off) < 1
    assert sum(detector.batches) == 4  # every fifth frame: boxes follow the pose from call to call


def test_what_is_no_frame_is_said(frames: np.ndarray) -> None:
    with pytest.raises(InputError, match="there are no frames"):
        predict([], BlobPose(), **options())
    with pytest.raises(InputError, match=r"frame \d+ has the shape \(120, 160\)"):
        predict(frames[..., 0], BlobPose(), **options())
    with pytest.raises(InputError, match="float64"):
        next(stream(iter(frames / 255), BlobPose(), **options()))
    with pytest.raises(InputError, match="option 'out' for frames in memory"):
        predict(frames, BlobPose(), out="somewhere", **options())
