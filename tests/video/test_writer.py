"""What is written is what was given, whole or not at all."""

from __future__ import annotations

import numpy as np
import pytest

from superanimal.errors import InputError, VideoError
from superanimal.video import VideoWriter, open_video


def write(path, tools, frames=20, size=(96, 64), fps=30.0, times=None):
    with VideoWriter(path, *size, fps) as writer:
        for k in range(frames):
            writer.write(tools.picture(k, *size), None if times is None else times[k])
    return open_video(path)


@pytest.mark.parametrize("fps", [30, 29.97, 12.5, 1000 / 33.333, 250, 0.5])
def test_frames_come_back_in_order_and_time(fps, tools, tmp_path):
    video = write(tmp_path / "out.mp4", tools, fps=fps)
    assert [tools.number(frame) for _, frame in video.frames()] == list(range(20))
    assert video.fps == pytest.approx(fps, rel=1e-4)
    np.testing.assert_allclose(video.timestamps, np.arange(20) / fps, atol=1e-4)


def test_variable_rate_is_kept(tools, tmp_path):
    times = np.cumsum(np.random.default_rng(0).uniform(0.01, 0.3, 20))
    video = write(tmp_path / "out.mp4", tools, times=times)
    np.testing.assert_allclose(video.timestamps, times - times[0], atol=1e-3)


def test_odd_size_is_padded_at_the_far_edges(tools, tmp_path):
    video = write(tmp_path / "out.mp4", tools, size=(97, 65))
    assert video.shape == (20, 66, 98, 3)
    assert tools.number(video[13][:65, :97]) == 13


def test_colours_survive(tmp_path):
    colours = [(220, 40, 40), (40, 220, 40), (40, 40, 220), (200, 200, 200)]
    with VideoWriter(tmp_path / "out.mp4", 64, 64, 30) as writer:
        for colour in colours:
            writer.write(np.full((64, 64, 3), colour, np.uint8))
    video = open_video(tmp_path / "out.mp4")
    for k, colour in enumerate(colours):
        assert np.abs(video[k].astype(int) - colour).max() <= 4


def test_failure_leaves_the_old_file(tools, tmp_path):
    path = tmp_path / "out.mp4"
    path.write_bytes(b"old")
    with pytest.raises(RuntimeError, match="half way"), VideoWriter(path, 96, 64, 30) as writer:
        writer.write(tools.picture(0, 96, 64))
        raise RuntimeError("half way")
    assert path.read_bytes() == b"old"
    assert [other.name for other in tmp_path.iterdir()] == ["out.mp4"]


def test_frame_of_another_size(tmp_path):
    with pytest.raises(InputError, match="shape"), VideoWriter(tmp_path / "out.mp4", 96, 64, 30) as writer:
        writer.write(np.zeros((64, 97, 3), np.uint8))
    assert not list(tmp_path.iterdir())


def test_name_that_says_no_container(tmp_path):
    with (
        pytest.raises(VideoError, match=r"out\.nonsense"),
        VideoWriter(tmp_path / "out.nonsense", 96, 64, 30),
    ):
        pass
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("fps", [0, -1, float("nan")])
def test_rate_without_sense(tmp_path, fps):
    with pytest.raises(InputError, match="fps"):
        VideoWriter(tmp_path / "out.mp4", 96, 64, fps)
