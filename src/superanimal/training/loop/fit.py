"""The training loop: trains a task by a recipe and keeps the best weights; resumable after any crash.

A run is a folder::

    run.json           what is trained on what, with which recipe: checked before a run is continued
    curves.csv         one line per validation
    best.safetensors   weights of the best validation (of the last one without held-out data); step 0, the
                       network as it was given, takes part
    last.ckpt          optimiser, schedule, average, state of the loop: where the run continues
    tensorboard/       the curves once more, when tensorboard is installed

A run proceeds in rounds of some steps, each followed by a validation and a checkpoint. Every batch is a
function of the seed and the step, so a run that was killed repeats the round it was in and ends with the
same weights, to the last bit on a CPU, as one that was not.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import shutil
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray

from superanimal.errors import InputError
from superanimal.files import atomic_write
from superanimal.inference.naming import set_aside
from superanimal.labels.labelled_set import LabelledSet
from superanimal.poses import KeypointSpace, make_provenance
from superanimal.progress import Progress
from superanimal.training.data.samples import PoseSamples
from superanimal.training.loop.batches import Stream, find_batch_size, on_gpu
from superanimal.training.loop.frozen import FrozenTask
from superanimal.training.loop.recipe import Recipe
from superanimal.training.loop.task import PoseTask, Task
from superanimal.zoo.checkpoint import COUNTER
from superanimal.zoo.pose_model import PoseModel

if TYPE_CHECKING:
    from lightning.pytorch import Trainer

FEW = 32
"""Up to this number of samples, no processes are started to prepare them."""
HARMLESS = ("workers", "cache_gb", "device")
"""Settings that may change when a run is continued: they do not change what is computed."""


@dataclass(frozen=True)
class FitResult:
    """The result of a run.

    Attributes
    ----------
    best_weights
        Weights of the best validation, safetensors.
    checkpoint
        Where the run continues.
    curves
        CSV: step, learning rate, losses, held-out figures, seconds.
    best
        Figures of the best validation, with its ``step``.
    steps
        Steps made so far.
    stopped_because
        ``"finished"``, ``"early stopping"`` or ``"cancelled"``.
    """

    best_weights: Path
    checkpoint: Path
    curves: Path
    best: dict[str, float]
    steps: int
    stopped_because: str


def fit(
    model: PoseModel,
    train: LabelledSet,
    validation: LabelledSet | None,
    space: KeypointSpace,
    recipe: Recipe,
    folder: Path,
    *,
    point_weights: NDArray[np.floating] | None = None,
    progress: Progress | None = None,
    resume: bool = True,
    accepted: Callable[[], object] = lambda: None,
) -> FitResult:
    """Train a pose model on labelled animals.

    Parameters
    ----------
    model
        Network and entry (head, input size, normalisation, crop margin). The network is trained in place and
        holds the best weights afterwards.
    train, validation
        Labels over the keypoints of ``space``; without validation the last weights are the best.
    space
        Keypoints in channel order, left/right pairs, constants of the similarity.
    recipe
        Every choice.
    folder
        Where the run is kept; see the module.
    point_weights
        Shape (M, K): how much each labelled point of ``train`` counts; by default 1. Pseudo-labels may count
        less.
    progress
        Shows steps and time left; its ``changed`` gets ``curve`` (a line of the curves) after a validation.
        When cancelled, the run stops after the step it is in and can be continued.
    resume
        Continue the run in the folder, if there is one.
    accepted
        Called before anything is written, once it is clear that the folder is free or holds this very run:
        what else belongs to a run is written here, so that a refused one leaves another as it is.

    Raises
    ------
    InputError
        When labels, model and space do not fit, or the folder holds a run of other data or another recipe.
    ModelError
        When the loss is no longer a number.
    """
    held_out = None
    cache = Path(folder) / "cache"
    samples = PoseSamples(
        train, space, model.entry, recipe, point_weights=point_weights, cache=cache / "train"
    )
    if validation is not None:
        held_out = PoseSamples(
            validation, space, model.entry, recipe, augmented=False, cache=cache / "validation"
        )
    task = (FrozenTask if recipe.reuse else PoseTask)(model, samples, held_out, recipe)
    result = run(task, recipe, folder, progress=progress, resume=resume, accepted=accepted)
    if result.stopped_because != "cancelled":
        shutil.rmtree(cache, ignore_errors=True)
    return result


def run(
    task: Task,
    recipe: Recipe,
    folder: Path,
    *,
    progress: Progress | None = None,
    resume: bool = True,
    accepted: Callable[[], object] = lambda: None,
) -> FitResult:
    """Train a task; :func:`fit` says what the parameters mean."""
    from lightning.pytorch import Trainer

    from superanimal.training.loop.lightning_module import TrainingModule
    from superanimal.training.loop.validation_callback import Keeper

    progress, folder = progress or Progress(), Path(folder)
    record = _open_run(task, recipe, folder, resume, progress, accepted)
    batch, rounds, every = int(record["batch"]), int(record["rounds"]), int(record["steps_per_round"])
    keeper = Keeper(task, recipe, folder, progress, record)
    if not keeper.ended:
        with _quiet():
            trainer = Trainer(
                accelerator="auto" if recipe.device == "auto" else recipe.device.replace("cuda", "gpu"),
                devices=recipe.devices,
                num_nodes=recipe.nodes,
                strategy=recipe.strategy,
                precision=precision(recipe),  # type: ignore[arg-type]
                max_epochs=rounds,  # a round; with max_steps instead lightning resumes within a round
                accumulate_grad_batches=recipe.accumulate,
                gradient_clip_val=recipe.clip or None,
                sync_batchnorm=recipe.devices * recipe.nodes > 1 and on_gpu(recipe),
                use_distributed_sampler=False,
                callbacks=[keeper],
                logger=False,
                enable_checkpointing=False,
                enable_progress_bar=False,
                enable_model_summary=False,
                default_root_dir=folder,
            )
            start = keeper.checkpoint if keeper.checkpoint.is_file() else None
            module = TrainingModule(task, recipe, rounds * every)
            trainer.fit(module, _loader(task, recipe, trainer, batch, every), ckpt_path=start)
            if not trainer.is_global_zero:  # a process that lightning started to help ends here
                raise SystemExit(0)
    keeper.load_best(task.network)
    return FitResult(
        keeper.best_weights,
        keeper.checkpoint,
        keeper.curves,
        dict(keeper.best),
        keeper.step,
        keeper.stopped or "cancelled",
    )


def precision(recipe: Recipe) -> str:
    """Return lightning's name of the arithmetic of a recipe."""
    if recipe.precision == "auto":
        if not on_gpu(recipe):
            return "32-true"
        return "bf16-mixed" if torch.cuda.is_bf16_supported() else "16-mixed"
    return {"32": "32-true", "16": "16-mixed", "bf16": "bf16-mixed"}[recipe.precision]


def start_over(folder: Path, progress: Progress) -> None:
    """Move the run in a folder aside under a dated name, so that the next one starts over."""
    if folder.exists() and not _helping():
        progress.message(f"starting over; the earlier run is kept as {set_aside(folder).name}")


def _helping() -> bool:
    """Return whether this process is one that another started, or leads, in the same run."""
    return int(os.environ.get("LOCAL_RANK") or os.environ.get("SLURM_PROCID") or 0) > 0


def _open_run(
    task: Task,
    recipe: Recipe,
    folder: Path,
    resume: bool,
    progress: Progress,
    accepted: Callable[[], object],
) -> dict[str, Any]:
    """Return the record of the run in a folder, after checking that it is this one, or begin one."""
    path = folder / "run.json"
    helper = _helping()
    now = {"task": task.identity(), "recipe": json.loads(json.dumps(recipe.record()))}
    if path.is_file():
        if not resume and not helper:
            raise InputError(
                f"{folder} already holds a run",
                "a run is never overwritten",
                "continue it, or choose another folder",
            )
        record: dict[str, Any] = json.loads(path.read_text("utf-8"))
        differences = [*_differences(record["task"], now["task"], "")]
        if not (folder / "last.ckpt").is_file() and record["start"] != weights_digest(task.network):
            differences.append("the starting weights differ")
        before = {**Recipe(steps=1).record(), **record["recipe"]}  # older records lack settings
        differences += [
            text
            for text in _differences(before, now["recipe"], "recipe.")
            if text.split(" ")[0].removeprefix("recipe.") not in HARMLESS
        ]
        if differences:
            raise InputError(
                f"{folder} holds another run: {'; '.join(differences[:6])}",
                "a run is continued with the data and the recipe it began with",
                "use them again, or choose another folder for a new run",
            )
        if not helper:
            accepted()
        return record
    batch = recipe.batch
    if batch == "auto":
        progress.message("looking for the largest batch that fits")
        batch = find_batch_size(task, recipe)
    rounds, every = recipe.length(len(task.samples), batch)
    record = {
        **now,
        "start": weights_digest(task.network),
        "batch": batch,
        "rounds": rounds,
        "steps_per_round": every,
        "provenance": make_provenance("train"),
    }
    if not helper:
        accepted()
        with atomic_write(path) as temporary:
            temporary.write_text(json.dumps(record, indent=1), "utf-8")
    return record


def weights_digest(network: torch.nn.Module) -> str:
    """Return a digest of the weights of a network, counters of batch normalisation left out."""
    digest = hashlib.sha256()
    for name, value in network.state_dict().items():
        if not name.endswith(COUNTER):
            digest.update(value.detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()[:16]


def _differences(old: Any, new: Any, where: str) -> Iterator[str]:
    """Describe the differences between the plain values of two nested mappings."""
    for key in dict.fromkeys([*old, *new]):
        a, b = old.get(key), new.get(key)
        if a == b:
            continue
        if isinstance(a, dict) and isinstance(b, dict):
            yield from _differences(a, b, f"{where}{key}.")
        else:
            yield f"{where}{key} was {_short(a)}, is {_short(b)}"


def _short(value: Any) -> str:
    text = str(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _loader(task: Task, recipe: Recipe, trainer: Trainer, batch: int, every: int) -> Any:
    workers = 0 if recipe.reuse else recipe.workers
    if workers is None:
        few = len(task.samples) < FEW or not on_gpu(recipe)
        workers = 0 if few else min(8, max(1, (os.cpu_count() or 2) - 1))
    stream = Stream(batch, every * recipe.accumulate, trainer.global_rank, trainer.world_size)
    return torch.utils.data.DataLoader(
        task.samples,
        batch_size=batch,
        sampler=stream,
        num_workers=workers,
        persistent_workers=workers > 0,
        collate_fn=task.samples.collate,
        pin_memory=on_gpu(recipe),
        multiprocessing_context="spawn" if workers else None,
    )


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep lightning's advice to programmers off the terminal."""
    loggers = [logging.getLogger(name) for name in ("lightning.pytorch", "lightning.fabric")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module="lightning.*")
        warnings.filterwarnings("ignore", message=".*lr_scheduler.step.*")
        try:
            yield
        finally:
            for logger, level in zip(loggers, levels, strict=True):
                logger.setLevel(level)
