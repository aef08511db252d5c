"""Estimating the duration of a training on this computer before it starts."""

from __future__ import annotations

import statistics
import time

from superanimal.zoo.entry import ModelEntry

PREPARATION = 0.012
"""Seconds to crop, augment and validate one sample on a CPU core, excluding the network."""
JUDGING = 6
"""Number of predictions of each held-out animal after the training: both models, also mirrored."""
BEHIND = 0.08
"""Part of the time of a step that is left where the features of the backbone are kept."""


def seconds_per_sample(entry: ModelEntry, batch: int = 8, device: str = "auto", *, repeats: int = 3) -> float:
    """Return the seconds that one training sample takes, from a few steps on noise.

    Weights and data are not needed: the time depends only on the architecture and the computer. Other running
    processes affect the measurement, so this is an estimate.

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

    where = torch.device(resolve_device(device))
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


def training_seconds(
    seconds_per_sample: float, steps: int, batch: int, held_out: int = 0, kept: int = 0
) -> float:
    """Return the estimated length of a training in seconds, with its validations and the final comparison.

    Parameters
    ----------
    seconds_per_sample
        See above.
    steps, batch
        Of the recipe.
    held_out
        Number of held-out animals. Each is predicted in every validation and several times at the end,
        without a backward pass, which takes a third of the time.
    kept
        Number of crops whose features are computed once, see :attr:`Recipe.reuse
        <superanimal.training.loop.recipe.Recipe>`; 0 when the whole network is trained.
    """
    if kept:
        return seconds_per_sample * (BEHIND * steps * batch + (kept + held_out * (1 + JUDGING)) / 3)
    validations = 1 + min(20, -(-steps // 25))
    return seconds_per_sample * (steps * batch + held_out * (validations + JUDGING) / 3)
