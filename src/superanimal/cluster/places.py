"""Where the workers are: processes of this computer, a dask scheduler that runs already, or SLURM."""

from __future__ import annotations

import logging
import os
import shutil
import signal
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from superanimal.cluster.worker import WORKER, WorkerError, forget
from superanimal.errors import InputError, option
from superanimal.extras import require
from superanimal.inference.device import may_have_accelerator

if TYPE_CHECKING:
    from distributed import Client

PLACES = ("local", "slurm", "tcp://HOST:PORT")
CONNECT_S = 15.0
"""Seconds in which a scheduler has to answer."""
PLAIN = {"distributed.nanny.pre-spawn-environ": {}, "distributed.worker.profile.enabled": False}
"""Configuration of dask for workers as fast as bare processes: by default it has memory trimmed after every
large array, which is then faulted in again, and takes the stack a hundred times a second."""
JOBS = {"cores": 1, "processes": 1, "memory": "4 GB", "walltime": "04:00:00", "job_cpu": 2}
"""What a job of SLURM asks for where dask's own configuration (``jobqueue.slurm``) says nothing."""


def check_place(cluster: str, device: str = "auto") -> None:
    """Raise unless ``cluster`` is one of :data:`PLACES`, and its packages are installed.

    Raises
    ------
    InputError
        Naming the place or the package, or the GPU that only one worker could use.
    """
    require("cluster", ("distributed",), "an analysis on several workers")
    if cluster == "slurm":
        require("cluster", ("dask_jobqueue",), "an analysis on SLURM")
        if shutil.which("sbatch") is None:
            raise InputError("there is no sbatch here", "jobs of SLURM are started from its login node")
    elif cluster != "local" and not cluster.startswith(("tcp://", "tls://")):
        raise InputError(f"cluster {cluster!r}", f"it is one of {', '.join(PLACES)}")
    if device.startswith("cuda:"):
        raise InputError(
            f"device {device!r} on a cluster",
            "every worker sees one GPU and takes that",
            f"name it cuda{option('device', repr('cuda'), '--device cuda')}",
        )


@contextmanager
def connected(cluster: str, workers: int | None, device: str) -> Iterator[Client]:
    """Yield a client of a cluster; workers that were started for it end with it.

    Parameters
    ----------
    cluster
        One of :data:`PLACES`.
    workers
        How many to start; None for one per GPU or processor core, and for one job of SLURM.
    device
        Of the analysis, ``"cpu"`` for workers without GPUs.

    Raises
    ------
    WorkerError
        When no scheduler answers, or workers cannot be started.
    """
    from distributed.utils import silence_logging_cmgr

    with silence_logging_cmgr(logging.CRITICAL):  # what matters is said by the errors of the job
        if cluster.startswith(("tcp://", "tls://")):
            if workers is not None:
                raise InputError(
                    f"{workers} workers at {cluster}",
                    "the workers of a running scheduler are started there",
                )
            with _client(cluster) as client:
                try:
                    yield client
                finally:
                    with suppress(Exception):  # the scheduler may have gone
                        client.run(forget, on_error="ignore")
            return
        start = _slurm(workers) if cluster == "slurm" else _local(workers, device)
        with start as place, _client(place) as client:
            yield client


@contextmanager
def _client(scheduler: Any) -> Iterator[Client]:
    """Connect to a scheduler, soon or never."""
    from distributed import Client

    try:
        client = Client(scheduler, timeout=CONNECT_S, set_as_default=False)
    except (OSError, ValueError) as error:
        raise WorkerError(
            f"no scheduler answers at {scheduler} within {CONNECT_S:.0f} s ({error})",
            "a dask scheduler must be running there",
            f"start it there with dask scheduler, and workers, each as: {WORKER}",
        ) from error
    try:
        yield client
    finally:
        with suppress(Exception):  # the scheduler may have gone
            client.close()


@contextmanager
def _local(workers: int | None, device: str) -> Iterator[Any]:
    """Start worker processes on this computer: one per GPU, or else per processor core."""
    import dask
    from distributed import Nanny, Scheduler, SpecCluster

    gpus = _gpus(device)
    number = workers or len(gpus) or _cores()
    common = {"nthreads": 1, "memory_limit": 0, "dashboard": False, "silence_logs": logging.CRITICAL}
    specification = {}
    for i in range(number):
        env = {"CUDA_VISIBLE_DEVICES": gpus[i % len(gpus)]} if gpus else {}
        specification[i] = {"cls": Nanny, "options": {**common, "env": env}}
    scheduler = {"cls": Scheduler, "options": {"dashboard": False, "host": "127.0.0.1", "port": 0}}
    with _uninterrupted(), dask.config.set(PLAIN):
        made = SpecCluster(workers=specification, scheduler=scheduler, silence_logs=logging.CRITICAL)
    with made:
        yield made


@contextmanager
def _slurm(workers: int | None) -> Iterator[Any]:
    """Have SLURM start jobs with one worker each; what they ask for is set in dask's configuration."""
    import dask
    from dask_jobqueue import SLURMCluster

    configured = dask.config.collect().get("jobqueue", {}).get("slurm", {})  # by a person, not by default
    known = {name.replace("-", "_") for name in configured}
    wanted: dict[str, Any] = {name: value for name, value in JOBS.items() if name not in known}
    with SLURMCluster(nanny=False, **wanted) as made:
        # a job that SLURM refuses would only be logged, and waited for
        trial = subprocess.run(
            ["sbatch", "--test-only"], input=made.job_script(), capture_output=True, text=True, check=False
        )
        if trial.returncode:
            raise WorkerError(
                f"SLURM takes no such jobs ({trial.stderr.strip()})",
                "jobs ask for what dask's configuration says under jobqueue.slurm",
                "correct queue, account, memory or walltime there (~/.config/dask/jobqueue.yaml)",
            )
        number = workers or 1
        made.adapt(minimum=number, maximum=number)  # a job whose time is over is followed by another
        yield made


def _gpus(device: str) -> list[str]:
    """Return what ``CUDA_VISIBLE_DEVICES`` calls each GPU of this computer; none for work on the CPU."""
    if device not in ("auto", "cuda") or not may_have_accelerator():
        return []
    if (named := os.environ.get("CUDA_VISIBLE_DEVICES")) is not None:
        return [name for name in named.split(",") if name.strip()]
    import torch

    return [str(i) for i in range(torch.cuda.device_count())]


def _cores() -> int:
    """Return the number of processor cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@contextmanager
def _uninterrupted() -> Iterator[None]:
    """Start processes that Ctrl-C in the terminal does not reach: they are told to stop, and save."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
