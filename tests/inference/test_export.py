from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from blobs import BlobDetector, BlobPose

from superanimal.errors import NotFoundError
from superanimal.formats import load_poses, save_poses
from superanimal.inference import Analysis, Analyzer
from superanimal.inference.export import SUFFIXES, check_formats
from superanimal.progress import Progress
from superanimal.video import open_video


class Listening(Progress):
    def __init__(self) -> None:
        super().__init__()
        self.messages: list[str] = []

    def message(self, text: str) -> None:
        self.messages.append(text)


def run(clip: Path, out: Path, progress: Progress | None = None, **options: Any) -> Analysis:
    options = {"device": "cpu", "frames": "0:20", **options}
    return Analyzer(BlobPose(), detector=BlobDetector(), out=out, **options).run(clip, progress)


@pytest.mark.parametrize("name", sorted(SUFFIXES))
def test_every_format_reads_back(clip: Path, tmp_path: Path, name: str) -> None:
    result = run(clip, tmp_path, formats=(name,))
    path = result.files[0]
    assert path.name == "one_blobs" + SUFFIXES[name]
    assert all(file.exists() for file in result.files)
    there = load_poses(path)["position"].values
    assert np.allclose(there, result.poses["position"].values, atol=1e-2)


def test_what_a_format_cannot_hold_is_said(clip: Path, tmp_path: Path) -> None:
    progress = Listening()
    run(clip, tmp_path, progress, formats=("dlc-csv", "dlc-h5"))
    losses = [text for text in progress.messages if "cannot hold" in text]
    assert len(losses) == 1
    assert losses[0].startswith("one_blobs.csv: ") and "boxes" in losses[0]


def test_corrected_poses_are_not_overwritten(clip: Path, tmp_path: Path) -> None:
    path = run(clip, tmp_path).files[0]
    run(clip, tmp_path)
    assert len(list(tmp_path.glob("*.h5"))) == 1
    corrected = load_poses(path)
    corrected["position"][3, :, 0, 0] = 7
    save_poses(corrected, path, format="dlc-h5")
    progress = Listening()
    run(clip, tmp_path, progress)
    assert sorted(p.name for p in tmp_path.glob("*.h5")) == ["one_blobs.h5", "one_blobs.kept-1.h5"]
    assert float(load_poses(tmp_path / "one_blobs.kept-1.h5")["position"][3, 0, 0, 0]) == 7
    assert any("kept as one_blobs.kept-1.h5" in text for text in progress.messages)


def test_overlay(clip: Path, tmp_path: Path) -> None:
    result = run(clip, tmp_path, formats=(), overlay=True)
    (path,) = result.files
    assert path.name == "one_blobs_labeled.mp4"
    with open_video(path) as labelled, open_video(clip) as video:
        assert len(labelled) == 20
        with_points = np.abs(labelled[5].astype(int) - video[5]).max(-1) > 60
    bare = run(clip, tmp_path, formats=(), overlay=True, pcutoff=1.0)
    with open_video(bare.files[0]) as labelled, open_video(clip) as video:
        without = np.abs(labelled[5].astype(int) - video[5]).max(-1) > 60
    assert with_points.sum() > without.sum() > 0  # the box is drawn in both


def test_unknown_formats_are_refused_before_the_run() -> None:
    assert check_formats("movement") == ("movement",)
    with pytest.raises(NotFoundError, match="unknown format 'dlc'"):
        check_formats(["dlc"])
