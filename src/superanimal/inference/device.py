"""Device, precision and batch size of a run."""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, TypeVar

import torch

from superanimal.errors import DeviceError, InputError, by_caller, option

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np

log = logging.getLogger(__name__)
R = TypeVar("R")
S = TypeVar("S", bound="Sequence[np.ndarray] | np.ndarray")

PRECISIONS = ("auto", "fp32", "bf16", "fp16")
_DTYPES = {"bf16": torch.bfloat16, "fp16": torch.float16}
_BATCH = {"cuda": 64, "mps": 16, "cpu": 8}
_OUT_OF_MEMORY = (
    "not enough memory",
    "out of memory",
    "CUBLAS_STATUS_ALLOC_FAILED",
    "CUDNN_STATUS_ALLOC_FAILED",
)
"""Texts in out-of-memory errors of torch and the underlying CUDA libraries."""


def resolve_device(name: str = "auto") -> torch.device:
    """Return the device to run on; ``"auto"`` takes cuda, then mps, then the CPU.

    Raises
    ------
    DeviceError
        When the requested device is not available.
    """
    if name == "auto":
        if torch.cuda.is_available():
            return torch.device("cuda")
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise InputError(
            f"unknown device {name!r}", remedy="use auto, cpu, cuda, cuda:0, ... or mps"
        ) from error
    present = {
        "cpu": 1,
        "cuda": torch.cuda.device_count() if torch.cuda.is_available() else 0,
        "mps": int(torch.backends.mps.is_available()),
    }.get(device.type, 0)
    if (device.index or 0) >= present:
        found = "no such device" if not present else f"only {present}"
        raise DeviceError(
            f"device {name!r} was requested but {found} found on this machine",
            remedy="leave the device on auto or cpu, or check the driver"
            + by_caller("", " (superanimal doctor)"),
        )
    return device


def resolve_precision(name: str, device: torch.device, *, exact: bool = False) -> str:
    """Return ``"fp32"``, ``"bf16"`` or ``"fp16"``.

    ``"auto"`` is fp32 except on a CUDA device, where it is bf16 (fp16 when the card has no bf16);
    ``exact`` (compatible mode) keeps it at fp32 everywhere.
    """
    if name not in PRECISIONS:
        raise InputError(f"unknown precision {name!r}", remedy=f"use one of {', '.join(PRECISIONS)}")
    if name != "auto":
        return name
    if exact or device.type != "cuda":
        return "fp32"
    return "bf16" if torch.cuda.is_bf16_supported() else "fp16"


def autocast(precision: str, device: torch.device) -> AbstractContextManager[object]:
    """Return the context in which the networks run at ``precision``."""
    dtype = _DTYPES.get(precision)
    return nullcontext() if dtype is None else torch.autocast(device.type, dtype=dtype)


def default_batch_size(device: torch.device) -> int:
    """Return the number of crops per batch a run starts with on this device."""
    return _BATCH.get(device.type, 8)


def is_out_of_memory(error: BaseException) -> bool:
    """Return whether an exception of torch means out of memory (CUDA, MPS or CPU)."""
    if isinstance(error, torch.OutOfMemoryError):
        return True
    text = str(error)
    return isinstance(error, RuntimeError) and any(sign in text for sign in _OUT_OF_MEMORY)


class Batches:
    """Runs a function over slices of an array and halves the slice when memory runs out.

    Parameters
    ----------
    size
        Largest number of items given to the function at once. It only ever shrinks.
    """

    def __init__(self, size: int) -> None:
        if size < 1:
            raise InputError(f"batch size {size}", rule="a batch holds at least one item")
        self.size = size

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
            except RuntimeError as error:
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
            log.warning("out of memory: the batch size goes down to %d", self.size)
            if torch.cuda.is_available():
                torch.cuda.empty_cache()
        return results
