"""The training step as a lightning module: optimiser, schedule, frozen parts and averaged weights."""

from __future__ import annotations

import copy
import math
from typing import Any

import lightning
import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from superanimal.training.loop.recipe import Recipe
from superanimal.training.loop.task import Task

BACKBONE = ("backbone.", "model.backbone.")
"""How the names of a backbone's tensors begin, in pose networks and in torchvision's detectors."""
FLOOR = 0.01
"""Learning rate at the end of a cosine schedule, as a part of its peak."""
BETAS_EMA = 10
"""After n steps the average looks back at most over n / 9 of them: (1 + n) / (10 + n)."""


class TrainingModule(lightning.LightningModule):
    """A task, its optimiser, and an exponential moving average of its weights.

    Parameters
    ----------
    task
        Network and loss.
    recipe
        Choices.
    total_steps
        Steps of the whole run, for the schedule.
    """

    def __init__(self, task: Task, recipe: Recipe, total_steps: int) -> None:
        super().__init__()
        self.task, self.recipe, self.total_steps = task, recipe, total_steps
        self.network = task.network.to(memory_format=torch.channels_last)
        freeze(self.network, recipe)
        self.average = copy.deepcopy(self.network).eval().requires_grad_(False) if recipe.ema else None
        self.losses: dict[str, Tensor] = {}
        self.batches = 0

    @property
    def kept(self) -> nn.Module:
        """The network that is validated and kept: the average, or the network itself."""
        return self.network if self.average is None else self.average

    def training_step(self, batch: dict[str, Tensor], number: int) -> Tensor:
        """Return the loss of one batch."""
        losses = self.task.loss(self.network, batch)
        for name, value in losses.items():
            self.losses[name] = self.losses.get(name, 0) + value.detach()
        self.batches += 1
        return losses["loss"]

    def take_losses(self) -> dict[str, float]:
        """Return the mean losses since the last call."""
        found = {name: float(value) / max(self.batches, 1) for name, value in self.losses.items()}
        self.losses, self.batches = {}, 0
        return found

    def on_train_epoch_start(self) -> None:
        """Make random layers a function of seed and round; keep frozen normalisation as it is."""
        torch.manual_seed(self.recipe.seed * 1_000_003 + self.current_epoch)
        self.network.train()
        if self.recipe.freeze_norm:
            for name, part in self.network.named_modules():
                if isinstance(part, _BatchNorm) and name.startswith(BACKBONE):
                    part.eval()

    def configure_optimizers(self) -> Any:
        """Return AdamW with the schedule; see :func:`parameter_groups`."""
        groups = parameter_groups(self.network, self.recipe)
        optimiser = torch.optim.AdamW(groups, lr=self.recipe.lr)
        schedule = torch.optim.lr_scheduler.LambdaLR(
            optimiser, lambda step: factor(self.recipe, step, self.total_steps)
        )
        return {"optimizer": optimiser, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}

    def optimizer_step(self, *args: Any, **kwargs: Any) -> None:
        """Make a step and let the average follow."""
        super().optimizer_step(*args, **kwargs)
        if self.average is None:
            return
        step = self.global_step
        keep = min(self.recipe.ema, (1 + step) / (BETAS_EMA + step))
        follow(self.average, self.network, keep)


@torch.no_grad()
def follow(average: nn.Module, network: nn.Module, keep: float) -> None:
    """Move every weight and buffer of an average by ``1 - keep`` of the way to the network's."""
    pairs = zip(average.state_dict().values(), network.state_dict().values(), strict=True)
    for mean, value in pairs:
        if mean.is_floating_point():
            mean.lerp_(value, 1 - keep)
        else:
            mean.copy_(value)


def freeze(network: nn.Module, recipe: Recipe) -> None:
    """Stop the gradient of the backbone's first stages, or of all of it when its rate is 0.

    The stages are those that timm's feature information names; what comes before the end of stage n in the
    order of definition is frozen. Without that information (HRNet's and ResNet's own wrappers have it inside)
    the first parts of the backbone are taken.
    """
    own = [(name, p) for name, p in network.named_parameters() if name.startswith(BACKBONE)]
    if not recipe.backbone_factor:
        last = len(own)
    elif not recipe.freeze:
        return
    else:
        last = _end_of_stage(network, [name for name, _ in own], recipe.freeze)
    for _, parameter in own[:last]:
        parameter.requires_grad_(False)


def _end_of_stage(network: nn.Module, names: list[str], stages: int) -> int:
    """Return how many of the backbone's parameters come before the end of its n-th stage."""
    for prefix, part in network.named_modules():
        info = getattr(part, "feature_info", None)
        if info is None or not f"{prefix}.".startswith(BACKBONE) or not hasattr(info, "info"):
            continue
        ends = {item["module"].replace(".", "_"): item["reduction"] for item in info.info}
        inside = [name.removeprefix(f"{prefix}.").replace(".", "_") for name in names]
        chosen = [end for end, reduction in ends.items() if reduction <= 2**stages]
        found = [n for n, name in enumerate(inside) if any(name.startswith(f"{end}_") for end in chosen)]
        if found:
            return max(found) + 1
    parts = list(dict.fromkeys(".".join(name.split(".")[:3]) for name in names))
    chosen_parts = set(parts[:stages])
    return sum(".".join(name.split(".")[:3]) in chosen_parts for name in names)


def parameter_groups(network: nn.Module, recipe: Recipe) -> list[dict[str, Any]]:
    """Return the trained parameters in four groups: backbone or not, with weight decay or without.

    Biases, normalisation and other parameters of one dimension do not decay.
    """
    groups: dict[tuple[bool, bool], list[nn.Parameter]] = {}
    for name, parameter in network.named_parameters():
        if parameter.requires_grad:
            groups.setdefault((name.startswith(BACKBONE), parameter.ndim > 1), []).append(parameter)
    return [
        {
            "params": parameters,
            "lr": recipe.lr * (recipe.backbone_factor if backbone else 1.0),
            "weight_decay": recipe.weight_decay if decays else 0.0,
        }
        for (backbone, decays), parameters in sorted(groups.items())
    ]


def factor(recipe: Recipe, step: int, total: int) -> float:
    """Return the learning rate of a step (0 is the first), as a part of its peak."""
    warmup = min(recipe.warmup, total // 10)
    if step < warmup:
        return (step + 1) / warmup
    share = (step - warmup) / max(total - warmup, 1)
    if recipe.schedule == "cosine":
        return FLOOR + (1 - FLOOR) * 0.5 * (1 + math.cos(math.pi * min(share, 1.0)))
    if recipe.schedule == "step":
        return 0.1 ** sum(step / total >= milestone for milestone in recipe.milestones)
    return 1.0
