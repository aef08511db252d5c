"""Frame k is frame k: random access equals decoding from the start, whatever the file."""

from __future__ import annotations

import random
import threading
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from superanimal.video import open_video

FRAMES = 60
REAL = Path(__file__).parents[2] / "../shared/data/dlc-openfield/videos/m3v1mp4.mp4"

KINDS = {
    "h264.mp4": {},
    "h264.mkv": {},
    "h264.avi": {},
    "h264.ts": {},
    "raw.h264": {"container": "h264"},
    "open_gop.mp4": {"options": {"x264-params": "open-gop=1:keyint=12"}},
    "refresh.mp4": {"options": {"x264-params": "intra-refresh=1:keyint=12"}, "b_frames": 0},
    "intra.mp4": {"gop": 1, "b_frames": 0},
    "one_gop.mp4": {"gop": 250},
    "mpeg4.avi": {"codec": "mpeg4"},
    "mpeg4.mkv": {"codec": "mpeg4"},
    "mjpeg.avi": {"codec": "mjpeg", "pixels": "yuvj420p", "b_frames": 0},
    "vp9.webm": {"codec": "libvpx-vp9", "b_frames": 0},
    "yuv444.mp4": {"pixels": "yuv444p"},
    "odd.avi": {"codec": "mpeg4", "size": (97, 65)},
    "odd.mp4": {"pixels": "yuv444p", "size": (97, 65)},
    "grey.mp4": {"pixels": "gray"},
    "deep.mp4": {"pixels": "yuv420p10le"},
}


def sequential(path):
    """Decode from the start, without any of our code."""
    with av.open(str(path)) as container:
        return [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]


@pytest.fixture(scope="module", params=KINDS)
def file(request, tools, tmp_path_factory):
    path = tmp_path_factory.mktemp("exact") / request.param
    return tools.film(path, range(FRAMES), **KINDS[request.param])


def test_walk_equals_plain_decoding(file, tools):
    truth = sequential(file)
    with open_video(file) as video:
        walked = list(video.frames())
    assert [tools.number(frame) for _, frame in walked] == list(range(FRAMES))
    assert [k for k, _ in walked] == list(range(FRAMES))
    assert all(np.array_equal(frame, truth[k]) for k, frame in walked)


@pytest.mark.parametrize("cache_bytes", [0, 256 << 20])
def test_random_access_equals_plain_decoding(file, cache_bytes):
    truth = sequential(file)
    order = random.Random(0).sample(range(FRAMES), FRAMES) + list(range(FRAMES - 1, -1, -1))
    with open_video(file, cache_bytes) as video:
        assert video.shape == (FRAMES, *truth[0].shape)
        assert [k for k in order if not np.array_equal(video[k], truth[k])] == []
        assert video.bad_frames == ()


@pytest.mark.parametrize("first", [0, 1, 11, 12, 13, 59])
def test_first_access_anywhere(file, first):
    with open_video(file) as video:
        assert np.array_equal(video[first], sequential(file)[first])


@pytest.mark.parametrize("name", ["vfr.mp4", "vfr.mkv"])
def test_variable_frame_rate(name, tools, tmp_path):
    times = np.round(np.cumsum(np.random.default_rng(0).uniform(0.01, 0.3, FRAMES)), 3)
    video = open_video(tools.film(tmp_path / name, range(FRAMES), times=times))
    assert [tools.number(video[k]) for k in reversed(range(FRAMES))] == list(reversed(range(FRAMES)))
    np.testing.assert_allclose(video.timestamps, times - times[0], atol=1.1e-3)
    assert video.fps == pytest.approx((FRAMES - 1) / (times[-1] - times[0]), rel=1e-3)


def test_constant_rate_is_the_stated_one(clip):
    video = open_video(clip)
    assert video.fps == 30
    np.testing.assert_allclose(video.timestamps, np.arange(60) / 30, atol=1e-4)


def test_true_rate_given_by_the_user(clip):
    video = open_video(clip, fps=120)
    assert video.fps == 120
    np.testing.assert_allclose(video.timestamps, np.arange(60) / 120, atol=1e-4)


@pytest.mark.parametrize("degrees", [90, 180, 270])
def test_rotation_is_applied_as_opencv_does(degrees, tools, tmp_path):
    path = tools.film(tmp_path / "turned.mp4", range(20), rotation=degrees, size=(96, 64))
    video = open_video(path)
    assert video.shape == (20, 64, 96, 3) if degrees == 180 else (20, 96, 64, 3)
    upright = [tools.number(np.rot90(video[k], video.rotation // 90)) for k in (13, 2, 19)]
    assert upright == [13, 2, 19]
    capture = cv2.VideoCapture(str(path))
    for k, frame in video.frames():
        ok, theirs = capture.read()
        assert ok and np.array_equal(frame, theirs[..., ::-1]), k


@pytest.mark.parametrize("first", [1, 12, 17, 35, 59])
def test_stream_copied_cut_begins_where_the_edit_list_says(first, tools, clip, tmp_path):
    path = tools.cut(clip, tmp_path / "cut.mp4", first)
    video = open_video(path)
    expected = [tools.number(frame) for frame in sequential(path)]
    assert expected == list(range(first, 60))
    order = random.Random(1).sample(range(len(video)), len(video))
    assert [tools.number(video[k]) for k in order] == [expected[k] for k in order]
    assert len(video) == len(expected)
    assert video.timestamps[0] == 0


def test_one_frame(tools, tmp_path):
    video = open_video(tools.film(tmp_path / "one.mp4", [777]))
    assert video.shape == (1, 64, 96, 3)
    assert tools.number(video[-1]) == 777


def test_eight_threads_share_one_video(clip, tools):
    video = open_video(clip, cache_bytes=64 * 1024)
    wrong = []

    def hammer(seed):
        choose = random.Random(seed)
        for _ in range(60):
            k = choose.randrange(60)
            if tools.number(video[k]) != k:
                wrong.append(k)

    def walk():
        wrong.extend(k for k, frame in video.frames() if tools.number(frame) != k)

    threads = [threading.Thread(target=hammer, args=(seed,)) for seed in range(7)]
    threads.append(threading.Thread(target=walk))
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


@pytest.mark.skipif(not REAL.exists(), reason="the real DeepLabCut video is not here")
@pytest.mark.parametrize("first", [1234, 1])
def test_real_video_is_bit_exact_at_any_first_access(first):
    """An old x264 4:4:4 stream: green garbage unless its first packet has been seen."""
    with av.open(str(REAL)) as container:
        for k, frame in enumerate(container.decode(video=0)):
            if k == first:
                truth = frame.to_ndarray(format="rgb24")
                break
    video = open_video(REAL)
    assert np.array_equal(video[first], truth)
    k, walked = next(video.frames(first))
    assert (k, len(video)) == (first, 2330)
    assert np.array_equal(walked, truth)


@pytest.mark.slow
@pytest.mark.skipif(not REAL.exists(), reason="the real DeepLabCut video is not here")
def test_real_video_random_equals_sequential():
    with av.open(str(REAL)) as container:
        truth = [hash(frame.to_ndarray(format="rgb24").tobytes()) for frame in container.decode(video=0)]
    video = open_video(REAL)
    order = random.Random(2).sample(range(len(truth)), 300)
    assert [k for k in order if hash(video[k].tobytes()) != truth[k]] == []
