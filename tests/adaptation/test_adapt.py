from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import superanimal
from superanimal.adaptation.adapt import _called, _place
from superanimal.adaptation.pseudo_labels import choose_frames, seen
from superanimal.adaptation.segments import Segment
from superanimal.errors import InputError, NotFoundError
from superanimal.poses import make_poses
from superanimal.samples import sample_path
from superanimal.video import VideoWriter


def test_frames_that_differ_are_chosen() -> None:
    shapes = np.random.default_rng(0).uniform(-20, 20, (3, 4, 2))
    position = np.stack([shapes[t // 20] + 100.0 for t in range(60)]).transpose(0, 2, 1)[..., None]
    confidence = np.full((60, 4, 1), 0.9)
    confidence[40:, :] = 0.1  # the third pose is never sure
    stretch = seen(Path("x.mp4"), make_poses(position, confidence, keypoints=list("abcd"), fps=30.0))
    (rows,) = choose_frames([stretch], 2)
    assert sorted(row // 20 for row in rows) == [0, 1]
    assert len(choose_frames([stretch], 500)[0]) == 40
    assert [len(rows) for rows in choose_frames([], 5)] == []


@pytest.mark.slow
def test_a_video_without_a_sure_animal_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "grey.mp4"
    with VideoWriter(path, 96, 64, 30) as writer:
        for _ in range(30):
            writer.write(np.full((64, 96, 3), 128, np.uint8))
    with pytest.raises(InputError, match=r"no animal in grey\.mp4 is sure enough"):
        superanimal.adapt(path, "mini_topviewmouse", out=tmp_path / "out", device="cpu")


@pytest.mark.parametrize(
    ("name", "words"), [("mini_quadruped", "already in the list"), ("a/b", "valid model name")]
)
def test_a_name_that_cannot_be_had_is_told_before_anything_runs(
    tmp_path: Path, name: str, words: str
) -> None:
    video = sample_path("topview_mouse.mp4")
    with pytest.raises(InputError, match=words):
        superanimal.adapt(video, "mini_topviewmouse", name=name, out=tmp_path / "out")
    assert not list((tmp_path / "out").iterdir())


def test_videos_of_one_name_are_told_apart(tmp_path: Path) -> None:
    paths = [tmp_path / "day1" / "cam.mp4", tmp_path / "day2" / "cam.mp4"]
    segment = Segment(0, 30, held_out=False)
    assert len({_place(path, segment) for path in paths}) == 2
    assert [_called(path, paths) for path in paths] == [str(path) for path in paths]
    assert _called(paths[0], paths[:1]) == "cam.mp4"


@pytest.mark.parametrize(
    ("option", "words"), [({"mask": "hidden"}, "unknown mask"), ({"threshold": 5}, "0..1")]
)
def test_options_that_mean_nothing_are_refused(tmp_path: Path, option: dict[str, Any], words: str) -> None:
    with pytest.raises((InputError, NotFoundError), match=words):
        superanimal.adapt(sample_path("topview_mouse.mp4"), "mini_topviewmouse", out=tmp_path / "o", **option)
