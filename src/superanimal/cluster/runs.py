"""Many videos on many workers: the call of the client.

The client needs neither models nor a GPU. The state of the work is in the run stores alone: the same call
again goes on where an earlier one was stopped, whatever stopped it.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Unpack

from superanimal.cluster.dispatch import NO_WORKER_S, Dispatcher, Outcome
from superanimal.cluster.places import check_place, connected
from superanimal.cluster.worker import Job, versions
from superanimal.errors import InputError
from superanimal.inference.naming import check_distinct, store_path
from superanimal.inference.options import AUTO, AnalyzerOptions
from superanimal.inference.sources import Source, find_videos
from superanimal.progress import Progress
from superanimal.zoo.exported import threads as threads_of_networks


def analyze_videos(
    videos: Source | Iterable[Source],
    cluster: str = "local",
    model: str | os.PathLike[str] = AUTO,
    *,
    workers: int | None = None,
    progress: Progress | None = None,
    each: Callable[[Path], Progress] | None = None,
    **options: Unpack[AnalyzerOptions],
) -> list[Outcome]:
    """Estimate the poses in many videos on many workers, with the results of :func:`superanimal.analyze`.

    Workers must see the videos and the folders of results under the same paths as the client. A video that
    cannot be read does not stop the others. Networks on the CPU run with one thread in every worker, or with
    ``OMP_NUM_THREADS`` of the client: the results are those of one computer with that number to the byte.

    Parameters
    ----------
    videos
        As for :func:`superanimal.find_videos`.
    cluster
        ``"local"`` for processes of this computer, one per GPU or processor core; the address of a dask
        scheduler, ``"tcp://HOST:PORT"``; or ``"slurm"``.
    model
        Name or path; ``"auto"`` chooses one for each video.
    workers
        How many to start, local or as jobs of SLURM.
    progress
        Counts videos, shows messages and can cancel.
    each
        Returns the progress of one video, which counts its frames.
    **options
        See :class:`superanimal.inference.Analyzer`.

    Returns
    -------
    list of Outcome
        In the order of the videos.

    Raises
    ------
    WorkerError
        When no worker is there, or one cannot do what the others do.
    StorageError
        When results cannot be written.
    Cancelled
        When ``progress`` was cancelled; what is finished is kept.

    Notes
    -----
    Worker processes of this computer import the program that calls this: it needs the usual
    ``if __name__ == "__main__":``.
    """
    device = options.get("device", "auto")
    check_place(cluster, device)
    paths = [path.absolute() for path in find_videos(videos)]
    job = make_job(model, dict(options))
    named = "model" if model == AUTO else Path(model).stem
    out = job.options.get("out")
    check_distinct(paths, lambda path: store_path(path, named, out))
    progress = progress or Progress()
    with connected(cluster, workers, device) as client:
        patience = None if cluster == "slurm" else NO_WORKER_S
        return Dispatcher(client, job, paths, progress, each or (lambda _: Progress()), patience).run()


def make_job(model: Any, options: dict[str, Any]) -> Job:
    """Return what the workers have to know, all paths absolute."""
    for name, value in (("model", model), ("detector", options.get("detector"))):
        if value is not None and not isinstance(value, str | os.PathLike):
            raise InputError(
                f"{name} is a loaded model", "workers load models themselves", "give its name or path"
            )
    overwrite = not options.pop("resume", True)
    for name in ("detector", "boxes", "offsets"):
        options[name] = _absolute(options.get(name))
    if options.get("out") is not None:
        options["out"] = Path(options["out"]).expanduser().absolute()
    threads = threads_of_networks() if "OMP_NUM_THREADS" in os.environ else 1
    name = f"superanimal-{secrets.token_hex(4)}"
    return Job(name, os.fspath(_absolute(model)), options, overwrite, threads, versions())


def _absolute(value: Any) -> Any:
    """Return the absolute path of a file or folder; anything else as it is."""
    if isinstance(value, str | os.PathLike) and Path(value).expanduser().exists():
        return Path(value).expanduser().absolute()
    return value
