"""Running a function over batches that shrink when memory runs out."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from superanimal.errors import DeviceError, InputError, option

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np

log = logging.getLogger(__name__)
R = TypeVar("R")
S = TypeVar("S", bound="Sequence[np.ndarray] | np.ndarray")

_OUT_OF_MEMORY = (
    "not enough memory",
    "out of memory",
    "CUBLAS_STATUS_ALLOC_FAILED",
    "CUDNN_STATUS_ALLOC_FAILED",
    "Failed to allocate memory",
    "bad allocation",
)
"""Texts in out-of-memory errors of torch, the underlying CUDA libraries, and onnxruntime."""


def is_out_of_memory(error: BaseException) -> bool:
    """Return whether an exception of a network means out of memory (CUDA, MPS or CPU)."""
    if type(error).__name__ == "OutOfMemoryError":
        return True
    network = isinstance(error, RuntimeError) or type(error).__module__.startswith("onnxruntime")
    return network and any(sign in str(error) for sign in _OUT_OF_MEMORY)


class Batches:
    """Runs a function over slices of an array and halves the slice when memory runs out.

    Parameters
    ----------
    size
        Largest number of items given to the function at once. It shrinks until :meth:`reset`.
    """

    def __init__(self, size: int) -> None:
        if size < 1:
            raise InputError(f"batch size {size}", rule="a batch holds at least one item")
        self.size = self._first = self._told = size

    def reset(self) -> None:
        """Begin with the first size again."""
        self.size = self._first

    def run(self, function: Callable[[S], R], items: S) -> list[R]:
        """Call ``function`` on consecutive slices of n ``items`` and return its results.

        Raises
        ------
        DeviceError
            When a single item does not fit into memory.
        """
        results: list[R] = []
        start = 0
        while start < len(items):
            part: S = items[start : start + self.size]  # type: ignore[assignment]
            try:
                results.append(function(part))
            except Exception as error:
                if not is_out_of_memory(error):
                    raise
                if len(part) == 1:
                    raise DeviceError(
                        "out of memory with one image in the batch",
                        remedy="use a smaller model, run on the CPU"
                        f"{option('device', repr('cpu'), '--device cpu')}, "
                        "or close other programs on the device",
                    ) from error
                self.size = len(part) // 2
            else:
                start += len(part)
                continue
            # Outside the except block, so that the failed call's tensors are free by now.
            if self.size < self._told:
                log.warning("out of memory: the batch size goes down to %d", self.size)
                self._told = self.size
            torch = sys.modules.get("torch")
            if torch is not None and torch.cuda.is_available():
                torch.cuda.empty_cache()
        return results
