"""A pose network ready for inference."""

from __future__ import annotations

from typing import Self

import numpy as np
import torch
from torch import Tensor, nn

from superanimal.zoo.entry import HeadSpec, ModelEntry
from superanimal.zoo.loaded_model import LoadedModel, autocast


class PoseModel(LoadedModel):
    """A pose network with its normalisation and the meaning of its heads.

    :meth:`heads` is all that an analysis asks of it; exported models have it too.

    Attributes
    ----------
    entry
        Catalogue entry.
    network
        ``nn.Module`` in evaluation mode, in channels-last memory (faster convolutions) unless :meth:`exact`.
    keypoints
        K names in channel order.
    head
        How the raw heads are decoded.
    sha256
        Digest of the weight file; empty for a network made in memory.
    """

    def __init__(self, entry: ModelEntry, network: nn.Module, sha256: str = "") -> None:
        self._format = torch.channels_last
        super().__init__(entry, network.to(memory_format=self._format), sha256)
        self._normalisation: tuple[Tensor, Tensor] | None = None

    @property
    def keypoints(self) -> tuple[str, ...]:
        """K keypoint names in channel order."""
        return self.entry.keypoints

    @property
    def head(self) -> HeadSpec:
        """How the raw heads are decoded."""
        return self.entry.head

    def to(self, device: str | torch.device | None = None, dtype: torch.dtype | None = None) -> Self:
        """Move the network, in place."""
        super().to(device, dtype)
        self._normalisation = None
        return self

    def exact(self) -> Self:
        """Use the memory layout of DeepLabCut, whose rounding it then shares to the last bit; in place."""
        self._format = torch.contiguous_format
        self.network.to(memory_format=self._format)
        return self

    @torch.inference_mode()
    def preprocess(self, crops: Tensor) -> Tensor:
        """Move crops (B, H, W, 3) uint8 RGB to the device and normalise: (B, 3, H, W), the network's type."""
        if self._normalisation is None:
            mean = torch.tensor(self.entry.mean, dtype=torch.float32, device=self.device)
            std = torch.tensor(self.entry.std, dtype=torch.float32, device=self.device)
            self._normalisation = (mean * 255).view(3, 1, 1), (1 / (std * 255)).view(3, 1, 1)
        shift, factor = self._normalisation
        x = crops.to(self.device, non_blocking=True).permute(0, 3, 1, 2).float()
        return ((x - shift) * factor).to(self.dtype).contiguous(memory_format=self._format)

    @torch.inference_mode()
    def forward(self, x: Tensor) -> dict[str, Tensor]:
        """Run the network on normalised crops (B, 3, H, W); returns the raw heads (see :class:`HeadSpec`)."""
        heads: dict[str, Tensor] = self.network(x)
        return heads

    @torch.inference_mode()
    def heads(self, crops: np.ndarray, precision: str = "fp32") -> dict[str, Tensor]:
        """Return the raw heads of crops (B, H, W, 3) uint8 RGB, on the device of the network."""
        with autocast(precision, self.device):
            return self.forward(self.preprocess(torch.from_numpy(crops)))
