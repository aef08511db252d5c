"""What runs on a worker: the beginning of a run, raw estimates of some of its chunks, and its end.

The unit of work is a chunk. A task carries several, so that a video is opened once for all of them; each is
written as soon as it is full, so that a worker that dies costs no more than the chunk it was at. Any worker
can repeat any task: what is there is skipped. The store of a run holds all that was chosen when it began
(model, backend, device, how the detector looks), and a worker that cannot do the same refuses.
"""

from __future__ import annotations

import os
import platform
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from superanimal.errors import DeviceError, ModelError, NotFoundError, SuperAnimalError
from superanimal.inference.choosing import Analyzers
from superanimal.inference.open_run import OpenRun
from superanimal.progress import Progress

if TYPE_CHECKING:
    from distributed import Worker

TELL_EVERY_S = 1.0
"""How often a task tells the client how far it is, and asks whether it is to stop."""
WORKER = "dask worker <HOST:PORT> --nworkers 1 --nthreads 1"
"""Dask's command for a worker that can take part."""
SAME = ("torch", "onnxruntime", "openvino", "av")
"""Libraries whose version decides about numbers or pixels: the same on all machines."""


class WorkerError(SuperAnimalError):
    """A worker cannot take part, or there is none."""


@dataclass(frozen=True)
class Job:
    """One call of the client, the same for all its tasks.

    Attributes
    ----------
    name
        Unique; topic of the events and name of the wish to stop.
    model, options
        As of :class:`superanimal.inference.Analyzer`, models by name or path, all paths absolute.
    overwrite
        Start over instead of resuming.
    threads
        Of the networks on the CPU: another number would change the last digits of their results.
    versions
        Those of the client, see :func:`versions`.
    """

    name: str
    model: str
    options: dict[str, Any] = field(compare=False)
    overwrite: bool
    threads: int
    versions: dict[str, str] = field(compare=False)


@dataclass(frozen=True)
class Begun:
    """A run whose store exists.

    Attributes
    ----------
    store
        Path of the store.
    missing
        Chunks without results and raw estimates, and the number of rows that each lacks.
    """

    store: Path
    missing: dict[int, int]


@dataclass(frozen=True)
class Done:
    """A run that is complete: its store, its exported files, and in how many frames animals were found."""

    store: Path
    files: tuple[Path, ...]
    frames: int
    frames_with_animals: int


def versions() -> dict[str, str]:
    """Return the versions that must agree; of torch without the kind of device it was built for."""
    from superanimal import __version__

    found = {"napari-superanimal": __version__}
    for name in SAME:
        try:
            found[name] = version(name).partition("+")[0]
        except PackageNotFoundError:
            found[name] = "not installed"
    return found


def refusal(job: Job, dask_worker: Worker) -> str:
    """Return why a worker, this process, cannot take part in a job; empty if it can."""
    here, name = versions(), f"worker {dask_worker.address} on {platform.node()}"
    if differ := [k for k, wanted in job.versions.items() if here.get(k) != wanted]:
        said = ", ".join(f"{k} {here.get(k)} where the client has {job.versions[k]}" for k in differ)
        return f"{name} has {said}"
    if dask_worker.state.nthreads != 1:
        return f"{name} has {dask_worker.state.nthreads} threads for tasks, which would share one model"
    return ""


def begin(job: Job, index: int, video: Path) -> Begun:
    """Begin the run of a video, or open it: choose a model, look at some frames, create the store."""
    with _at_work(job) as bench:
        progress = Telling(job, index)
        over = job.overwrite
        analyzers = Analyzers(job.model, **job.options, resume=False) if over else bench.analyzers
        try:
            analyzer = analyzers.of(video, progress)
            with analyzer.open(video, progress) as run:
                return Begun(run.store.path.absolute(), run.missing())
        except NotFoundError as error:
            raise NotFoundError(
                f"{error.problem} (on {platform.node()})",
                error.rule,
                "all workers must see the videos under the same path",
            ) from None


def estimate(job: Job, index: int, video: Path, store: Path, chunks: Sequence[int]) -> None:
    """Write the raw estimates of some chunks of a run."""
    with _at_work(job) as bench:
        bench.run(video, store).estimate(chunks, Telling(job, index, chunks[0]))


def finish(job: Job, index: int, video: Path, store: Path) -> Done:
    """Link the results of a run, compute what is still missing, and export it."""
    with _at_work(job) as bench:
        bench.close()
        progress = Telling(job, index)
        result = bench.analyzers.run(video, progress, bench.analyzers.going_on(store))
    found = result.frames_with_animals
    files = tuple(file.absolute() for file in result.files)
    return Done(result.store.absolute(), files, result.poses.sizes["time"], found)


class Telling(Progress):
    """Tells the client what a task does, and stops it when the client wishes.

    Parameters
    ----------
    job, index
        The job, and the number of the video in it.
    task
        First chunk of the task; None for a task whose frames do not count.
    """

    def __init__(self, job: Job, index: int, task: int | None = None) -> None:
        from distributed import Event, get_worker

        super().__init__()
        self._worker, self._job, self._index, self._task = get_worker(), job, index, task
        self._stop = Event(job.name)
        self._asked = self._told = -TELL_EVERY_S
        self.check()

    def changed(self) -> None:
        """See :class:`~superanimal.progress.Progress`."""
        if self._task is not None and time.monotonic() - self._told >= TELL_EVERY_S:
            self._told = time.monotonic()
            self._tell(task=self._task, done=self.done)

    def message(self, text: str) -> None:
        """Have the client show a message."""
        self._tell(text=text)

    def check(self) -> None:
        """See :class:`~superanimal.progress.Progress`."""
        if time.monotonic() - self._asked >= TELL_EVERY_S:
            self._asked = time.monotonic()
            if self._stop.is_set():
                self.cancel()
        super().check()

    def _tell(self, **event: Any) -> None:
        self._worker.log_event(self._job.name, {"video": self._index, **event})


class Bench:
    """What a worker process keeps between the tasks of a job: loaded models, and the run it was at, open."""

    def __init__(self, job: Job) -> None:
        os.environ["OMP_NUM_THREADS"] = str(job.threads)
        if "torch" in sys.modules:
            sys.modules["torch"].set_num_threads(job.threads)
        self.analyzers = Analyzers(job.model, **job.options)
        self._open = ExitStack()
        self._run: OpenRun | None = None

    def run(self, video: Path, store: Path) -> OpenRun:
        """Return the run of a video in its store, opened unless it is that of the task before."""
        if self._run is None or self._run.store.path != store:
            self.close()
            analyzer = self.analyzers.going_on(store)
            self._run = self._open.enter_context(analyzer.open(video))
        return self._run

    def close(self) -> None:
        """Close the open run."""
        self._run = None
        self._open.close()


@lru_cache(maxsize=1)
def bench_of(job: Job) -> Bench:
    """Return what this process keeps for a job; made once."""
    return Bench(job)


def forget() -> None:
    """Free the models of the last job."""
    bench_of.cache_clear()


@contextmanager
def _at_work(job: Job) -> Iterator[Bench]:
    """Yield what this worker keeps; raise for the whole job where the fault is the worker's."""
    from distributed import get_worker

    if why := refusal(job, get_worker()):
        raise WorkerError(why, *REMEDY)
    try:
        yield bench_of(job)
    except (ModelError, DeviceError) as error:
        raise WorkerError(f"{error.problem} (on {platform.node()})", error.rule, error.remedy) from None


REMEDY = (
    "all workers run the same versions as the client, one task at a time",
    f"start workers from one environment, each as: {WORKER}",
)
"""Rule and remedy for a worker that refuses."""
