"""The order of samples, and the batch size."""

from __future__ import annotations

import copy
import gc
from collections.abc import Iterator

import torch
from torch.utils.data import Sampler

from superanimal.inference.batches import is_out_of_memory
from superanimal.training.loop.recipe import Recipe
from superanimal.training.loop.task import Task

LARGEST = 256
LARGEST_CPU = 16


class Stream(Sampler[int]):
    """Positions in the endless stream of training samples, round after round.

    Parameters
    ----------
    batch
        Samples per batch and process.
    batches
        Batches per round and process.
    rank, world
        Number of this process and of all; each batch of the stream belongs to one.
    """

    def __init__(self, batch: int, batches: int, rank: int, world: int) -> None:
        self.batch, self.batches, self.rank, self.world = batch, batches, rank, world
        self.round = 0

    def set_epoch(self, epoch: int) -> None:
        """Choose the round; lightning calls this before each."""
        self.round = epoch

    def __len__(self) -> int:
        return self.batch * self.batches

    def __iter__(self) -> Iterator[int]:
        for n in range(self.round * self.batches, (self.round + 1) * self.batches):
            start = (n * self.world + self.rank) * self.batch
            yield from range(start, start + self.batch)


def on_gpu(recipe: Recipe) -> bool:
    """Whether a recipe is carried out on a CUDA device."""
    return recipe.device in ("auto", "cuda") and torch.cuda.is_available()


def find_batch_size(task: Task, recipe: Recipe) -> int:
    """Return the largest power of two that one training step takes, by trying on a copy of the network.

    On the CPU the memory limit cannot be probed, and larger batches are not faster, so it is at most 16. It
    never exceeds the number of samples.
    """
    cuda = on_gpu(recipe)
    device = torch.device("cuda" if cuda else "cpu")
    limit = min(LARGEST if cuda else LARGEST_CPU, len(task.samples))
    size = 1
    while 2 * size <= limit:
        size *= 2
    if not cuda:
        return size
    network = copy.deepcopy(task.network).to(device).train()
    sample = task.samples[0]
    try:
        while size > 1 and not _fits(task, network, sample, size, device):
            size //= 2
        return size
    finally:
        del network
        gc.collect()
        torch.cuda.empty_cache()


def _fits(
    task: Task,
    network: torch.nn.Module,
    sample: dict[str, torch.Tensor],
    size: int,
    device: torch.device,
) -> bool:
    """Whether forward and backward of ``size`` samples fit, with a tenth of the memory to spare."""
    torch.cuda.empty_cache()  # what a larger batch has left reserved is not this one's
    torch.cuda.reset_peak_memory_stats(device)
    try:
        batch = {key: value.to(device) for key, value in task.samples.collate([sample] * size).items()}
        task.loss(network, batch)["loss"].backward()
    except RuntimeError as error:
        if not is_out_of_memory(error):
            raise
        return False
    finally:
        network.zero_grad(set_to_none=True)
    total = torch.cuda.get_device_properties(device).total_memory
    return bool(torch.cuda.max_memory_reserved(device) < 0.9 * total)
