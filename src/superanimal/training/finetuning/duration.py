"""How long a training will take, measured on this computer before it begins."""

from __future__ import annotations

import statistics
import time

from superanimal.zoo.entry import ModelEntry

PREPARATION = 0.012
"""Seconds to cut, vary and validate one sample on a CPU core, beside what the network takes."""
JUDGING = 6
"""How often each held-out animal is predicted after the training: both models, also mirrored."""


def seconds_per_sample(entry: ModelEntry, batch: int = 8, device: str = "auto", *, repeats: int = 3) -> float:
    """Return the seconds that one training sample takes, from a few steps on noise.

    Weights and data are not needed: the time depends on the architecture and the computer alone. What else
    runs at the same time is measured with it, so this is an estimate.

    Parameters
    ----------
    entry
        The model that will be trained.
    batch
        Samples per step.
    device
        As in :class:`superanimal.training.loop.recipe.Recipe`.
    repeats
        Timed steps, after one that is not timed; their median counts.
    """
    import torch
    from torch.utils._pytree import tree_flatten

    from superanimal.inference.device import resolve_device
    from superanimal.training.networks.heads import random_network

    where = resolve_device(device)
    layout = torch.channels_last
    network = random_network(entry, entry.num_keypoints, 0).to(where, memory_format=layout).train()  # type: ignore[call-overload]
    height, width = entry.input_size
    pictures = torch.randn(batch, 3, height, width, device=where).to(memory_format=layout)
    seconds = []
    for _ in range(1 + repeats):
        start = time.perf_counter()
        outputs, _ = tree_flatten(network(pictures))
        torch.stack([output.float().mean() for output in outputs]).sum().backward()
        network.zero_grad(set_to_none=True)
        if where.type == "cuda":
            torch.cuda.synchronize()
        seconds.append(time.perf_counter() - start)
    return statistics.median(seconds[1:]) / batch + PREPARATION


def training_seconds(seconds_per_sample: float, steps: int, batch: int, held_out: int = 0) -> float:
    """Return the estimated length of a training in seconds, with its validations and the final comparison.

    Parameters
    ----------
    seconds_per_sample
        See above.
    steps, batch
        Of the recipe.
    held_out
        Held-out animals. Each is looked at in every validation and some times more at the end, without a
        backward pass: a third of the time.
    """
    validations = 1 + min(20, -(-steps // 25))
    return seconds_per_sample * (steps * batch + held_out * (validations + JUDGING) / 3)
