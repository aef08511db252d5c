"""Device, precision and batch size of a run.

torch is asked only on machines with an accelerator: on the others, exported models run without it.
"""

from __future__ import annotations

import ctypes
import platform
import sys
from functools import cache

from superanimal.errors import DeviceError, InputError, by_caller

PRECISIONS = ("auto", "fp32", "bf16", "fp16")
_BATCH = {"cuda": 64, "mps": 16, "cpu": 8}
_DRIVERS = ("libcuda.so.1", "nvcuda.dll", "libamdhip64.so", "amdhip64.dll")
"""Libraries of graphics drivers; where none can be loaded, torch finds no CUDA (or ROCm) device either."""


@cache
def may_have_accelerator() -> bool:
    """Return whether this machine may have a device that torch can use, without importing torch."""
    if sys.platform == "darwin":
        return platform.machine() == "arm64"
    for name in _DRIVERS:
        try:
            ctypes.CDLL(name)
        except OSError:
            continue
        return True
    return False


def resolve_device(name: str = "auto") -> str:
    """Return the device to run on (``"cpu"``, ``"cuda"``, ``"cuda:1"``, ``"mps"``).

    ``"auto"`` takes cuda, then mps, then the CPU.

    Raises
    ------
    InputError
        When there is no such kind of device.
    DeviceError
        When the requested device is not available.
    """
    if name == "cpu" or (name == "auto" and not may_have_accelerator()):
        return "cpu"
    import torch

    if name == "auto":
        if torch.cuda.is_available():
            return "cuda"
        return "mps" if torch.backends.mps.is_available() else "cpu"
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
    return str(device)


def resolve_precision(name: str, device: str, *, exact: bool = False) -> str:
    """Return ``"fp32"``, ``"bf16"`` or ``"fp16"``.

    ``"auto"`` is fp32 except on a CUDA device, where it is bf16 (fp16 when the card has no bf16);
    ``exact`` (compatible mode) keeps it at fp32 everywhere.
    """
    if name not in PRECISIONS:
        raise InputError(f"unknown precision {name!r}", remedy=f"use one of {', '.join(PRECISIONS)}")
    if name != "auto":
        return name
    if exact or not device.startswith("cuda"):
        return "fp32"
    import torch

    return "bf16" if torch.cuda.is_bf16_supported() else "fp16"


def default_batch_size(device: str) -> int:
    """Return the number of crops per batch a run starts with on this device."""
    return _BATCH.get(device.partition(":")[0], 8)
