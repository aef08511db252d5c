"""User settings of a run, checked once and recorded in every result."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from superanimal.errors import InputError

MODES = ("enhanced", "compatible")
AUTO_SCALES = (1.0, 0.8, 1.25)
"""Crops of the consensus: the usual one, and a quarter more and less of the animal's surroundings."""
SMALLEST, LARGEST = 0.25, 4.0
"""Scales of crops: at the smallest, the animal is a quarter of its usual size."""


@dataclass(frozen=True)
class Settings:
    """The options of a run that determine its numbers.

    Attributes
    ----------
    mode
        ``"enhanced"`` (sub-pixel, identities, boxes carried between frames) or ``"compatible"``
        (DeepLabCut 3, number for number).
    max_individuals
        Maximum number of animals per frame.
    detector_threshold
        Boxes with a lower score are dropped; None leaves the detector's own threshold.
    nms
        Of two boxes that overlap more than this IoU the weaker is dropped; None leaves the detector's own.
    detector_every
        The detector sees every n-th frame; in between, boxes are carried by the pose.
    follow_within
        Seconds between two frames over which boxes are carried at most; None for any.
    refine
        Estimate the pose a second time, in a crop around the keypoints found first.
    track
        Track identities, and left/right legs for models that cannot tell them apart in a single frame.
    roi
        Region of interest x, y, width, height in pixels; everything outside is ignored.
    batch_size
        Crops per batch at the start of the run.
    device, precision
        What the networks run on: ``"cpu"``, ``"cuda"``, ...; ``"fp32"``, ``"bf16"`` or ``"fp16"``.
    backend
        What runs the pose network: ``"torch"`` or ``"onnxruntime"``.
    scales, flip
        Every animal is looked at in crops that show it so many times its usual size, and mirrored, see
        :mod:`superanimal.inference.views`.
    zoom
        Whether the detector looks at enlarged tiles where the animals are smaller than those the model was
        trained on, see :mod:`superanimal.inference.zooming`.
    """

    mode: str
    max_individuals: int
    detector_threshold: float | None
    nms: float | None
    detector_every: int
    follow_within: float | None
    refine: bool
    track: bool
    roi: tuple[int, int, int, int] | None
    batch_size: int
    device: str
    precision: str
    backend: str = "torch"
    scales: tuple[float, ...] = (1.0,)
    flip: bool = False
    zoom: bool = False

    def __post_init__(self) -> None:
        if not self.scales or not all(SMALLEST <= scale <= LARGEST for scale in self.scales):
            raise InputError(
                f"scales {list(self.scales)}",
                f"numbers from {SMALLEST:g} to {LARGEST:g}; 1 is the usual crop",
            )
        if self.mode == "compatible" and (self.flip or self.scales != (1.0,)):
            raise InputError(
                "scales or flip in compatible mode", "DeepLabCut 3 looks once", "use the enhanced mode"
            )
        if self.mode not in MODES:
            raise InputError(f"unknown mode {self.mode!r}", remedy=f"use {' or '.join(MODES)}")
        for name in ("max_individuals", "detector_every", "batch_size"):
            value = getattr(self, name)
            if value < 1:
                raise InputError(f"{name} is {value}", rule="it must be at least 1")
        for name in ("detector_threshold", "nms"):
            value = getattr(self, name)
            if value is not None and not 0 <= value <= 1:
                raise InputError(f"{name} is {value:g}", rule="it must lie in 0..1")

    def record(self) -> dict[str, Any]:
        """Return the choices as JSON values; what earlier versions did not know only where it was chosen."""
        record = {**asdict(self), "roi": None if self.roi is None else list(self.roi)}
        if record["backend"] == "torch":
            del record["backend"]
        scales, flip, zoom = list(record.pop("scales")), record.pop("flip"), record.pop("zoom")
        if scales != [1.0] or flip:
            record |= {"scales": scales, "flip": flip}
        return record | {"zoom": True} if zoom else record


def parse_scales(scales: str | float | Sequence[float] | None) -> tuple[float, ...]:
    """Return the scales that a text, a number or a sequence means; None is the usual crop alone.

    Parameters
    ----------
    scales
        ``"auto"`` for :data:`AUTO_SCALES`, ``"0.8,1,1.25"``, or numbers.

    Raises
    ------
    InputError
        When the text holds no numbers.
    """
    if scales is None:
        return (1.0,)
    if scales == "auto":
        return AUTO_SCALES
    try:
        parts = scales.split(",") if isinstance(scales, str) else scales
        numbers = [float(part) for part in (parts if isinstance(parts, Sequence) else [parts])]
    except (TypeError, ValueError):
        raise InputError(
            f"scales {scales!r}", "auto, or numbers separated by commas", "for example 0.8,1,1.25"
        ) from None
    return tuple(sorted({*numbers}, key=lambda scale: (scale != 1.0, scale)))


def scales_of_heights(heights: Sequence[float]) -> tuple[float, ...]:
    """Return the scales that DeepLabCut's ``scale_list`` means: heights of the frame in pixels.

    DeepLabCut resizes whole frames; here crops are resized, so only the ratios count: the middle height is
    the usual crop.

    Examples
    --------
    >>> scales_of_heights([200, 250, 300])
    (1.0, 0.8, 1.2)
    """
    sizes = sorted(float(height) for height in heights)
    if not sizes or sizes[0] <= 0:
        raise InputError(f"scale_list {list(heights)}", "heights of the frame in pixels, greater than 0")
    middle = sizes[len(sizes) // 2]
    return parse_scales([size / middle for size in sizes])


def parse_frames(frames: str | slice | None, total: int) -> range:
    """Return which frames of a video of ``total`` frames to analyse.

    Parameters
    ----------
    frames
        None for all; ``"A:B:S"`` with the meaning of a Python slice; or a slice.

    Raises
    ------
    InputError
        When the text is not a slice or selects nothing.
    """
    if isinstance(frames, str):
        try:
            numbers = [int(part) if part.strip() else None for part in frames.split(":")]
        except ValueError:
            numbers = []
        if not 2 <= len(numbers) <= 3:
            raise InputError(
                f"frames {frames!r}",
                rule="give start:stop or start:stop:step, in frames",
                remedy="for example 0:1000, 500: or ::10",
            )
        wanted = slice(*numbers)
    else:
        wanted = frames or slice(None)
    if wanted.step is not None and wanted.step < 1:
        raise InputError(f"frame step {wanted.step}", rule="it must be at least 1")
    chosen = range(*wanted.indices(total))
    if not chosen:
        raise InputError(f"frames {frames!r} selects no frame", rule=f"the video has {total} frames")
    return chosen


def check_roi(roi: tuple[int, int, int, int] | None, width: int, height: int) -> None:
    """Raise :class:`InputError` unless the region x, y, width, height lies inside the frame."""
    if roi is None:
        return
    if len(roi) != 4:
        raise InputError(f"region of interest {roi}", rule="give x, y, width, height in pixels")
    x, y, wide, high = roi
    if x < 0 or y < 0 or wide < 1 or high < 1 or x + wide > width or y + high > height:
        raise InputError(
            f"region of interest {tuple(roi)} (x, y, width, height)",
            rule=f"it must lie inside the frame of {width} x {height} pixels",
        )
