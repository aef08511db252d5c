"""Handing out the tasks of many videos, and collecting what came of them."""

from __future__ import annotations

import queue
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from superanimal.cluster import worker as on_worker
from superanimal.cluster.worker import REMEDY, WORKER, Begun, Done, Job, WorkerError
from superanimal.errors import Cancelled, StorageError, SuperAnimalError
from superanimal.progress import Progress

if TYPE_CHECKING:
    from distributed import Client, Future

LARGEST = 16
"""Most chunks of one task."""
SHARE = 2
"""Tasks per worker that the work left is cut into, if that makes tasks smaller.

Each begins with decoding from the key frame before it, which can cost as much as decoding a chunk."""
NO_WORKER_S = 60.0
"""Seconds without any worker after which a job ends; SLURM may let them wait."""
STOP_S = 15.0
"""Seconds that running tasks have to save what they are at when a job is stopped."""
_POLL_S = 0.2
_LOOK_S = 2.0


@dataclass(frozen=True)
class Outcome:
    """What came of one video.

    Attributes
    ----------
    video
        The video.
    store, files
        The run store and the exported files; None and empty after a failure.
    frames, frames_with_animals
        Number of frames, and of those in which an animal was found.
    error
        What went wrong; None if nothing did.
    """

    video: Path
    store: Path | None = None
    files: tuple[Path, ...] = ()
    frames: int = 0
    frames_with_animals: int = 0
    error: SuperAnimalError | None = None


@dataclass
class _Video:
    """A video at work: its progress, and the rows of its tasks (by first chunk) in all and done."""

    index: int
    path: Path
    progress: Progress
    store: Path | None = None
    rows: dict[int, int] = field(default_factory=dict)
    done: dict[int, int] = field(default_factory=dict)
    open: set[int] = field(default_factory=set)

    def count(self, task: int, rows: int) -> None:
        """Note how many rows of a task are done; a repeated task counts once."""
        self.done[task] = max(self.done.get(task, 0), min(rows, self.rows[task]))
        self.progress.advance(sum(self.done.values()) - self.progress.done)


class Dispatcher:
    """Hands out the tasks of a job and takes their results.

    Videos are worked on in their order, at any time as many as keep all workers busy.

    Parameters
    ----------
    client
        Of the cluster.
    job
        What all tasks have in common.
    videos
        Absolute paths.
    progress
        Counts videos and can cancel.
    each
        Returns the progress of a video.
    patience
        Seconds without workers after which the job ends; None waits.
    """

    def __init__(
        self,
        client: Client,
        job: Job,
        videos: list[Path],
        progress: Progress,
        each: Callable[[Path], Progress],
        patience: float | None,
    ) -> None:
        self.client, self.job, self.progress, self.patience = client, job, progress, patience
        self.each = each
        self._videos = videos
        self._waiting = deque(enumerate(videos))
        self._active: dict[int, _Video] = {}
        self._tasks: dict[Future, tuple[int, int | None]] = {}
        self._news: queue.Queue[Any] = queue.Queue()
        self._outcomes: dict[int, Outcome] = {}
        self._workers, self._looked, self._alone = 0, 0.0, 0.0

    def run(self) -> list[Outcome]:
        """Return the outcome of each video."""
        from distributed import Event

        stop = Event(self.job.name, client=self.client)
        self.client.subscribe_topic(self.job.name, lambda event: self._news.put(event[1]))
        self.progress.start(len(self._videos), title="videos", unit="videos")
        try:
            self._check_workers()
            while self._waiting or self._active:
                self.progress.check()
                self._look_at_workers()
                self._begin_more()
                self._hear()
            self.progress.finish()
        except (Cancelled, KeyboardInterrupt):
            self._let_tasks_save(stop)
            raise
        finally:
            for video in self._active.values():
                video.progress.finish()
            with suppress(Exception):  # the scheduler may have gone
                self.client.cancel(list(self._tasks), force=True)
                self.client.unsubscribe_topic(self.job.name)
        return [self._outcomes[i] for i in range(len(self._videos))]

    def _begin_more(self) -> None:
        """Begin as many videos as keep all workers busy."""
        while self._waiting and len(self._active) < 2 * max(1, self._workers):
            index, path = self._waiting.popleft()
            self._active[index] = _Video(index, path, self.each(path))
            self._submit(on_worker.begin, index, None, path, priority=-index)

    def _submit(
        self, function: Callable[..., Any], index: int, task: int | None, *args: Any, priority: int
    ) -> None:
        key = f"{self.job.name}-{function.__name__}-{index}" + ("" if task is None else f"-{task}")
        future = self.client.submit(function, self.job, index, *args, key=key, priority=priority, pure=False)
        self._tasks[future] = index, task
        future.add_done_callback(self._news.put)

    def _hear(self) -> None:
        """Take what has come in: events of tasks, and tasks that have ended."""
        try:
            news = self._news.get(timeout=_POLL_S)
        except queue.Empty:
            return
        while news is not None:
            if isinstance(news, dict):
                self._event(news)
            elif news in self._tasks:
                self._ended(news, *self._tasks.pop(news))
            news = None if self._news.empty() else self._news.get()

    def _event(self, event: dict[str, Any]) -> None:
        video = self._active.get(event["video"])
        if "text" in event:
            self.progress.message(event["text"])
        elif video is not None and event["task"] in video.open:
            video.count(event["task"], event["done"])

    def _ended(self, future: Future, index: int, task: int | None) -> None:
        """Take the result of a task, and hand out what follows from it."""
        video = self._active.get(index)
        if future.status == "error":
            self._failed(index, future.exception())
        elif future.status != "finished":
            raise WorkerError(
                "the scheduler has gone", "", "start it again, and the same command: it resumes"
            )
        elif video is not None:
            result = future.result()
            if isinstance(result, Begun):
                self._share_out(video, result)
            elif task is not None:
                video.count(task, video.rows[task])
                video.open.discard(task)
            if isinstance(result, Done):
                self._close(
                    index,
                    Outcome(
                        video.path, result.store, result.files, result.frames, result.frames_with_animals
                    ),
                )
            elif not video.open:
                assert video.store is not None
                self._submit(on_worker.finish, index, None, video.path, video.store, priority=1)

    def _share_out(self, video: _Video, begun: Begun) -> None:
        """Submit the tasks of a run: fewer chunks each when there is little left for all workers."""
        chunks = list(begun.missing)
        runs = len(self._waiting) + len(self._active)
        size = min(LARGEST, max(1, len(chunks) * runs // (SHARE * max(1, self._workers))))
        video.store = begun.store
        video.progress.start(sum(begun.missing.values()), title=video.path.name)
        for start in range(0, len(chunks), size):
            part = chunks[start : start + size]
            video.rows[part[0]] = sum(begun.missing[k] for k in part)
            video.open.add(part[0])
            self._submit(
                on_worker.estimate, video.index, part[0], video.path, begun.store, part, priority=-video.index
            )

    def _failed(self, index: int, error: BaseException | None) -> None:
        """End a video with an error, or the job where that concerns all."""
        if isinstance(error, (WorkerError, StorageError, Cancelled)):
            raise error
        if index not in self._active:
            return  # its other tasks fail alike
        path = self._active[index].path
        if not isinstance(error, SuperAnimalError):
            kind = type(error).__name__
            error = (
                WorkerError(
                    f"{path}: workers died of it, again and again", "", "is there enough memory for each?"
                )
                if kind == "KilledWorker"
                else WorkerError(f"{path}: {kind}: {error}")
            )
        mine = [future for future, (at, _) in self._tasks.items() if at == index]
        for future in mine:
            del self._tasks[future]
        self.client.cancel(mine, force=True)
        self._close(index, Outcome(path, error=error))

    def _close(self, index: int, outcome: Outcome) -> None:
        """Note the outcome of a video."""
        self._outcomes[index] = outcome
        self._active.pop(index).progress.finish()
        if outcome.error is not None:
            self.progress.message(f"Error: {outcome.error.text('shell')}")
        else:
            self.progress.message(
                f"{outcome.video.name}: animals in {outcome.frames_with_animals} of {outcome.frames} frames"
            )
        self.progress.advance()

    def _check_workers(self) -> None:
        """Wait for the first worker, and raise if one of those there cannot take part."""
        while not self._workers:
            self.progress.check()
            self._look_at_workers()
            time.sleep(_POLL_S)
        answers = self.client.run(on_worker.refusal, self.job, on_error="return")
        for address, answer in answers.items():
            if isinstance(answer, BaseException):
                raise WorkerError(
                    f"worker {address} lacks this version of napari-superanimal ({answer})", *REMEDY
                )
            if answer:
                raise WorkerError(answer, *REMEDY)

    def _look_at_workers(self) -> None:
        """Count the workers now and then; say, or raise, that there are none."""
        now = time.monotonic()
        if now - self._looked < _LOOK_S:
            return
        self._looked = now
        try:
            self._workers = len(self.client.nthreads())
        except (OSError, ValueError) as error:
            raise WorkerError(
                f"the scheduler has gone ({error})", "", "start it again, and the same command: it resumes"
            ) from error
        if self._workers:
            self._alone = 0.0
            return
        if not self._alone:
            self._alone = now
            self.progress.message("waiting for workers")
        if self.patience is not None and now - self._alone > self.patience:
            raise WorkerError(
                f"no worker for {self.patience:.0f} s",
                "what is finished is kept, and the same command resumes",
                f"start workers, each as: {WORKER}",
            )

    def _let_tasks_save(self, stop: Any) -> None:
        """Ask running tasks to stop, and give them time to save what they are at."""
        until = time.monotonic() + STOP_S
        with suppress(Exception):  # the scheduler may have gone
            stop.set()
            while self._tasks and time.monotonic() < until:
                with suppress(queue.Empty):
                    news = self._news.get(timeout=_POLL_S)
                    if not isinstance(news, dict):
                        self._tasks.pop(news, None)
