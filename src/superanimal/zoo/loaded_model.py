"""Base of pose models and detectors: a catalogue entry and its network."""

from __future__ import annotations

from typing import Self

import torch
from torch import nn

from superanimal.zoo.entry import ModelEntry


class LoadedModel:
    """A network in evaluation mode with its catalogue entry."""

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

    def to(self, device: str | torch.device | None = None, dtype: torch.dtype | None = None) -> Self:
        """Move the network, in place."""
        self.network.to(device=device, dtype=dtype)
        return self
