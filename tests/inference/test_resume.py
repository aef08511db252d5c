"""Stopped at any moment and started again, a run ends with the bytes of one that was not stopped."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from blobs import BlobDetector, BlobPose
from watching import CancelAt

from superanimal.errors import Cancelled, InputError, StorageError
from superanimal.formats import load_poses
from superanimal.inference import Analyzer
from superanimal.poses import run_store as store_module
from superanimal.poses.run_store import RunStore
from superanimal.progress import Progress


def content(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def analyzer(out: Path, **options: Any) -> Analyzer:
    options = {"device": "cpu", "batch_size": 8, "detector_every": 3, "formats": (), **options}
    return Analyzer(BlobPose(), detector=BlobDetector(), out=out, **options)


@pytest.fixture(scope="module")
def whole(long_clip: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The store of an uninterrupted run."""
    return analyzer(tmp_path_factory.mktemp("whole")).run(long_clip).store


def test_two_runs_give_the_same_bytes(long_clip: Path, whole: Path, tmp_path: Path) -> None:
    assert content(analyzer(tmp_path).run(long_clip).store) == content(whole)


@pytest.mark.parametrize("stop", [1, 255, 300])
def test_cancel_and_go_on(long_clip: Path, whole: Path, tmp_path: Path, stop: int) -> None:
    told = CancelAt(stop)
    with pytest.raises(Cancelled):
        analyzer(tmp_path).run(long_clip, told)
    store = RunStore.open(tmp_path / whole.name)
    assert stop <= told.done < len(store)
    finished = store.finished_rows()
    assert finished[: told.done].all() and not finished[told.done :].any()  # what was told is kept
    there = store.to_poses()["position"].values
    np.testing.assert_array_equal(
        there[: told.done], RunStore.open(whole).to_poses()["position"].values[: told.done]
    )
    assert np.isnan(there[told.done :]).all()
    again = analyzer(tmp_path)
    progress = Progress()
    again.run(long_clip, progress)
    assert content(store.path) == content(whole)
    left = len(store) - told.done
    assert progress.total == progress.done == left
    assert sum(again.model.batches) == left  # type: ignore[attr-defined]  # no finished frame a second time


def test_cancel_is_noticed_within_a_pass_through_a_network(long_clip: Path, tmp_path: Path) -> None:
    class Slow(BlobPose):
        """Somebody cancels while the first layer of the second batch works."""

        def forward(self, x: torch.Tensor) -> dict[str, torch.Tensor]:
            if len(self.batches) == 12:
                progress.cancel()
            return super().forward(x)

    progress = Progress()
    model = Slow()
    with pytest.raises(Cancelled):
        Analyzer(model, detector=BlobDetector(), device="cpu", batch_size=8, formats=(), out=tmp_path).run(
            long_clip, progress
        )
    assert len(model.batches) == 13  # that pass was not finished, and none was begun after it
    (store,) = tmp_path.iterdir()
    assert RunStore.open(store).finished_frames() == progress.done > 0
    assert not model.network._forward_pre_hooks


@pytest.mark.parametrize("first", [100, 300, 512])
def test_more_frames_keep_those_there_are(long_clip: Path, whole: Path, tmp_path: Path, first: int) -> None:
    before = analyzer(tmp_path, frames=f"0:{first}", formats=("dlc-h5",)).run(long_clip)
    again = analyzer(tmp_path, formats=("dlc-h5",))
    progress = Progress()
    result = again.run(long_clip, progress)
    assert progress.total == progress.done == 640 - first == sum(again.model.batches)  # type: ignore[attr-defined]
    for name in ("position", "confidence", "boxes", "box_confidence"):
        np.testing.assert_array_equal(result.poses[name][:first], before.poses[name])
    expected = RunStore.open(whole)
    store = RunStore.open(result.store)
    assert store.attrs == expected.attrs
    assert store.finished_chunks() == [0, 1, 2] and store.finished_rows().all()
    np.testing.assert_array_equal(result.poses["frame"], np.arange(640))
    found = expected.to_poses()
    np.testing.assert_allclose(result.poses["position"], found["position"], atol=1)
    assert len(load_poses(result.files[0])["frame"]) == 640
    assert [path.name for path in tmp_path.glob("*.h5")] == [result.files[0].name]
    assert analyzer(tmp_path).run(long_clip).frames_with_animals == 640


def test_fewer_or_other_frames_are_refused(long_clip: Path, tmp_path: Path) -> None:
    analyzer(tmp_path, frames="0:20").run(long_clip)
    for frames in ("0:10", "5:40", "0:40:2"):
        with pytest.raises(InputError, match="frames was"):
            analyzer(tmp_path, frames=frames).run(long_clip)
    with pytest.raises(InputError, match=r"settings\.mode was 'enhanced' and is 'compatible'"):
        analyzer(tmp_path, frames="0:40", mode="compatible").run(long_clip)
    assert len(RunStore.open(next(tmp_path.iterdir()))) == 20


def test_an_interrupted_extension_is_done_again(long_clip: Path, tmp_path: Path, monkeypatch: Any) -> None:
    analyzer(tmp_path, frames="0:30").run(long_clip)
    with monkeypatch.context() as patch:
        patch.setattr(
            store_module.zarr.Group, "update_attributes", lambda *_: (_ for _ in ()).throw(KeyError)
        )
        with pytest.raises(KeyError):
            analyzer(tmp_path, frames="0:60").run(long_clip)
    result = analyzer(tmp_path, frames="0:60").run(long_clip)
    assert result.frames_with_animals == 60
    assert result.poses["frame"].values.tolist() == list(range(60))


def test_a_run_that_is_killed_loses_little(long_clip: Path, tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr("superanimal.inference.pipeline.KEEP_EVERY_S", 0.0)

    class Killed(Progress):
        def advance(self, n: int = 1) -> None:
            super().advance(n)
            if self.done > 60:
                raise MemoryError  # nothing is written after it, as after a kill

    told = Killed()
    with pytest.raises(MemoryError):
        analyzer(tmp_path).run(long_clip, told)
    assert RunStore.open(next(tmp_path.iterdir())).finished_frames() == told.done


def test_legs_sorted_over_time_go_on_where_they_were(long_clip: Path, tmp_path: Path) -> None:
    def sorting(out: Path) -> Analyzer:
        made = analyzer(out)
        made.model.entry = replace(
            made.model.entry, limbs=((("red_nose", "blue_tail"), ("green_body", "green_body")),)
        )
        return made

    whole = sorting(tmp_path / "whole").run(long_clip)
    with pytest.raises(Cancelled):
        sorting(tmp_path / "stopped").run(long_clip, CancelAt(300))
    again = sorting(tmp_path / "stopped").run(long_clip)
    assert content(again.store) == content(whole.store)
    with pytest.raises(InputError, match="limbs was 'sorted over time' and is None"):
        analyzer(tmp_path / "stopped").run(long_clip)


def test_a_finished_run_computes_nothing(long_clip: Path, whole: Path) -> None:
    before = content(whole)
    again = analyzer(whole.parent)
    result = again.run(long_clip)
    assert again.model.batches == [] and again.detector.batches == []  # type: ignore[attr-defined, union-attr]
    assert result.frames_with_animals == 640
    assert content(whole) == before


@pytest.mark.slow  # test_a_run_that_is_killed_loses_little stays
def test_killed_at_random_moments(long_clip: Path, whole: Path, tmp_path: Path) -> None:
    here = Path(__file__).parents[1] / "support"
    environment = {
        **os.environ,
        "OMP_NUM_THREADS": "1",
        "OMP_WAIT_POLICY": "PASSIVE",
        "PYTHONPATH": os.pathsep.join([str(here), os.environ.get("PYTHONPATH", "")]).rstrip(os.pathsep),
    }
    command = [sys.executable, str(here / "kill_me.py"), str(long_clip), str(tmp_path)]
    store_path = tmp_path / whole.name
    rng = random.Random(os.environ.get("PYTEST_SEED", "7"))
    lines_before_kill = [rng.randint(*limits) for limits in ((1, 9), (12, 16), (1, 9), (1, 9), (1, 9))]
    kills = 0
    for patience in [*lines_before_kill, 10**9]:
        finished = RunStore.open(store_path).finished_frames() if store_path.exists() else 0
        child = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
        assert child.stdout is not None
        told = []
        for line in child.stdout:
            told.append(line.strip())
            if len(told) > patience:
                time.sleep(rng.uniform(0, 0.03))
                child.kill()
                break
        child.stdout.close()
        child.wait()
        assert told[0] == f"0 of {640 - finished}"  # what was finished is not begun again
        kills += child.returncode != 0
    assert kills == 5 and told[-1] == "finished"
    assert content(store_path) == content(whole)


def test_other_choices_are_not_mixed(long_clip: Path, whole: Path) -> None:
    with pytest.raises(InputError, match=r"settings\.mode was 'enhanced' and is 'compatible'") as error:
        analyzer(whole.parent, mode="compatible").run(long_clip)
    assert "resume=False" in error.value.remedy and "--overwrite" in error.value.parts("shell")[2]
    with pytest.raises(InputError, match="frames was"):
        analyzer(whole.parent, frames="0:100").run(long_clip)
    other = analyzer(whole.parent)
    with torch.no_grad():
        other.model.network.weight *= 0.5  # type: ignore[operator]
    with pytest.raises(InputError, match="weights was"):
        other.run(long_clip)


def test_another_video_of_the_same_name_is_not_mixed(clip: Path, pair: Path, tmp_path: Path) -> None:
    (tmp_path / "v.mp4").write_bytes(clip.read_bytes())
    analyzer(tmp_path).run(tmp_path / "v.mp4")
    (tmp_path / "v.mp4").write_bytes(pair.read_bytes())
    with pytest.raises(InputError, match="the content of the video has changed"):
        analyzer(tmp_path).run(tmp_path / "v.mp4")


def test_starting_over(clip: Path, tmp_path: Path) -> None:
    analyzer(tmp_path, mode="compatible").run(clip)
    result = analyzer(tmp_path, resume=False).run(clip)
    assert RunStore.open(result.store).attrs["identity"]["settings"]["mode"] == "enhanced"


def test_a_full_disk_stops_the_run_and_it_goes_on_later(
    long_clip: Path, whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = []

    def full_later(folder: Path) -> None:
        calls.append(folder)
        if len(calls) > 6:
            raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(store_module, "_flush", full_later)
        with pytest.raises(StorageError, match="disk is full"):
            analyzer(tmp_path).run(long_clip)
    assert RunStore.open(tmp_path / whole.name).finished_chunks() == [0]
    assert content(analyzer(tmp_path).run(long_clip).store) == content(whole)


class Hungry(BlobPose):
    """Runs out of memory above three crops."""

    def forward(self, x: torch.Tensor) -> dict[str, torch.Tensor]:
        if len(x) > 3:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return super().forward(x)


def test_a_batch_size_found_the_hard_way_is_kept_over_a_stop(long_clip: Path, tmp_path: Path) -> None:
    def hungry(out: Path) -> Analyzer:
        return Analyzer(Hungry(), detector=BlobDetector(), device="cpu", batch_size=8, formats=(), out=out)

    whole = hungry(tmp_path / "whole").run(long_clip)
    with pytest.raises(Cancelled):
        hungry(tmp_path / "parts").run(long_clip, CancelAt(300))
    again = hungry(tmp_path / "parts")
    parts = again.run(long_clip)
    assert content(parts.store) == content(whole.store)
    assert set(again.model.batches) <= {1, 2}  # type: ignore[attr-defined]
    assert np.isfinite(parts.poses["position"].values).all()
