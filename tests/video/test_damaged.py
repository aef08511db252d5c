"""Damaged files show what is left of them; files that are no videos say so."""

from __future__ import annotations

import random
import warnings

import numpy as np
import pytest

from superanimal.errors import NotFoundError, VideoError
from superanimal.video import VideoWarning, open_video

FRAMES = 60


def consistent(video):
    """Check that random access equals the walk for every frame and return the walk."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", VideoWarning)
        walked = dict(video.frames())
        order = random.Random(0).sample(range(len(video)), len(video))
        assert [k for k in order if not np.array_equal(video[k], walked[k])] == []
    return walked


@pytest.mark.parametrize("name", ["clip.mp4", "clip.mkv", "clip.avi"])
@pytest.mark.parametrize("share", [0.7, 0.8])
def test_truncated_tail_shortens_the_video(name, share, tools, tmp_path):
    codec = "mpeg4" if name.endswith("avi") else "libx264"
    whole = tools.film(tmp_path / f"whole_{name}", range(FRAMES), codec=codec, faststart=name.endswith("mp4"))
    path = tmp_path / name
    data = whole.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])
    video = open_video(path)
    walked = consistent(video)
    assert 0 < len(video) < FRAMES
    shown = [tools.number(walked[k]) for k in range(len(video))]
    assert shown[:-2] == list(range(len(video) - 2))  # of the last group, B-frames may be lost before others
    np.testing.assert_allclose(video.timestamps * 30, shown, atol=0.05)
    assert video.bad_frames == ()


@pytest.mark.parametrize("name", ["clip.mp4", "clip.mkv", "clip.avi"])
@pytest.mark.parametrize("packets", [[20], [24, 25, 26], [59], [30, 45]])
def test_broken_middle_keeps_every_other_frame_in_its_place(name, packets, tools, tmp_path):
    codec = "mpeg4" if name.endswith("avi") else "libx264"
    whole = tools.film(tmp_path / f"whole_{name}", range(FRAMES), codec=codec)
    video = open_video(tools.garble(whole, tmp_path / name, packets))
    walked = consistent(video)
    touched = {place // 12 for place in packets}
    clean = [k for k in range(FRAMES - 12) if not {k // 12, k // 12 - 1, k // 12 + 1} & touched]
    assert [tools.number(walked[k]) for k in clean] == clean
    assert len(video) >= FRAMES - 2


def test_bad_frame_is_replaced_listed_and_told_once(tools, clip, tmp_path):
    video = open_video(tools.garble(clip, tmp_path / "hole.mp4", [20, 45]))
    with pytest.warns(VideoWarning, match="nearest good frame") as told:
        shown = [tools.number(video[k]) for k in range(FRAMES)]
    assert len(told) == 1
    assert video.bad_frames
    for k in video.bad_frames:
        assert shown[k] in (k - 1, k + 1)


def test_the_nearest_good_frame_stands_in(tools, tmp_path):
    whole = tools.film(tmp_path / "whole.mkv", range(FRAMES))
    video = open_video(tools.garble(whole, tmp_path / "hole.mkv", [12]))
    walked = consistent(video)
    good = [k for k in range(len(video)) if k not in video.bad_frames]
    assert len(video.bad_frames) > 5
    for k in video.bad_frames:
        nearest = min(good, key=lambda other: (abs(other - k), other))
        assert np.array_equal(walked[k], walked[nearest])


def test_no_frame_left(tools, clip, tmp_path):
    path = tools.garble(clip, tmp_path / "ruin.mp4", range(FRAMES))
    with pytest.raises(VideoError, match="no frame that can be decoded"):
        open_video(path)


def test_empty_file(tmp_path):
    path = tmp_path / "empty.mp4"
    path.write_bytes(b"")
    with pytest.raises(VideoError, match="empty"):
        open_video(path)


def test_text_named_as_video(tmp_path):
    path = tmp_path / "notes.mp4"
    path.write_text("not a video\n" * 500)
    with pytest.raises(VideoError, match=r"notes\.mp4 is not a readable video") as error:
        open_video(path)
    assert error.value.remedy and error.value.rule


def test_header_without_frames(tools, clip, tmp_path):
    path = tmp_path / "head.mp4"
    path.write_bytes(clip.read_bytes()[:2000])
    with pytest.raises(VideoError):
        open_video(path)


def test_sound_without_pictures(tmp_path):
    import av

    path = tmp_path / "sound.mp4"
    with av.open(str(path), "w") as out:
        stream = out.add_stream("aac", rate=44100, layout="mono")
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), format="fltp", layout="mono")
        frame.sample_rate = 44100
        out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    with pytest.raises(VideoError, match="no video stream"):
        open_video(path)


def test_missing_file_names_the_near_ones(clip):
    with pytest.raises(NotFoundError, match=r"clip\.mp4"):
        open_video(clip.with_name("clap.mp4"))


def test_closed_video(clip):
    video = open_video(clip)
    video.close()
    with pytest.raises(VideoError, match="closed"):
        video[0]
