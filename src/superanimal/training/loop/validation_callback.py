"""Actions between two rounds of training: validation, curves, best weights, checkpoint, stopping."""

from __future__ import annotations

import csv
import math
import time
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
from lightning.pytorch import Callback, LightningModule, Trainer
from safetensors.torch import load_file
from torch import nn

from superanimal.errors import ModelError
from superanimal.files import atomic_write
from superanimal.progress import Progress
from superanimal.training.loop.lightning_module import TrainingModule
from superanimal.training.loop.recipe import Recipe
from superanimal.training.loop.task import Task
from superanimal.zoo.checkpoint import write_weights


class Keeper(Callback):
    """Validates the averaged network after each round and keeps the best weights.

    Attributes
    ----------
    rows
        Rows of the curves so far.
    best
        Figures of the best validation, with its step.
    waited
        Validations since then.
    stopped
        Why the run ended; empty while it has not.
    """

    def __init__(
        self,
        task: Task,
        recipe: Recipe,
        folder: Path,
        progress: Progress,
        record: dict[str, Any],
    ) -> None:
        self.task, self.recipe, self.progress, self.record = task, recipe, progress, record
        self.every = int(record["steps_per_round"])
        self.total = self.every * int(record["rounds"])
        self.folder = folder
        self.best_weights, self.checkpoint = folder / "best.safetensors", folder / "last.ckpt"
        self.curves = folder / "curves.csv"
        self.rows: list[dict[str, float]] = []
        self.best: dict[str, float] = {}
        self.waited = 0
        self.stopped = ""
        self._writer: Any = None
        self._before = 0.0
        self._began = 0.0
        if self.checkpoint.is_file():
            state = torch.load(self.checkpoint, map_location="cpu", weights_only=True)
            self.load_state_dict(state["callbacks"][self.state_key])

    @property
    def ended(self) -> bool:
        """Whether the run has come to its end."""
        return bool(self.stopped)

    @property
    def step(self) -> int:
        """Steps up to the last validation."""
        return int(self.rows[-1]["step"]) if self.rows else 0

    def state_dict(self) -> dict[str, Any]:
        """Return what a continued run has to know."""
        return {"rows": self.rows, "best": self.best, "waited": self.waited, "stopped": self.stopped}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take up a continued run."""
        self.rows, self.best = list(state["rows"]), dict(state["best"])
        self.waited, self.stopped = int(state["waited"]), str(state["stopped"])

    def on_save_checkpoint(
        self, trainer: Trainer, module: LightningModule, checkpoint: dict[str, Any]
    ) -> None:
        """Put data, split, recipe and seed into the checkpoint."""
        checkpoint["superanimal"] = self.record

    def on_train_start(self, trainer: Trainer, module: LightningModule) -> None:
        """Begin to count."""
        if trainer.is_global_zero and find_spec("tensorboard") is not None:
            from torch.utils.tensorboard import SummaryWriter

            self._writer = SummaryWriter(str(self.folder / "tensorboard"), purge_step=self.step + 1)
        self._before, self._began = (self.rows[-1]["seconds"] if self.rows else 0.0), time.monotonic()
        assert isinstance(module, TrainingModule)
        if not self.rows:
            self._judge(trainer, module, {"step": 0.0})
        self.progress.start(self.total, "training", "steps")
        if self.step:
            self.progress.message(f"continues at step {self.step} of {self.total}")
            self.progress.advance(self.step)

    def on_train_batch_end(
        self, trainer: Trainer, module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Report a step; stop when the user wants it."""
        if (batch_idx + 1) % self.recipe.accumulate == 0:
            self.progress.advance(1)
        cancelled = self.progress.cancelled
        if trainer.world_size > 1:
            cancelled = trainer.strategy.reduce_boolean_decision(cancelled, all=False)
        if cancelled:
            trainer.should_stop = True

    def on_train_epoch_end(self, trainer: Trainer, module: LightningModule) -> None:
        """Validate, write, decide; a round that was cut short leaves no trace."""
        assert isinstance(module, TrainingModule)
        step = trainer.global_step
        if step % self.every:
            return
        losses = module.take_losses()
        if not math.isfinite(losses["loss"]):
            raise ModelError(
                f"training diverged: the loss is {losses['loss']} at step {step}",
                "the weights of the last validation are kept",
                f"choose a smaller learning rate than {self.recipe.lr:g}, or precision '32'",
            )
        lr = max(group["lr"] for group in trainer.optimizers[0].param_groups)
        self._judge(trainer, module, {"step": float(step), "lr": lr, **losses})
        if step >= self.total:
            self.stopped = "finished"
        elif self.recipe.patience and self.waited >= self.recipe.patience:
            self.stopped = "early stopping"
            trainer.should_stop = True
        self._save(trainer)

    def on_train_end(self, trainer: Trainer, module: LightningModule) -> None:
        """Close what is open."""
        if self._writer is not None:
            self._writer.close()
            self._writer = None
        self.progress.finish()

    def _judge(self, trainer: Trainer, module: TrainingModule, row: dict[str, float]) -> None:
        """Validate, complete a line of the curves, write it, and keep the weights when they are the best."""
        held_out = self._validate(trainer, module)
        row |= {f"held_out_{name}": value for name, value in held_out.items()}
        score = f"held_out_{self.task.score}"
        if math.isnan(row.get(score, math.nan)) and not math.isnan(self.best.get(score, math.nan)):
            raise ModelError(
                f"training diverged: {score} is not a number at step {row['step']:.0f}",
                "the weights of the best validation are kept",
                f"choose a smaller learning rate than {self.recipe.lr:g}",
            )
        row["seconds"] = round(self._before + time.monotonic() - self._began, 2)
        self.rows.append(row)
        better = self._better(row)
        self.best, self.waited = (row, 0) if better else (self.best, self.waited + 1)
        if trainer.is_global_zero:
            if better:
                figures = {name: f"{value:.6g}" for name, value in row.items()}
                write_weights(module.kept, self.best_weights, figures)
            self._write(row)
        self.progress.message(describe(row, self.total, better))
        self.progress.emit("curve", row=row)

    def _validate(self, trainer: Trainer, module: TrainingModule) -> dict[str, float]:
        """Return held-out figures, computed by the first process and broadcast to all."""
        figures: dict[str, float] = {}
        if trainer.is_global_zero:
            training = module.kept.training
            figures = self.task.validate(module.kept.eval())
            module.kept.train(training)
        if trainer.world_size > 1:
            figures = trainer.strategy.broadcast(figures)
        return figures

    def _better(self, row: dict[str, float]) -> bool:
        """Whether a line is the best so far; without held-out figures the newest is."""
        name = f"held_out_{self.task.score}"
        score, best = row.get(name, math.nan), self.best.get(name, math.nan)
        return math.isnan(best) or score > best

    def _write(self, row: dict[str, float]) -> None:
        """Rewrite the curves, so that they never hold rows of a repeated round."""
        with atomic_write(self.curves) as temporary, temporary.open("w", newline="") as file:
            table = csv.DictWriter(file, list(dict.fromkeys(key for row in self.rows for key in row)))
            table.writeheader()
            table.writerows(self.rows)
        if self._writer is not None:
            for name, value in row.items():
                if name != "step":
                    self._writer.add_scalar(name.replace("held_out_", "held out/"), value, int(row["step"]))
            self._writer.flush()

    def _save(self, trainer: Trainer) -> None:
        """Write the checkpoint; every process takes part, the first one puts it in place."""
        if not trainer.is_global_zero:
            trainer.save_checkpoint(self.checkpoint)
            return
        with atomic_write(self.checkpoint) as temporary:
            trainer.save_checkpoint(temporary)

    def load_best(self, network: nn.Module) -> None:
        """Fill a network with the best weights; counters of batch normalisation do not matter."""
        network.load_state_dict(load_file(self.best_weights), strict=False)
        network.eval().cpu()


def describe(row: dict[str, float], total: int, better: bool) -> str:
    """Describe one row of the curves in words."""
    text = f"step {row['step']:.0f} of {total}"
    if "loss" in row:
        text += f": loss {row['loss']:.4g}"
    held_out = [
        f"{name.removeprefix('held_out_')} {value:.4g}"
        for name, value in row.items()
        if name.startswith("held_out_")
    ]
    if held_out:
        text += f"; held out: {', '.join(held_out)}"
    return f"{text}{' (best)' if better and held_out else ''}"
