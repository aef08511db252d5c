from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from blobs import BlobDetector, BlobPose
from watching import Listening

from superanimal.errors import InputError, NotFoundError
from superanimal.formats import load_poses, save_poses
from superanimal.formats.deeplabcut_pickles import read_meta
from superanimal.formats.pandas_h5 import read_frame
from superanimal.inference import Analysis, Analyzer
from superanimal.inference.outputs import SUFFIXES, check_formats
from superanimal.progress import Progress
from superanimal.video import open_video


def run(clip: Path, out: Path, progress: Progress | None = None, **options: Any) -> Analysis:
    options = {"device": "cpu", "frames": "0:20", **options}
    return Analyzer(BlobPose(), detector=BlobDetector(), out=out, **options).run(clip, progress)


@pytest.mark.parametrize("name", sorted(SUFFIXES))
def test_every_format_reads_back(clip: Path, tmp_path: Path, name: str) -> None:
    result = run(clip, tmp_path, formats=(name,))
    path = result.files[0]
    assert path.name == ("oneDLC_blobs" if name.startswith("dlc") else "one_blobs") + SUFFIXES[name]
    assert all(file.exists() for file in result.files)
    there = load_poses(path)["position"].values
    assert np.allclose(there, result.poses["position"].values, atol=1e-2)


def test_what_a_format_cannot_hold_is_said(clip: Path, tmp_path: Path) -> None:
    progress = Listening()
    run(clip, tmp_path, progress, formats=("dlc-csv", "dlc-h5"))
    losses = [text for text in progress.messages if "cannot hold" in text]
    assert len(losses) == 1
    assert losses[0].startswith("oneDLC_blobs.csv: ") and "boxes" in losses[0]


def test_corrected_poses_are_not_overwritten(clip: Path, tmp_path: Path) -> None:
    path = run(clip, tmp_path).files[0]
    run(clip, tmp_path)
    assert len(list(tmp_path.glob("*.h5"))) == 1
    corrected = load_poses(path)
    corrected["position"][3, :, 0, 0] = 7
    save_poses(corrected, path, format="dlc-h5")
    again = Listening()
    run(clip, tmp_path, again)
    over = Listening()
    run(clip, tmp_path, over, resume=False)  # nobody changed what the second run wrote
    (kept,) = tmp_path.glob("kept-*.h5")
    assert re.fullmatch(r"kept-\d{4}-\d\d-\d\d-\d{6}-oneDLC_blobs\.h5", kept.name)
    assert float(load_poses(kept)["position"][3, 0, 0, 0]) == 7
    assert [text for text in again.messages if "held poses that differ" in text and kept.name in text]
    assert not [text for text in over.messages if "held poses that differ" in text]


def test_starting_over_keeps_what_a_person_changed(clip: Path, tmp_path: Path) -> None:
    paths = run(clip, tmp_path, formats=("dlc-h5", "dlc-csv", "movement")).files
    moved = load_poses(paths[0])
    moved["position"][3, :, 0, 0] = 7
    save_poses(moved, paths[0])
    checked = load_poses(paths[-1])  # looked at, found right, nothing moved
    checked["edited"] = checked["position"].notnull().all("space")
    save_poses(checked, paths[-1])
    progress = Listening()
    run(clip, tmp_path, progress, formats=("dlc-h5", "dlc-csv", "movement"), resume=False, mode="compatible")
    kept = {path.suffix: path for path in tmp_path.glob("kept-*")}
    assert set(kept) == {".h5", ".nc"}  # the csv held what the first run wrote
    assert float(load_poses(kept[".h5"])["position"][3, 0, 0, 0]) == 7
    assert bool(load_poses(kept[".nc"])["edited"].any())
    assert len([text for text in progress.messages if "is kept as kept-" in text]) == 2


def test_a_kept_table_keeps_its_record(clip: Path, tmp_path: Path) -> None:
    (path, _) = run(clip, tmp_path, formats=("dlc-csv",)).files
    moved = load_poses(path)
    moved["position"][3, :, 0, 0] = 7
    save_poses(moved, path)
    run(clip, tmp_path, formats=("dlc-csv",))
    (kept,) = tmp_path.glob("kept-*.csv")
    assert load_poses(kept).attrs["fps"] == moved.attrs["fps"]


def test_files_for_deeplabcut(clip: Path, pair: Path, tmp_path: Path) -> None:
    first = run(clip, tmp_path / "one").files
    assert [path.name for path in first] == ["oneDLC_blobs.h5", "oneDLC_blobs_meta.pickle"]
    scorer = "DLC_Net_taskNov22shuffle1_snapshot_9"
    second = run(pair, tmp_path / "two", max_individuals=2, scorer=scorer).files
    assert [path.name for path in second] == [f"two{scorer}_el.h5", f"two{scorer}_meta.pickle"]
    assert load_poses(second[0]).attrs["scorer"] == scorer
    meta = read_meta(second[1])
    assert meta["frame_dimensions"] == (160, 120) and meta["nframes"] == 300 and meta["Scorer"] == scorer
    with pytest.raises(InputError, match="begin with DLC_"):
        run(clip, tmp_path, scorer="me")


def test_rows_are_frames_for_deeplabcut(clip: Path, tmp_path: Path) -> None:
    result = run(clip, tmp_path, frames="5:40:7", formats=("dlc-h5", "dlc-csv"))
    table = read_frame(result.files[0])
    assert list(table.index) == list(range(34)) and np.isnan(table.values[4]).all()
    for path in (result.files[0], result.files[2]):
        back = load_poses(path)
        assert back["frame"].values.tolist() == list(range(5, 40, 7))
        assert np.allclose(back["position"].values, result.poses["position"].values, atol=1e-3)


@pytest.mark.parametrize("name", sorted(set(SUFFIXES) - {"lightning-pose"}))
def test_what_nobody_changed_is_not_kept(clip: Path, tmp_path: Path, name: str) -> None:
    video = Path(shutil.copy(clip, tmp_path))
    options: dict[str, Any] = {"formats": (name,), "max_individuals": 2, "frames": "3:30:3"}
    for resume in (True, True, False):
        progress = Listening()
        run(video, tmp_path, progress, resume=resume, **options)
        assert not list(tmp_path.glob("kept-*")), progress.messages


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
