"""From frames to boxes with a centre-point network, whatever runs it: scaling, and decoding of its maps.

A detector of this kind answers a canvas with two maps at stride 8: how likely the centre of an animal is, and
how its box lies to that cell.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import cv2
import numpy as np

from superanimal.poses.similarity import suppress

STRIDE = 8
LONG_SIDE = 320
MULTIPLE = 32
GREY = 114
OVERLAP = 0.55
"""Of two boxes with more IoU than this the weaker goes."""


def detect(
    maps: Callable[[np.ndarray], Mapping[str, np.ndarray]],
    frames: Sequence[np.ndarray],
    long_side: int = LONG_SIDE,
    size_prior: float = 0.0,
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Find animals in frames.

    Parameters
    ----------
    maps
        The network: canvases (B, h, w, 3) uint8 RGB in, ``center`` (B, 1, h/8, w/8) logits and ``extent``
        (B, 4, h/8, w/8) out.
    frames
        (H, W, 3) uint8 RGB each; those of one size go through the network together.
    long_side
        What they are scaled to, pixels.
    size_prior
        See :func:`decode`.

    Returns
    -------
    list of (boxes (n, 4) float32 xyxy, scores (n,) float32), best first, no threshold applied
    """
    if len({frame.shape for frame in frames}) > 1:
        return [detect(maps, [frame], long_side, size_prior)[0] for frame in frames]
    if not len(frames):
        return []
    canvases, scales = zip(*(letterbox(frame, long_side) for frame in frames), strict=True)
    return decode(maps(np.stack(canvases)), scales[0], frames[0].shape[:2], size_prior=size_prior)


def letterbox(frame: np.ndarray, long_side: int = LONG_SIDE) -> tuple[np.ndarray, float]:
    """Resize a frame (H, W, 3) so that its long side is ``long_side`` and pad it with grey, right and below.

    Returns
    -------
    canvas : (h, w, 3) uint8
        Height and width multiples of 32.
    scale : float
        Canvas pixels per frame pixel.
    """
    h, w = frame.shape[:2]
    scale = long_side / max(h, w)
    size = max(1, round(w * scale)), max(1, round(h * scale))
    small = cv2.resize(frame, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
    rows, columns = (-(-n // MULTIPLE) * MULTIPLE for n in (size[1], size[0]))
    canvas = np.full((rows, columns, 3), GREY, np.uint8)
    canvas[: size[1], : size[0]] = small
    return canvas, scale


def decode(
    outputs: Mapping[str, np.ndarray],
    scale: float,
    size: tuple[int, ...],
    *,
    max_boxes: int = 32,
    floor: float = 0.02,
    size_prior: float = 0.0,
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Turn network outputs into boxes: peaks of the centre map, then suppression of overlaps.

    Parameters
    ----------
    outputs
        ``center`` (B, 1, h, w) logits; ``extent`` (B, 4, h, w): offset (x, y) of the box centre from the cell
        centre in cells, and log2 of the box's width and height in cells.
    scale
        Canvas pixels per frame pixel.
    size
        (height, width) of the frame; boxes are clipped to it.
    max_boxes, floor
        Maximum number of boxes per frame, and their minimum score.
    size_prior
        A box that covers less than a quarter of the frame has its score multiplied by (4 × its share of the
        frame) to this power: who films an animal mostly fills the picture with it.

    Returns
    -------
    list of (boxes (n, 4) float32 xyxy frame pixels, scores (n,) float32), best first
    """
    height, width = size
    limit = np.array([width - 0.5, height - 0.5] * 2, np.float32)
    found = []
    for logits, extent in zip(outputs["center"][:, 0], outputs["extent"], strict=True):
        peak = cv2.dilate(logits, np.ones((3, 3), np.uint8)) == logits
        cells = np.flatnonzero(peak)
        cells = cells[np.argsort(-logits.ravel()[cells], kind="stable")[:max_boxes]]
        score = (1 / (1 + np.exp(-logits.ravel()[cells]))).astype(np.float32)
        cells, score = cells[score >= floor], score[score >= floor]
        row, column = np.divmod(cells, logits.shape[1])
        shift_x, shift_y, log_width, log_height = extent.reshape(4, -1)[:, cells]
        centre = np.stack([column + 0.5 + shift_x, row + 0.5 + shift_y], -1) * STRIDE
        half = np.exp2(np.clip(np.stack([log_width, log_height], -1), -3, 7)) * (STRIDE / 2)
        # Canvas coordinates count from the corner; frame pixels have their centres at integers.
        boxes = np.concatenate([centre - half, centre + half], -1) / scale - 0.5
        boxes = np.clip(boxes, -0.5, limit).astype(np.float32)
        share = (boxes[:, 2:] - boxes[:, :2]).prod(-1) / (height * width)
        score = (score * np.clip(4 * share, 1e-6, 1.0) ** size_prior).astype(np.float32)
        kept = suppress(boxes, score, OVERLAP)
        found.append((boxes[kept], score[kept]))
    return found
