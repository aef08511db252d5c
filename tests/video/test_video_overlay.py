"""The labelled video shows the right points on the right frames."""

from __future__ import annotations

import numpy as np
import pytest

from superanimal.errors import Cancelled, InputError
from superanimal.poses import load_space, make_poses
from superanimal.progress import Progress
from superanimal.video import open_video, render_overlay
from superanimal.video.overlay import PosePainter

WIDTH, HEIGHT, FRAMES = 320, 240, 30


@pytest.fixture(scope="module")
def grey(tmp_path_factory):
    from superanimal.video import VideoWriter

    path = tmp_path_factory.mktemp("overlay") / "grey.mp4"
    with VideoWriter(path, WIDTH, HEIGHT, 25) as writer:
        for _ in range(FRAMES):
            writer.write(np.full((HEIGHT, WIDTH, 3), 128, np.uint8))
    return open_video(path)


def moving(confidence=1.0, frames=range(FRAMES), individuals=1):
    """Two points of a mouse: the nose moves 8 pixels per frame to the right."""
    frames = np.asarray(frames)
    position = np.zeros((len(frames), 2, 2, individuals), np.float32)
    position[:, 0, 0] = 20 + 8 * frames[:, None]
    position[:, 1, 0] = 60 + 80 * np.arange(individuals)
    position[:, 0, 1] = 20 + 8 * frames[:, None]
    position[:, 1, 1] = 90 + 80 * np.arange(individuals)
    return make_poses(
        position,
        np.full(position[:, 0].shape, confidence, np.float32),
        keypoints=["nose", "neck"],
        frames=frames,
        fps=25,
        boxes=np.stack(
            [position[:, 0, 0] - 30, position[:, 1, 0] - 30, *np.full((2, len(frames), individuals), 90)], 1
        ),
    )


def touched(frame):
    """Where a frame differs from plain grey."""
    return np.abs(frame.astype(int) - 128).max(-1) > 40


def test_points_are_on_their_frames(grey, tmp_path):
    path = render_overlay(grey, moving(), tmp_path / "out.mp4", boxes=False)
    video = open_video(path)
    assert video.shape == grey.shape and video.fps == 25
    nose = np.array([int(c) for c in bytes.fromhex(load_space("topviewmouse").colors[0][1:])])
    for k in (0, 7, 29):
        y, x = np.nonzero(touched(video[k]))
        assert abs(x.mean() - (20 + 8 * k)) < 1.5
        assert y.min() > 50 and y.max() < 100
        assert np.abs(video[k][60, 20 + 8 * k].astype(int) - nose).max() < 60


def test_unsure_points_are_left_out(grey, tmp_path):
    path = render_overlay(grey, moving(confidence=0.5), tmp_path / "out.mp4", boxes=False, pcutoff=0.6)
    assert not touched(open_video(path)[5]).any()


def test_boxes_and_trails_are_drawn_when_asked_for(grey, tmp_path):
    plain = open_video(render_overlay(grey, moving(), tmp_path / "a.mp4", boxes=False))
    boxed = open_video(render_overlay(grey, moving(), tmp_path / "b.mp4"))
    trailed = open_video(render_overlay(grey, moving(), tmp_path / "c.mp4", boxes=False, trails=10))
    x = 20 + 8 * 15
    assert touched(boxed[15])[30, x - 30 : x - 20].any() and not touched(plain[15])[30].any()
    assert np.ptp(np.nonzero(touched(trailed[15]))[1]) > np.ptp(np.nonzero(touched(plain[15]))[1]) + 20


def test_only_the_frames_of_the_poses(grey, tmp_path):
    path = render_overlay(grey, moving(frames=range(5, 25, 4)), tmp_path / "out.mp4", boxes=False)
    video = open_video(path)
    assert len(video) == 5
    np.testing.assert_allclose(video.timestamps, np.arange(5) * 4 / 25, atol=1e-3)
    x = np.nonzero(touched(video[2]))[1]
    assert abs(x.mean() - (20 + 8 * 13)) < 1.5


def test_frames_in_any_order(grey, tmp_path):
    poses = moving(frames=[3, 20, 9])
    video = open_video(render_overlay(grey, poses, tmp_path / "out.mp4", boxes=False))
    found = [np.nonzero(touched(frame))[1].mean() for frame in video]
    np.testing.assert_allclose(found, [20 + 8 * k for k in (3, 9, 20)], atol=1.5)


def test_individuals_have_their_own_colours(grey, tmp_path):
    path = render_overlay(grey, moving(individuals=2), tmp_path / "out.mp4")
    frame = open_video(path)[10]
    one, two = frame[60, 100].astype(int), frame[140, 100].astype(int)
    assert np.abs(one - two).max() > 60
    same = open_video(render_overlay(grey, moving(individuals=2), tmp_path / "k.mp4", color_by="keypoint"))[
        10
    ]
    assert np.abs(same[60, 100].astype(int) - same[140, 100]).max() < 30


def test_other_keypoints_need_no_skeleton(grey, tmp_path):
    poses = moving().assign_coords(keypoints=["antenna", "stinger"])
    assert touched(open_video(render_overlay(grey, poses, tmp_path / "out.mp4"))[3]).any()


@pytest.mark.parametrize("background", [0, 255])
def test_drawing_shows_on_dark_and_bright(background):
    space = load_space("topviewmouse")
    painter = PosePainter((480, 640), space.keypoints, ["animal0"], space=space)
    rng = np.random.default_rng(0)
    points = rng.uniform(50, 400, (1, len(space), 2))
    picture = np.full((480, 640, 3), background, np.uint8)
    painter.draw(picture, points, np.array([[40.0, 40, 380, 380]]))
    for x, y in points[0]:
        around = picture[int(y) - 5 : int(y) + 6, int(x) - 5 : int(x) + 6].astype(int)
        assert np.abs(around - background).max() > 90


def test_points_far_outside_do_no_harm():
    painter = PosePainter((100, 100), ["a", "b"], ["one", "two"])
    picture = np.zeros((100, 100, 3), np.uint8)
    wild = np.array([[[1e9, -1e9], [50, 50]], [[np.nan, np.nan], [np.inf, 0]]])
    boxes = np.array([[-500.0, -500, 20, 20], [90, 90, 1e6, 1e6]])
    painter.draw(picture, wild, boxes, np.stack([wild, wild]))
    assert picture[50, 50].max() > 100


def test_poses_of_another_video(grey, tmp_path):
    with pytest.raises(InputError, match="frames 0 to 29"):
        render_overlay(grey, moving(frames=range(20, 40)), tmp_path / "out.mp4")


@pytest.mark.parametrize("options", [{"trails": -1}, {"color_by": "mood"}])
def test_options_without_sense(grey, tmp_path, options):
    with pytest.raises(InputError):
        render_overlay(grey, moving(), tmp_path / "out.mp4", **options)


def test_progress_and_cancel(grey, tmp_path):
    progress = Progress()
    render_overlay(grey, moving(), tmp_path / "out.mp4", progress=progress)
    assert progress.done == progress.total == FRAMES
    progress.cancel()
    with pytest.raises(Cancelled):
        render_overlay(grey, moving(), tmp_path / "cancelled.mp4", progress=progress)
    assert [path.name for path in tmp_path.iterdir()] == ["out.mp4"]


def test_poses_in_space_are_refused(grey, tmp_path):
    position = np.ones((FRAMES, 3, 2, 1), np.float32)
    poses = make_poses(position, keypoints=["nose", "neck"], fps=25, space_unit="mm")
    with pytest.raises(InputError, match=r"x, y and z in mm; an overlay needs x and y in pixels"):
        render_overlay(grey, poses, tmp_path / "x.mp4")
    assert not list(tmp_path.iterdir())
