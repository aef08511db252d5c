"""An animal detector ready for inference."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor

from superanimal.zoo.architectures import module_of
from superanimal.zoo.loaded_model import LoadedModel


class DetectorModel(LoadedModel):
    """A detector with its normalisation.

    Attributes
    ----------
    entry
        Catalogue entry; ``entry.threshold`` is the default minimum score of a box,
        ``entry.compatible_threshold`` the one used by DeepLabCut 3.
    network
        ``nn.Module`` in evaluation mode.
    sha256
        Digest of the weight file; empty for a network made in memory.
    """

    @property
    def double_normalisation(self) -> bool:
        """Whether frames are normalised twice: by ``entry.mean``/``std`` and again inside the network.

        DeepLabCut trains and runs its detectors this way, so that their weights expect it.
        """
        return self.entry.mean != (0, 0, 0) or self.entry.std != (1, 1, 1)

    @torch.inference_mode()
    def preprocess(self, frames: Tensor | Sequence[Tensor]) -> list[Tensor]:
        """Move frames (H, W, 3) uint8 RGB to the device: a list of (3, H, W) in the network's type, 0..1 or
        normalised when :attr:`double_normalisation`.
        """
        device, dtype = self.device, self.dtype
        images = [frame.to(device, non_blocking=True).permute(2, 0, 1).float() for frame in frames]
        if not self.double_normalisation:
            return [(image / 255).to(dtype) for image in images]
        mean = torch.tensor(self.entry.mean, dtype=torch.float32, device=device).view(3, 1, 1)
        std = torch.tensor(self.entry.std, dtype=torch.float32, device=device).view(3, 1, 1)
        return [((image - mean * 255) * (1 / (std * 255))).to(dtype) for image in images]

    @torch.inference_mode()
    def detect(
        self, frames: Sequence[np.ndarray], long_side: int | None = None
    ) -> list[tuple[np.ndarray, np.ndarray]]:
        """Find animals in frames.

        Parameters
        ----------
        frames
            (H, W, 3) uint8 RGB each, of any sizes.
        long_side
            What a network that brings its own detection scales frames to, pixels; None: as it does by itself.

        Returns
        -------
        list of (boxes, scores)
            For each frame float32 boxes (n, 4) as x1, y1, x2, y2 in image pixels and scores (n,), best
            first; no threshold is applied.
        """
        arrays = [np.asarray(frame) for frame in frames]
        if not self.entry.num_classes:
            return list(module_of(self.entry.architecture).detect(self.network, arrays, long_side))
        results = []
        for found in self.network(self.preprocess([torch.from_numpy(frame) for frame in arrays])):
            keep = found["labels"] == self.entry.animal_class
            boxes, scores = (found[key][keep].float().cpu().numpy() for key in ("boxes", "scores"))
            results.append((boxes, scores))
        return results

    def seen_size(self, size: tuple[int, int]) -> int:
        """Return the long side in pixels at which the network sees a frame (height, width)."""
        if not self.entry.num_classes:
            return int(cast("Any", self.network).long_side)
        transform: Any = cast("Any", self.network).model.transform
        if transform.fixed_size is not None:
            return int(max(transform.fixed_size))
        factor = min(transform.min_size[-1] / min(size), transform.max_size / max(size))
        return round(float(factor) * max(size))
