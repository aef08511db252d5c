"""Sources of bounding boxes: a detector, a person, the whole frame, or the pose in the previous frame."""

from __future__ import annotations

import os
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Protocol

import numpy as np

from superanimal.errors import FormatError, InputError, NotFoundError
from superanimal.inference.batches import Batches
from superanimal.inference.searching import merge
from superanimal.inference.settings import Settings
from superanimal.inference.tiles import joined, tiles_of
from superanimal.poses.similarity import suppress

if TYPE_CHECKING:
    from superanimal.inference.backends import BoxNetwork

TILES = 8
"""Tiles of a frame that the detector sees at a time."""
GROWTH = (0.7, 2.0)
"""Limits of how much smaller or larger a box may be than the keypoints in it."""


class Boxes(NamedTuple):
    """The boxes of one frame, best first.

    Attributes
    ----------
    xywh : (n, 4) float32
        x, y, width, height in pixels of the analysed region.
    scores : (n,) float32
        0..1.
    """

    xywh: np.ndarray
    scores: np.ndarray


class BoxSource(Protocol):
    """A source of bounding boxes of animals."""

    batches: Batches

    def find(self, frames: Sequence[np.ndarray], rows: np.ndarray) -> list[Boxes]:
        """Return the boxes of n frames (H, W, 3) uint8 that are the given rows (n,) of the run."""
        ...


class DetectorBoxes:
    """Boxes of an animal detector.

    Parameters
    ----------
    detector
        The network.
    threshold
        Minimum score.
    settings
        Mode, number of animals, overlap and precision of the run.
    long_side
        Long side in pixels to which frames are scaled; None for the detector's own size.
    zoom
        The detector sees overlapping tiles of a frame, so many times enlarged; 1: the frame.
    spare
        Boxes per animal, where the detector offers so many and their poses decide which are animals.
    """

    def __init__(
        self,
        detector: BoxNetwork,
        threshold: float,
        settings: Settings,
        long_side: int | None = None,
        zoom: int = 1,
        spare: int = 1,
    ) -> None:
        self.detector = detector
        self.threshold = threshold
        self.settings = settings
        self.long_side = long_side
        self.zoom = zoom
        self.spare = spare
        self.batches = Batches(max(1, settings.batch_size // 4))

    def find(self, frames: Sequence[np.ndarray], rows: np.ndarray) -> list[Boxes]:
        """See :class:`BoxSource`."""
        found: dict[int, Boxes] = {}
        sizes = [frame.shape[:2] for frame in frames]
        for size in dict.fromkeys(sizes):  # a batch of several sizes would be padded, which moves boxes
            members = [i for i, own in enumerate(sizes) if own == size]
            parts = self.batches.run(self._detect, [frames[i] for i in members])
            pairs = (pair for part in parts for pair in part)
            found |= {i: self._select(*pair, size) for i, pair in zip(members, pairs, strict=True)}
        return [found[i] for i in range(len(frames))]

    def search(self, frame: np.ndarray, sizes: Sequence[int | None]) -> Boxes:
        """Return the candidates of looks at one frame (H, W, 3) scaled to several long sides, pixels.

        None is the size of the usual look. No threshold is applied.
        """
        looks = [self._detect([frame], size)[0] for size in sizes]
        return self._within(*merge(looks), frame.shape[:2])

    def _detect(
        self, frames: Sequence[np.ndarray], long_side: int | None = None
    ) -> list[tuple[np.ndarray, np.ndarray]]:
        # At full precision: torchvision casts anchors to the type of the offsets, so that bfloat16 would
        # round a box at 600 px to 4 px.
        if self.zoom > 1:
            return [self._detect_tiles(frame, long_side) for frame in frames]
        found = self.detector.detect(frames, long_side or self.long_side)
        return [(np.asarray(boxes, np.float32), np.asarray(scores, np.float32)) for boxes, scores in found]

    def _detect_tiles(self, frame: np.ndarray, long_side: int | None) -> tuple[np.ndarray, np.ndarray]:
        """Return the boxes of one frame, of which the detector sees one tile after the other."""
        tiles = tiles_of(frame.shape[:2], self.zoom)
        found: list[tuple[np.ndarray, np.ndarray]] = []
        for start in range(0, len(tiles), TILES):
            parts = [frame[y : y + h, x : x + w] for x, y, w, h in tiles[start : start + TILES]]
            found += self.detector.detect(parts, long_side or self.long_side)
        return joined(tiles, found, frame.shape[:2])

    def _select(self, xyxy: np.ndarray, scores: np.ndarray, shape: tuple[int, ...]) -> Boxes:
        """Apply threshold, overlap rule, frame limits and the number of boxes."""
        most = self.settings.max_individuals * self.spare
        keep = scores >= self.threshold
        xyxy, scores = xyxy[keep].reshape(-1, 4), scores[keep]
        if self.settings.nms is not None:
            keep = suppress(xyxy, scores, self.settings.nms)
            xyxy, scores = xyxy[keep], scores[keep]
        boxes = self._within(xyxy, scores, shape)
        return Boxes(boxes.xywh[:most], boxes.scores[:most])

    def _within(self, xyxy: np.ndarray, scores: np.ndarray, shape: tuple[int, ...]) -> Boxes:
        """Return the boxes that are large enough to hold an animal, in enhanced mode cut at the frame."""
        if self.settings.mode == "enhanced":
            limit = np.array([shape[1], shape[0], shape[1], shape[0]], np.float32)
            xyxy = np.clip(xyxy, 0, limit)
        xywh = np.concatenate([xyxy[:, :2], xyxy[:, 2:] - xyxy[:, :2]], axis=1)
        large = (xywh[:, 2:] >= 1).all(axis=1)
        return Boxes(xywh[large], scores[large])


class GivenBoxes:
    """Known bounding boxes.

    Parameters
    ----------
    boxes : (T, N, 4)
        x, y, width, height in pixels of the frame for every row of the run; NaN where there is none. One
        that lies wholly outside the analysed region is none.
    offset
        x, y of the analysed region in the frame.
    """

    def __init__(self, boxes: np.ndarray, offset: tuple[int, int] = (0, 0)) -> None:
        self.boxes = np.asarray(boxes, np.float32) - np.array([*offset, 0, 0], np.float32)
        self.batches = Batches(1)

    def find(self, frames: Sequence[np.ndarray], rows: np.ndarray) -> list[Boxes]:
        """See :class:`BoxSource`."""
        found = []
        for boxes, frame in zip(self.boxes[rows], frames, strict=True):
            boxes = boxes[overlaps(boxes, frame.shape[:2]) & (boxes[:, 2:] >= 1).all(axis=1)]
            found.append(Boxes(boxes, np.ones(len(boxes), np.float32)))
        return found


class WholeFrame:
    """One animal that fills the frame (or the region of interest)."""

    def __init__(self) -> None:
        self.batches = Batches(1)

    def find(self, frames: Sequence[np.ndarray], rows: np.ndarray) -> list[Boxes]:
        """See :class:`BoxSource`."""
        sizes = (frame.shape[:2] for frame in frames)
        boxes = (np.array([[0, 0, width, height]], np.float32) for height, width in sizes)
        return [Boxes(box, np.ones(1, np.float32)) for box in boxes]


def overlaps(xywh: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Return which boxes (..., 4) share a part with a picture of this height and width; False where NaN."""
    low, high = xywh[..., :2], xywh[..., :2] + xywh[..., 2:]
    return ((high > 0) & (low < np.array(size[::-1])) & (xywh[..., 2:] > 0)).all(axis=-1)


def pose_box(points: np.ndarray, confidence: np.ndarray) -> np.ndarray:
    """Return the box (4,) xywh around the more confident keypoints of a pose.

    Parameters
    ----------
    points : (K, 2)
        Keypoints in pixels.
    confidence : (K,)
        Keypoints with at least half the mean confidence count.
    """
    certain = confidence >= confidence.mean() / 2
    low, high = points[certain].min(axis=0), points[certain].max(axis=0)
    size = np.maximum(high - low, 1.0)
    return np.concatenate([(low + high - size) / 2, size])


def anchor_of(box: np.ndarray, pose: np.ndarray) -> np.ndarray:
    """Return how a detected box (4,) lies to its pose's box (4,): shift x, y in pixels, growth of w, h."""
    shift = box[:2] + box[2:] / 2 - (pose[:2] + pose[2:] / 2)
    return np.concatenate([shift, np.clip(box[2:] / pose[2:], *GROWTH)])


def carried_box(pose: np.ndarray, anchor: np.ndarray, last: np.ndarray) -> np.ndarray:
    """Return the box (4,) float32 that follows a pose to the next frame.

    It lies to the pose as the detected box did, so that nothing drifts; its size is the mean with that of
    the last box, which evens out keypoints that come and go.
    """
    centre = pose[:2] + pose[2:] / 2 + anchor[:2]
    size = (pose[2:] * anchor[2:] + last[2:]) / 2
    return np.concatenate([centre - size / 2, size]).astype(np.float32)


def load_boxes(
    boxes: np.ndarray | str | os.PathLike[str], frames: range, total: int, max_individuals: int
) -> np.ndarray:
    """Return given boxes as (T, N, 4) for the T analysed frames.

    Parameters
    ----------
    boxes
        An array (4,) or (N, 4) for a still scene, (rows, N, 4) or (rows, 4) per frame, x, y, width, height
        in pixels; or a file: ``.npy`` with such an array, or any pose file that holds boxes.
    frames
        The analysed frames; an array may have a row for each of them or for each frame of the video.
    total
        Number of frames of the video.
    max_individuals
        Maximum number of boxes in a frame.
    """
    if isinstance(boxes, (str, os.PathLike)):
        boxes = _read_boxes(Path(boxes))
    array = np.asarray(boxes, dtype=np.float32)
    if array.ndim == 1:
        array = array[None]
    if array.ndim == 2 and len(array) in (total, len(frames)) and len(array) > 1:
        array = array[:, None]
    elif array.ndim == 2:
        array = np.broadcast_to(array, (len(frames), *array.shape))
    if array.ndim != 3 or array.shape[-1] != 4 or len(array) not in (total, len(frames)):
        raise InputError(
            f"boxes of shape {np.shape(boxes)}",
            rule=f"expected (4,), (N, 4) or ({len(frames)}, N, 4) as x, y, width, height in pixels",
        )
    if array.shape[1] > max_individuals:
        raise InputError(
            f"{array.shape[1]} boxes per frame were given for at most {max_individuals} animals",
            remedy="raise max_individuals",
        )
    return array if len(array) == len(frames) else array[frames.start : frames.stop : frames.step]


def warn_of_boxes_outside(
    boxes: np.ndarray, sizes: np.ndarray, roi: tuple[int, int, int, int] | None
) -> None:
    """Warn about boxes (T, N, 4) entirely outside the analysed region in frames of sizes (T, 2)."""
    x, y, width, height = roi or (0, 0, 0, 0)
    given = np.isfinite(boxes).all(axis=-1)
    outside = given.copy()
    for t, size in enumerate(sizes if roi is None else [(height, width)] * len(boxes)):
        outside[t] &= ~overlaps(boxes[t] - np.array([x, y, 0, 0]), (int(size[0]), int(size[1])))
    if outside.any():
        first = int(np.flatnonzero(outside.any(axis=1))[0])
        what = "frame" if roi is None else "region of interest"
        warnings.warn(
            f"{int(outside.sum())} of {int(given.sum())} given boxes lie wholly outside the {what} "
            f"(first in row {first}: x, y, width, height {boxes[first][outside[first]][0].tolist()}); "
            "they are ignored",
            stacklevel=3,
        )


def _read_boxes(path: Path) -> np.ndarray:
    """Read boxes (T, N, 4) from a file."""
    if not path.exists():
        raise NotFoundError(f"{path}: no such file with boxes")
    if path.suffix == ".npy":
        try:
            return np.load(path, allow_pickle=False)
        except ValueError as error:
            raise FormatError(f"{path} is not a numpy array of boxes ({error})") from error
    from superanimal.formats import load_poses

    poses = load_poses(path)
    if "boxes" not in poses:
        raise FormatError(f"{path} holds poses but no boxes")
    return poses["boxes"].transpose("time", "individual", "box").values
