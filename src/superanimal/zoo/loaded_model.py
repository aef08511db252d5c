"""Base of pose models and detectors: a catalogue entry and its network."""

from __future__ import annotations

import hashlib
from contextlib import AbstractContextManager, nullcontext
from typing import ClassVar, Self

import torch
from torch import nn

from superanimal.zoo.checkpoint import COUNTER
from superanimal.zoo.entry import ModelEntry

_DTYPES = {"bf16": torch.bfloat16, "fp16": torch.float16}


class LoadedModel:
    """A network in evaluation mode with its catalogue entry."""

    backend: ClassVar[str] = "torch"

    def __init__(self, entry: ModelEntry, network: nn.Module, sha256: str = "") -> None:
        self.entry = entry
        self.network = network.eval()
        self.sha256 = sha256

    @property
    def device(self) -> torch.device:
        """Device of the network."""
        return next(self.network.parameters()).device

    @property
    def dtype(self) -> torch.dtype:
        """Floating-point type of the network."""
        return next(self.network.parameters()).dtype

    def digest(self) -> str:
        """Return the SHA-256 of the weight file, or of the tensors of a network created in memory.

        Counters of batch normalisation change no result, and differ after a training that was resumed.
        """
        if self.sha256:
            return self.sha256
        digest = hashlib.sha256()
        for name, tensor in sorted(self.network.state_dict().items()):
            if not name.endswith(COUNTER):
                digest.update(name.encode() + tensor.cpu().contiguous().numpy().tobytes())
        return digest.hexdigest()

    def to(self, device: str | torch.device | None = None, dtype: torch.dtype | None = None) -> Self:
        """Move the network, in place."""
        self.network.to(device=device, dtype=dtype)
        return self


def autocast(precision: str, device: str | torch.device) -> AbstractContextManager[object]:
    """Return the context in which networks run at ``precision``: ``"fp32"``, ``"bf16"`` or ``"fp16"``."""
    dtype = _DTYPES.get(precision)
    return nullcontext() if dtype is None else torch.autocast(torch.device(device).type, dtype=dtype)
