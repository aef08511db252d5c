"""Training targets: Gaussian maps and lines around keypoints, and offset maps near them."""

from __future__ import annotations

import torch
from torch import Tensor

LOCREF_RADIUS = 17.0
"""Radius in crop pixels around a point within which its offset map is trained (DeepLabCut)."""


def gaussian_maps(cells: Tensor, size: tuple[int, int], sigma: float) -> Tensor:
    """Return Gaussians of height 1.

    Parameters
    ----------
    cells
        Shape (n, 2): x, y of each centre in cells; the middle of the first cell is 0.
    size
        (h, w) of a map.
    sigma
        Standard deviation in cells.

    Returns
    -------
    Tensor
        Shape (n, h, w).
    """
    height, width = size
    x = gaussian_lines(cells[:, 0], width, sigma)
    y = gaussian_lines(cells[:, 1], height, sigma)
    return y[:, :, None] * x[:, None, :]


def gaussian_lines(centre: Tensor, bins: int, sigma: float) -> Tensor:
    """Return Gaussians of height 1, shape (n, bins), around centres (n,) in bins."""
    steps = torch.arange(bins, device=centre.device, dtype=torch.float32)
    return torch.exp(-((steps - centre[:, None]) ** 2) / (2 * sigma**2))


def offset_maps(cells: Tensor, size: tuple[int, int], stride: float, std: float) -> tuple[Tensor, Tensor]:
    """Return the offsets from every cell to a point and where they count.

    Parameters
    ----------
    cells
        Shape (n, 2), in cells.
    size
        (h, w) of a map.
    stride
        Crop pixels per cell.
    std
        Crop pixels per unit of the offsets.

    Returns
    -------
    tuple
        Offsets (n, 2, h, w), x first, and bool (n, h, w): within :data:`LOCREF_RADIUS` of the point.
    """
    height, width = size
    steps_x = torch.arange(width, device=cells.device, dtype=torch.float32)
    steps_y = torch.arange(height, device=cells.device, dtype=torch.float32)
    x = (cells[:, 0, None] - steps_x)[:, None, :].expand(-1, height, -1) * stride
    y = (cells[:, 1, None] - steps_y)[:, :, None].expand(-1, -1, width) * stride
    offsets = torch.stack([x, y], 1)
    return offsets / std, (offsets**2).sum(1) <= LOCREF_RADIUS**2
