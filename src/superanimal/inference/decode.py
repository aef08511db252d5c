"""Decoding network outputs to keypoints: arg-max as in DeepLabCut, or sub-pixel.

Everything here is vectorised over crops and keypoints and reads each map once. Maps are arrays of numpy or
tensors of torch: on the CPU numpy works on the memory of a tensor, on an accelerator only the few values
around each peak are copied back. Nothing here imports torch unless it is given an accelerator's tensors.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from superanimal.inference.crops import CropWindows

if TYPE_CHECKING:
    from superanimal.zoo import HeadSpec

Maps = Any
"""``numpy.ndarray`` or ``torch.Tensor``: what a network put out."""

RADIUS = 2
"""Half width in cells of the window around a peak: 5 x 5 values."""


def decode(
    outputs: Mapping[str, Maps], head: HeadSpec, windows: CropWindows, *, subpixel: bool
) -> tuple[np.ndarray, np.ndarray]:
    """Return positions (n, K, 2) in image pixels and confidences (n, K) in 0..1, both float64.

    Parameters
    ----------
    outputs
        Raw maps of the network: ``heatmap`` (n, K, h, w) and perhaps ``locref`` (n, 2K, h, w), or
        ``simcc_x`` (n, K, bins) and ``simcc_y`` (n, K, bins); perhaps ``visibility`` (n, K) logits.
    head
        Meaning of the maps: stride, activation, scale of the offsets.
    windows
        Positions of the crops.
    subpixel
        False takes the highest cell, as DeepLabCut 3 does; True refines between cells.
    """
    if head.kind == "simcc":
        points, confidence = _decode_simcc(outputs, head, subpixel)
    else:
        points, confidence = _decode_heatmap(outputs, head, subpixel)
        confidence = calibrated(confidence, outputs.get("visibility"), head.calibration)
    return windows.to_image(points) - head.pixel_shift, confidence


def _decode_heatmap(
    outputs: Mapping[str, Maps], head: HeadSpec, subpixel: bool
) -> tuple[np.ndarray, np.ndarray]:
    """Decode heatmaps to crop pixels: cell (i + 0.5) * stride, plus the offset map where there is one."""
    maps = single(outputs["heatmap"])
    number, keypoints, height, width = maps.shape
    maps = maps.reshape(number, keypoints, height * width)
    if head.activation == "softmax":
        maps = softmax(maps)
    elif head.activation == "sigmoid":
        maps = _sigmoid(maps) if isinstance(maps, np.ndarray) else maps.sigmoid()
    peak = argmax(maps)
    cell = np.stack([peak % width, peak // width], axis=-1)
    whole = head.activation == "softmax"
    if whole or (subpixel and head.locref_std is None):
        around = values_around(maps, cell, height, width)
    confidence = around.sum((-2, -1)) if whole else _take(maps, peak[..., None])[..., 0]
    shift = np.zeros(cell.shape)
    if head.locref_std is not None:
        locref = single(outputs["locref"]).reshape(number, keypoints, 2, height * width)
        index = np.broadcast_to(peak[..., None, None], (number, keypoints, 2, 1))
        shift = _take(locref, index)[..., 0] * (head.locref_std / head.stride)
    elif subpixel:
        shift = centroid(around) if whole else _parabola(around)
    return (cell + 0.5 + shift) * head.stride, np.clip(confidence, 0.0, 1.0)


def calibrated(
    confidence: np.ndarray,
    visibility: Maps | None,
    calibration: tuple[float, float, float] | None,
) -> np.ndarray:
    """Combine heatmap and visibility outputs, see :attr:`HeadSpec.calibration`."""
    seen = np.zeros(confidence.shape) if visibility is None else to_numpy(visibility).astype(np.float64)
    if calibration is not None:
        slope, weight, shift = calibration
        return _sigmoid(slope * logit(confidence) + weight * seen + shift)
    return confidence if visibility is None else confidence * _sigmoid(seen)


def logit(probability: np.ndarray) -> np.ndarray:
    """Return log(p / (1 - p)) of probabilities, which are kept 1e-6 away from 0 and 1."""
    p = np.clip(probability, 1e-6, 1 - 1e-6)
    return np.log(p) - np.log1p(-p)


def _sigmoid(values: np.ndarray) -> np.ndarray:
    return 0.5 * (1 + np.tanh(values / 2))


def _decode_simcc(
    outputs: Mapping[str, Maps], head: HeadSpec, subpixel: bool
) -> tuple[np.ndarray, np.ndarray]:
    """Decode one distribution per axis; the confidence is that of the less certain axis."""
    places, scores = [], []
    for axis, temperature in zip(("simcc_x", "simcc_y"), head.simcc_temperature, strict=True):
        logits = single(outputs[axis]) * temperature
        probability = softmax(logits)
        peak = argmax(probability)
        score = _take(probability, peak[..., None])[..., 0]
        place = peak.astype(np.float64)
        if subpixel:
            place = place + _axis_parabola(logits, peak)
        places.append(place)
        scores.append(score)
    confidence = np.minimum(scores[0], scores[1])
    points = np.stack(places, axis=-1)
    if not subpixel:  # DeepLabCut marks what is no better than chance with bin -1
        points[confidence <= 1 / outputs["simcc_y"].shape[-1]] = -1
    return points / head.simcc_split, np.clip(confidence, 0.0, 1.0)


def single(values: Maps) -> Maps:
    """Return maps in single precision."""
    return values.astype(np.float32, copy=False) if isinstance(values, np.ndarray) else values.float()


def softmax(values: Maps) -> Maps:
    """Return the soft-max along the last axis."""
    if not isinstance(values, np.ndarray):
        return values.softmax(-1)
    power = np.exp(values - values.max(-1, keepdims=True))
    return np.divide(power, power.sum(-1, keepdims=True), out=power)


def to_numpy(values: Maps) -> np.ndarray:
    """Return maps as an array, which shares the memory of a tensor on the CPU."""
    return values if isinstance(values, np.ndarray) else np.asarray(values.cpu().numpy())


def _on_cpu(values: Maps) -> bool:
    """Return whether numpy can work on the memory of the maps."""
    return isinstance(values, np.ndarray) or values.device.type == "cpu"


def argmax(values: Maps) -> np.ndarray:
    """Return the index of the first maximum along the last axis."""
    if _on_cpu(values):
        return np.asarray(to_numpy(values).argmax(-1))
    return np.asarray(values.argmax(-1).cpu().numpy())


def _take(values: Maps, index: np.ndarray) -> np.ndarray:
    """Read ``values[..., index]`` along the last axis, as float64."""
    if _on_cpu(values):
        taken = np.take_along_axis(to_numpy(values), index, axis=-1)
    else:
        import torch

        taken = torch.gather(values, -1, torch.from_numpy(index.copy()).to(values.device)).cpu().numpy()
    return taken.astype(np.float64)


def values_around(maps: Maps, cell: np.ndarray, height: int, width: int) -> np.ndarray:
    """Read the (2 RADIUS + 1)^2 values around each cell (n, K, 2), with 0 outside the map."""
    steps = np.arange(-RADIUS, RADIUS + 1)
    x, y = cell[..., 0, None] + steps, cell[..., 1, None] + steps
    inside = ((y >= 0) & (y < height))[..., :, None] & ((x >= 0) & (x < width))[..., None, :]
    index = np.clip(y, 0, height - 1)[..., :, None] * width + np.clip(x, 0, width - 1)[..., None, :]
    values = _take(maps, index.reshape(*cell.shape[:2], -1)).reshape(index.shape)
    return np.where(inside, values, 0.0)


def centroid(around: np.ndarray) -> np.ndarray:
    """Return the centre of mass (n, K, 2), in cells from the peak, of windows (n, K, 5, 5)."""
    steps = np.arange(-RADIUS, RADIUS + 1)
    mass = np.maximum(around.sum((-2, -1)), 1e-12)
    return np.stack([(around.sum(-2) @ steps) / mass, (around.sum(-1) @ steps) / mass], axis=-1)


def _parabola(around: np.ndarray) -> np.ndarray:
    """Return the peak (n, K, 2) of a Gaussian through windows (n, K, 5, 5), in cells from the highest one.

    Three rows (columns) are summed first, which leaves a Gaussian's centre where it is and lessens the
    noise; the logarithm of a Gaussian is a parabola, so that three values give its centre exactly.
    """
    middle = slice(RADIUS - 1, RADIUS + 2)
    core = around[..., middle, middle]
    return np.stack([_vertex(core.sum(-2)), _vertex(core.sum(-1))], axis=-1)


def _vertex(three: np.ndarray) -> np.ndarray:
    """Return the vertex of the parabola through the logarithms of three values (..., 3)."""
    positive = np.all(three > 1e-9, axis=-1)
    low, mid, high = np.moveaxis(np.log(np.where(positive[..., None], three, 1.0)), -1, 0)
    return np.where(positive, _parabola_vertex(low, mid, high), 0.0)


def _axis_parabola(logits: Maps, peak: np.ndarray) -> np.ndarray:
    """Return the sub-bin shift (n, K) of the peak of one-dimensional log-probabilities (n, K, bins)."""
    inside = (peak > 0) & (peak < logits.shape[-1] - 1)
    centre = np.where(inside, peak, 1)
    low, mid, high = np.moveaxis(_take(logits, centre[..., None] + np.arange(-1, 2)), -1, 0)
    return np.where(inside, _parabola_vertex(low, mid, high), 0.0)


def _parabola_vertex(low: np.ndarray, mid: np.ndarray, high: np.ndarray) -> np.ndarray:
    """Return where the parabola through values at -1, 0, 1 has its top, in -0.5..0.5; 0 without one."""
    curvature = low - 2 * mid + high
    top = curvature < -1e-9
    return np.clip(np.where(top, 0.5 * (low - high) / np.where(top, curvature, -1.0), 0.0), -0.5, 0.5)
