from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
import torch

import superanimal as package
from superanimal.cli.analyze import parse_roi
from superanimal.cluster import Outcome
from superanimal.errors import InputError, VideoError
from superanimal.formats import load_poses
from superanimal.poses import run_store as store_module
from superanimal.poses.run_store import RunStore
from superanimal.samples import sample_path

Call = Callable[..., tuple[int, str, str]]


@pytest.fixture
def mouse(tmp_path: Path) -> Path:
    return Path(shutil.copy(sample_path("topview_mouse.mp4"), tmp_path))


def empty_video(path: Path) -> Path:
    """A video without any animal."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=30)
        stream.width, stream.height, stream.pix_fmt = 320, 240, "yuv420p"
        for _ in range(6):
            frame = av.VideoFrame.from_ndarray(np.full((240, 320, 3), 128, np.uint8), "rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


def test_one_command_gives_files_beside_the_video(superanimal: Call, mouse: Path) -> None:
    code, out, err = superanimal(
        "analyze", mouse, "--frames", "0:12", "--format", "dlc-h5", "--format", "csv"
    )
    assert code == 0, err
    assert "animals in 12 of 12 frames" in err
    names = ["_mini_topviewmouse.poses.zarr", "DLC_mini_topviewmouse.h5", "_mini_topviewmouse.tidy.csv"]
    for name in names:
        assert mouse.with_name(f"topview_mouse{name}").exists()
        assert f"topview_mouse{name}" in out
    truth = load_poses(sample_path("topview_mouse_truth.h5")).isel(time=slice(0, 12))
    found = load_poses(mouse.with_name(f"topview_mouse{names[1]}")).sel(keypoint=truth["keypoint"].values)
    wrong = np.hypot(*np.moveaxis(found["position"].values - truth["position"].values, 1, 0))
    assert np.nanmedian(wrong) < 6


def test_the_same_command_again_computes_nothing(superanimal: Call, mouse: Path) -> None:
    superanimal("analyze", mouse, "--frames", "0:4")
    store = mouse.with_name("topview_mouse_mini_topviewmouse.poses.zarr")
    before = {p: p.stat().st_mtime_ns for p in store.rglob("*.json")}
    code, _, _ = superanimal("analyze", mouse, "--frames", "0:4")
    assert code == 0
    assert {p: p.stat().st_mtime_ns for p in store.rglob("*.json")} == before
    code, _, err = superanimal("analyze", mouse, "--frames", "0:8", "--mode", "compatible")
    assert code == 2 and "start over" in err
    code, _, _ = superanimal("analyze", mouse, "--frames", "0:8", "--overwrite", "--mode", "compatible")
    assert code == 0
    assert len(RunStore.open(store)) == 8


def test_the_python_call_is_the_same(superanimal: Call, mouse: Path, tmp_path: Path) -> None:
    superanimal("analyze", mouse, "--frames", "0:4", "--out", tmp_path / "a")
    poses = package.analyze(mouse, model="mini_topviewmouse", frames="0:4", out=tmp_path / "b")
    name = "topview_mouse_mini_topviewmouse.poses.zarr"
    other = RunStore.open(tmp_path / "a" / name).to_poses()
    assert np.array_equal(poses["position"].values, other["position"].values, equal_nan=True)


def test_no_such_file(superanimal: Call, mouse: Path) -> None:
    code, _, err = superanimal("analyze", mouse.with_name("topview_mause.mp4"))
    assert code == 3
    assert "no such file" in err and "did you mean topview_mouse.mp4" in err


def test_not_a_video(superanimal: Call, tmp_path: Path) -> None:
    (tmp_path / "text.mp4").write_text("hello")
    code, _, err = superanimal("analyze", tmp_path / "text.mp4")
    assert code == 4
    assert "text.mp4" in err and "Traceback" not in err


def test_no_animals(superanimal: Call, tmp_path: Path) -> None:
    code, _, err = superanimal("analyze", empty_video(tmp_path / "empty.mp4"), "--threshold", "0.9")
    assert code == 9
    assert "no animal was found in 6 frames" in err and "--whole-frame" in err
    assert (tmp_path / "emptyDLC_mini_topviewmouse.h5").exists()


def test_unknown_model_names_the_near_ones(superanimal: Call, mouse: Path) -> None:
    code, _, err = superanimal("analyze", mouse, "--model", "mini_topviewmose")
    assert code == 3
    assert "unknown model 'mini_topviewmose'" in err and "mini_topviewmouse" in err


def test_weights_that_are_not_here(
    superanimal: Call, mouse: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SUPERANIMAL_HOME", str(tmp_path / "home"))
    code, _, err = superanimal("analyze", mouse, "--model", "superanimal_quadruped_hrnet_w32")
    assert code == 6
    assert "superanimal models download superanimal_quadruped_hrnet_w32" in err


def test_a_full_disk(superanimal: Call, mouse: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(folder: Path) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(store_module, "_flush", full)
        code, _, err = superanimal("analyze", mouse, "--frames", "0:4")
    assert code == 8
    assert "the disk is full" in err and "free some disk space" in err
    code, _, _ = superanimal("analyze", mouse, "--frames", "0:4")
    assert code == 0


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has a CUDA device")
def test_no_gpu_when_asked_for_one(superanimal: Call, mouse: Path) -> None:
    code, _, err = superanimal("analyze", mouse, "--device", "cuda")
    assert code == 7
    assert "'cuda' was requested" in err


def test_one_bad_video_does_not_stop_the_others(superanimal: Call, mouse: Path) -> None:
    mouse.with_name("a_text.mp4").write_text("hello")
    code, out, err = superanimal("analyze", mouse.parent, "--frames", "0:4")
    assert code == 4
    assert "a_text.mp4" in err and "1 of 2 videos failed" in err
    assert "topview_mouseDLC_mini_topviewmouse.h5" in out


def test_region_of_interest() -> None:
    assert parse_roi(None) is None
    assert parse_roi("1, 2,30,40") == (1, 2, 30, 40)
    for text in ("1,2,3", "a,b,c,d", "1.5,2,3,4"):
        with pytest.raises(InputError):
            parse_roi(text)


def test_labelled_videos_in_a_folder_are_left_out(superanimal: Call, mouse: Path) -> None:
    superanimal("analyze", mouse, "--frames", "0:2", "--overlay")
    code, out, err = superanimal("analyze", mouse.parent, "--frames", "0:2")
    assert code == 0, err
    assert "skipped unless named explicitly: topview_mouse_mini_topviewmouse_labeled.mp4" in err
    assert "labeled_mini" not in out


def test_two_videos_of_one_name_stop_before_anything_is_written(
    superanimal: Call, mouse: Path, tmp_path: Path
) -> None:
    (tmp_path / "b").mkdir()
    other = Path(shutil.copy(sample_path("sideview_horse.mp4"), tmp_path / "b" / mouse.name))
    out = tmp_path / "out"
    for more in ((), ("--overwrite",)):
        code, _, err = superanimal("analyze", mouse, other, "--out", out, "--frames", "0:2", *more)
        assert code == 2 and str(mouse) in err and str(other) in err and "--overwrite" not in err
        assert not out.exists()


def test_parts_and_then_the_whole(superanimal: Call, mouse: Path) -> None:
    code, out, err = superanimal("analyze", mouse, "--frames", "0:4", "--part", "1/1")
    assert code == 0 and "all parts are there" in err and not out
    assert not list(mouse.parent.glob("*.h5"))
    code, out, _ = superanimal("analyze", mouse, "--frames", "0:4")
    assert code == 0 and "topview_mouseDLC_mini_topviewmouse.h5" in out
    code, _, err = superanimal("analyze", mouse, "--part", "1/2", "--overwrite")
    assert code == 2 and "remove the run store first" in err


def test_videos_that_failed_on_a_cluster_are_listed_at_the_end(
    superanimal: Call, mouse: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: dict[str, Any] = {}

    def analyze_videos(paths: list[Path], cluster: str, model: str, **options: Any) -> list[Outcome]:
        asked.update(options, cluster=cluster, model=model)
        bar = options["each"](paths[0])
        bar.start(10, title="mouse")
        bar.finish()
        store = paths[0].with_name("mouse.poses.zarr")
        return [
            Outcome(paths[0], store, (store.with_suffix(".h5"),), 10, 9),
            Outcome(paths[1], error=VideoError("other.mp4 is no video")),
            Outcome(paths[1], store, (), 10, 0),
        ]

    monkeypatch.setattr("superanimal.cluster.analyze_videos", analyze_videos)
    other = Path(shutil.copy(mouse, mouse.with_name("other.mp4")))
    code, out, err = superanimal(
        "analyze", mouse, other, "--cluster", "slurm", "--workers", "8", "--max-individuals", "2"
    )
    assert code == 9 and "mouse.poses.h5" in out
    lines = err.splitlines()
    at = next(i for i, line in enumerate(lines) if line.startswith("1 of 3 videos are done"))
    assert "other.mp4: other.mp4 is no video" in lines[at + 1] and "no animal was found" in lines[at + 2]
    assert (asked["cluster"], asked["workers"], asked["max_individuals"]) == ("slurm", 8, 2)
    assert asked["model"] == "auto" and asked["resume"] is True


def test_workers_need_a_cluster(superanimal: Call, mouse: Path) -> None:
    code, _, err = superanimal("analyze", mouse, "--workers", "2")
    assert code == 2 and "--cluster local" in err
