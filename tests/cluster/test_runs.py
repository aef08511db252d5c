"""Whatever happens to workers, the stores end as those of one computer."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from distributed import Client, LocalCluster
from watching import Listening

from superanimal.cluster import analyze_videos
from superanimal.cluster import dispatch as dispatch_module
from superanimal.cluster.dispatch import Dispatcher
from superanimal.cluster.places import connected
from superanimal.cluster.runs import make_job
from superanimal.cluster.worker import refusal
from superanimal.errors import Cancelled, InputError, VideoError
from superanimal.inference import Analyzer
from superanimal.poses.run_store import RunStore
from superanimal.progress import Progress

OPTIONS: Any = {"whole_frame": True, "device": "cpu", "formats": ("csv",)}


def content(store: Path) -> dict[str, bytes]:
    """Return the bytes of results, markers and raw estimates of a store."""
    files = (p for p in sorted(store.rglob("*")) if p.is_file() and p.name not in ("zarr.json", "lock"))
    return {str(p.relative_to(store)): p.read_bytes() for p in files}


@pytest.fixture(scope="module")
def alone(clips: list[Path], model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with the runs of one process."""
    folder = tmp_path_factory.mktemp("alone")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OMP_NUM_THREADS", "1")
        analyzer = Analyzer(model, out=folder, **OPTIONS)
        for clip in clips:
            analyzer.run(clip)
    return folder


@pytest.fixture(scope="module")
def thread() -> Iterator[Client]:
    """A client of a worker that is a thread of this process."""
    kinds: Any = {"n_workers": 1, "threads_per_worker": 1, "dashboard_address": ":0"}
    with LocalCluster(processes=False, **kinds) as cluster, Client(cluster, set_as_default=False) as client:
        yield client


def dispatched(
    client: Client, videos: list[Path], model: Path, out: Path, progress: Progress | None = None, **more: Any
) -> Any:
    job = make_job(model, {**OPTIONS, "out": out, **more})
    progress = progress or Progress()
    return Dispatcher(client, job, videos, progress, lambda _: Progress(), 5.0).run()


def test_two_processes_give_the_bytes_of_one(
    clips: list[Path], model: Path, alone: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    seen: dict[Path, Progress] = {}
    outcomes = analyze_videos(
        clips,
        "local",
        model,
        workers=2,
        each=lambda path: seen.setdefault(path, Progress()),
        out=tmp_path,
        **OPTIONS,
    )
    assert [outcome.video for outcome in outcomes] == clips
    assert [(outcome.error, outcome.frames) for outcome in outcomes] == [(None, 600), (None, 40)]
    for outcome in outcomes:
        assert outcome.store is not None
        assert content(outcome.store) == content(alone / outcome.store.name)
        assert all(file.read_bytes() == (alone / file.name).read_bytes() for file in outcome.files)
    assert [seen[clip].done for clip in clips] == [600, 40]


def test_a_video_that_cannot_be_read_does_not_stop_the_others(
    thread: Client, clips: list[Path], model: Path, alone: Path, tmp_path: Path
) -> None:
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(b"no video at all" * 100)
    progress = Listening()
    outcomes = dispatched(thread, [broken, *clips, tmp_path / "absent.mp4"], model, tmp_path, progress)
    assert isinstance(outcomes[0].error, VideoError) and not outcomes[0].files
    assert "same path" in str(outcomes[3].error)
    assert content(outcomes[1].store) == content(alone / outcomes[1].store.name)
    assert outcomes[2].error is None
    assert progress.done == 4 and any("broken.mp4 is not a readable" in text for text in progress.messages)


class CancelAtChunk(Progress):
    """Cancels when the first chunk of a store is there."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.folder = folder

    def check(self) -> None:
        if list(self.folder.glob("*.poses.zarr/chunks/0*.npz")):
            self.cancel()
        super().check()


def test_a_stopped_job_leaves_valid_stores_and_goes_on(
    thread: Client,
    clips: list[Path],
    model: Path,
    alone: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("superanimal.cluster.worker.TELL_EVERY_S", 0.0)
    with pytest.raises(Cancelled):
        dispatched(thread, clips, model, tmp_path, CancelAtChunk(tmp_path))
    store = RunStore.open(next(tmp_path.glob("long*.poses.zarr")))
    begun = {p: p.stat().st_mtime_ns for p in store.path.glob("chunks/*.npz")}
    assert begun and store.finished_chunks() == []
    whole = {p for p in begun if store.read_raw(int(p.stem), 0).stop == store.rows(int(p.stem)).stop}  # type: ignore[union-attr]
    outcomes = dispatched(thread, clips, model, tmp_path)
    assert content(outcomes[0].store) == content(alone / outcomes[0].store.name)
    assert all(p.stat().st_mtime_ns == begun[p] for p in whole)  # nothing finished is computed twice


def test_a_worker_of_another_version_refuses(
    thread: Client, clips: list[Path], model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = make_job(model, {**OPTIONS, "out": tmp_path})
    job.versions["onnxruntime"] = "0.1"
    with pytest.raises(dispatch_module.WorkerError, match=r"has onnxruntime .* client has 0\.1") as raised:
        Dispatcher(thread, job, clips, Progress(), lambda _: Progress(), 5.0).run()
    assert "dask worker" in raised.value.remedy
    assert not list(tmp_path.iterdir())


def test_a_worker_with_several_threads_refuses(model: Path) -> None:
    job = make_job(model, {})
    for threads, refused in ((1, False), (4, True)):
        worker: Any = SimpleNamespace(address="tcp://a:1", state=SimpleNamespace(nthreads=threads))
        assert ("4 threads" in refusal(job, worker)) == refused


def test_a_scheduler_without_workers_is_not_waited_for(
    clips: list[Path], model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dispatch_module, "_LOOK_S", 0.1)
    progress = Listening()
    with (
        LocalCluster(n_workers=0, processes=False, dashboard_address=":0") as cluster,
        Client(cluster, set_as_default=False) as client,
        pytest.raises(dispatch_module.WorkerError, match="no worker for 0 s"),
    ):
        job = make_job(model, {**OPTIONS, "out": tmp_path})
        Dispatcher(client, job, clips, progress, lambda _: Progress(), 0.3).run()
    assert progress.messages == ["waiting for workers"]


def test_loaded_models_and_two_videos_of_one_name_are_refused(clips: list[Path], tmp_path: Path) -> None:
    with pytest.raises(InputError, match="loaded model"):
        analyze_videos(clips, "local", object(), out=tmp_path)  # type: ignore[arg-type]
    other = tmp_path / "long.mp4"
    other.write_bytes(b"")
    with pytest.raises(InputError, match="would both be written to"):
        analyze_videos([*clips, other], "local", out=tmp_path)


@pytest.mark.slow
def test_a_killed_worker_costs_its_chunk(
    clips: list[Path], model: Path, alone: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    killed: list[dict[Path, int]] = []

    class Killing(CancelAtChunk):
        """Kills all workers, once, when the first chunk is there."""

        def cancel(self) -> None:
            if not killed:
                there = self.folder.glob("*.poses.zarr/chunks/0*.npz")
                killed.append({path: path.stat().st_mtime_ns for path in there})
                for pid in client.run(os.getpid).values():
                    os.kill(pid, signal.SIGKILL)

    with connected("local", 2, "cpu") as client:
        outcomes = dispatched(client, clips, model, tmp_path, Killing(tmp_path))
    assert killed
    for path, written in killed[0].items():
        assert path.stat().st_mtime_ns == written
    for outcome in outcomes:
        assert content(outcome.store) == content(alone / outcome.store.name)
