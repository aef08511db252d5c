"""A run in the place of another one."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from blobs import BlobDetector, BlobPose
from watching import Listening

from superanimal.errors import FormatError, InputError, StorageError
from superanimal.formats import load_poses
from superanimal.inference import Analysis, Analyzer, analyze
from superanimal.poses.run_store import RunStore
from superanimal.progress import Progress


def run(video: Path, progress: Progress | None = None, **options: Any) -> Analysis:
    options = {"device": "cpu", "frames": "0:20", "formats": (), **options}
    return Analyzer(BlobPose(), detector=BlobDetector(), **options).run(video, progress)


def copy(clip: Path, to: Path) -> Path:
    to.parent.mkdir(exist_ok=True)
    return Path(shutil.copy(clip, to))


def scramble(store: Path) -> None:
    """Write nonsense into the finished chunks of the positions."""
    for file in (store / "position" / "c").rglob("*"):
        if file.is_file():
            file.write_bytes(b"junk")


def test_one_call_for_two_videos_of_one_name(clip: Path, pair: Path, tmp_path: Path) -> None:
    videos = [copy(clip, tmp_path / "a" / "v.mp4"), copy(pair, tmp_path / "b" / "v.mp4")]
    for resume in (True, False):
        with pytest.raises(InputError, match="would both be written to"):
            analyze(videos, BlobPose(), detector=BlobDetector(), out=tmp_path / "out", resume=resume)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("resume", [True, False])
def test_a_later_call_for_another_video_of_the_same_name(
    clip: Path, pair: Path, tmp_path: Path, resume: bool
) -> None:
    first = run(copy(clip, tmp_path / "a" / "v.mp4"), out=tmp_path / "out")
    other = copy(pair, tmp_path / "b" / "v.mp4")
    with pytest.raises(InputError, match="holds the run of another video") as error:
        run(other, out=tmp_path / "out", resume=resume)
    assert "overwrite" not in str(error.value) and str(tmp_path / "a" / "v.mp4") in str(error.value)
    assert load_poses(first.store)["position"].equals(first.poses["position"])


def test_a_moved_video_goes_on(clip: Path, tmp_path: Path) -> None:
    first = run(copy(clip, tmp_path / "a" / "v.mp4"), out=tmp_path / "out")
    again = run(copy(clip, tmp_path / "b" / "v.mp4"), out=tmp_path / "out")
    assert again.poses["position"].equals(first.poses["position"])


def test_a_replaced_video_is_refused_until_started_over(clip: Path, pair: Path, tmp_path: Path) -> None:
    video = copy(clip, tmp_path / "v.mp4")
    run(video)
    copy(pair, video)
    with pytest.raises(InputError, match="the content of the video has changed"):
        run(video)
    assert run(video, resume=False).frames_with_animals == 20


def test_a_store_in_use_is_not_deleted(clip: Path, tmp_path: Path) -> None:
    video = copy(clip, tmp_path / "v.mp4")
    first = run(video)
    with RunStore.open(first.store).exclusive(), pytest.raises(StorageError, match="another process"):
        run(video, resume=False)
    assert load_poses(first.store)["position"].equals(first.poses["position"])
    run(video, resume=False)


def test_what_others_put_into_a_store_is_kept(clip: Path, tmp_path: Path) -> None:
    video = copy(clip, tmp_path / "v.mp4")
    store = run(video).store
    (store / "corrections.json").write_text("mine")
    progress = Listening()
    run(video, progress, resume=False)
    (kept,) = tmp_path.glob("kept-*.poses.zarr")
    assert (kept / "corrections.json").read_text() == "mine"
    assert any("corrections.json" in text and kept.name in text for text in progress.messages)


def test_a_damaged_store_says_how_to_go_on(clip: Path, tmp_path: Path) -> None:
    video = copy(clip, tmp_path / "v.mp4")
    whole = run(video)
    for number, harm in enumerate(
        (
            lambda store: (store / "zarr.json").write_text("{nonsense"),
            lambda store: shutil.rmtree(store / "confidence" / "c"),
            lambda store: (store / "position" / "zarr.json").write_bytes(b"\0" * 40),
            scramble,
            lambda store: shutil.rmtree(store / "frame"),
            lambda store: shutil.rmtree(store / "boxes"),
        )
    ):
        harm(whole.store)
        with pytest.raises(FormatError) as error:
            run(video)
        assert "start the analysis of the video over" in error.value.remedy
        progress = Listening()
        again = run(video, progress, resume=False)
        assert np.array_equal(again.poses["position"], whole.poses["position"], equal_nan=True)
        assert len(list(tmp_path.glob("kept-*.poses.zarr"))) == number + 1
        assert any("kept as kept-" in text for text in progress.messages)


def test_file_names_of_240_characters(clip: Path, tmp_path: Path) -> None:
    video = copy(clip, tmp_path / f"{'v' * 236}.mp4")
    formats = ("dlc-h5", "dlc-csv", "movement", "lightning-pose")
    first = run(video, formats=formats, overlay=True)
    assert all(path.is_file() for path in first.files)
    again = run(video, formats=formats)
    assert again.store == first.store
