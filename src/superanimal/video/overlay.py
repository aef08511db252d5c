"""Draw poses onto a video and write the labelled video."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from superanimal.errors import InputError
from superanimal.poses import KeypointSpace, require_pixels, space_for
from superanimal.progress import Progress
from superanimal.video.base import Frame, Video
from superanimal.video.writer import VideoWriter

if TYPE_CHECKING:
    import xarray as xr

Floats = NDArray[np.floating[Any]]
Colour = tuple[int, int, int]

INDIVIDUAL_COLORS = (
    "#3ec6ff", "#ff8a3d", "#5be38b", "#ff5fa2", "#ffe14d", "#a78bfa", "#40e0d0", "#ff6b6b", "#b4e04c",
)  # fmt: skip
SHADE = 0.55
"""How much the surroundings of a line or dot are darkened, so that it shows on any background."""

SUBPIXEL = 4
"""Bits of sub-pixel precision when drawing."""


def render_overlay(
    video: Video,
    poses: xr.Dataset,
    path: str | Path,
    *,
    space: KeypointSpace | None = None,
    pcutoff: float = 0.6,
    trails: int = 0,
    boxes: bool = True,
    color_by: Literal["auto", "keypoint", "individual"] = "auto",
    progress: Progress | None = None,
) -> Path:
    """Write a copy of a video with the poses drawn in.

    The new video shows the frames the poses are about, at the times they have in the original.

    Parameters
    ----------
    video
        Where the poses come from.
    poses
        Pose data set; its ``frame`` coordinate says which frames to show.
    path
        Video to write (``.mp4``); replaced as a whole, at the end.
    space
        Skeleton and colours; by default those of the space that has these keypoints.
    pcutoff
        Points with a lower confidence are not drawn; points without a confidence are.
    trails
        Draw the way of each point over so many frames back.
    boxes
        Draw the box of each animal.
    color_by
        ``"auto"`` colours by keypoint when there is one animal, else by individual.
    progress
        Told about each frame.

    Returns
    -------
    Path
        The written file.

    Raises
    ------
    InputError
        When the poses are not about this video, or an option makes no sense.
    """
    require_pixels(poses, "an overlay")
    frames = np.asarray(poses["frame"].values, np.int64)
    if trails < 0:
        raise InputError(f"trails={trails}", "the length of trails is 0 or more frames")
    if color_by not in ("auto", "keypoint", "individual"):
        raise InputError(f"color_by={color_by!r}", "colour by 'auto', 'keypoint' or 'individual'")
    if not frames.size or frames.min() < 0 or frames.max() >= len(video):
        raise InputError(
            f"the poses are about frames {frames.min(initial=0)} to {frames.max(initial=-1)}",
            f"{video.name} has frames 0 to {len(video) - 1}",
            "choose the video the poses were estimated on",
        )
    names = [str(name) for name in poses["keypoint"].values]
    individuals = [str(name) for name in poses["individual"].values]
    painter = PosePainter(video.shape[1:3], names, individuals, space=space, color_by=color_by)
    position = poses["position"].transpose("time", "individual", "keypoint", "space").values
    if "confidence" in poses:
        confidence = poses["confidence"].transpose("time", "individual", "keypoint").values
        position = np.where((confidence < pcutoff)[..., None], np.nan, position)
    animals = None
    if boxes and "boxes" in poses:
        animals = poses["boxes"].transpose("time", "individual", "box").values
    height, width = video.shape[1:3]
    rate = video.fps or float(poses.attrs.get("fps") or 30.0)
    rows = {int(frame): row for row, frame in enumerate(frames)}
    start = video.timestamps[frames.min()] if video.fps else 0.0
    if progress:
        progress.start(len(frames), f"drawing {Path(path).name}")
    step = int(np.gcd.reduce(np.diff(np.sort(frames)))) or 1 if len(frames) > 1 else 1
    comment = str(poses.attrs.get("provenance", ""))
    with VideoWriter(path, width, height, rate / step, comment=comment) as writer:
        for k, picture in _shown(video, rows, step):
            row = rows[k]
            past = position[max(0, row - trails) : row + 1]
            painter.draw(picture, position[row], None if animals is None else animals[row], past)
            writer.write(picture, float(video.timestamps[k] - start) if video.fps else None)
            if progress:
                progress.advance()
                progress.check()
    if progress:
        progress.finish()
    return Path(path)


def _shown(video: Video, rows: dict[int, int], step: int) -> Iterator[tuple[int, Frame]]:
    for k, picture in video.frames(min(rows), max(rows) + 1, step):
        if k in rows:
            yield k, picture


class PosePainter:
    """Draws poses into pictures of one size: thin skeleton, small dots, legible on dark and bright.

    Parameters
    ----------
    size
        Height and width of the pictures in pixels; dots and lines are scaled to it.
    keypoints, individuals
        Names.
    space
        Skeleton and colours; found by the names of the keypoints when None.
    color_by
        See :func:`render_overlay`.
    """

    def __init__(
        self,
        size: tuple[int, int],
        keypoints: Sequence[str],
        individuals: Sequence[str],
        *,
        space: KeypointSpace | None = None,
        color_by: str = "auto",
    ) -> None:
        space = space or space_for(list(keypoints))
        count = len(keypoints)
        known = dict(zip(space.keypoints, space.colors, strict=True)) if space else {}
        dots = [_rgb(known[name]) if name in known else _wheel(k, count) for k, name in enumerate(keypoints)]
        by_individual = color_by == "individual" or (color_by == "auto" and len(individuals) > 1)
        self._animal_colors = [
            _rgb(INDIVIDUAL_COLORS[i % len(INDIVIDUAL_COLORS)]) for i in range(len(individuals))
        ]
        self._colors = [
            [self._animal_colors[i]] * count if by_individual else dots for i in range(len(individuals))
        ]
        order = {name: k for k, name in enumerate(keypoints)}
        self._edges = [
            (order[a], order[b]) for a, b in (space.edges if space else ()) if a in order and b in order
        ]
        diagonal = float(np.hypot(*size))
        self._names = list(individuals) if len(individuals) > 1 else []
        self._plates = {name: _plate(name, float(np.clip(0.017 * diagonal, 9, 40))) for name in self._names}
        self._radius = float(np.clip(0.0045 * diagonal, 1.6, 8.0))
        self._line = max(1, round(0.0014 * diagonal))
        self._rim = max(1, round(0.0012 * diagonal))

    def draw(
        self, picture: Frame, points: Floats, boxes: Floats | None = None, past: Floats | None = None
    ) -> None:
        """Draw one frame's poses, in place.

        Parameters
        ----------
        picture
            ``(H, W, 3)`` uint8 RGB.
        points
            ``(N, K, 2)`` x, y in pixels; NaN is not drawn.
        boxes
            ``(N, 4)`` x, y, width, height in pixels; NaN is not drawn.
        past
            ``(n, N, K, 2)`` points of the frames before and this one, oldest first, for trails.
        """
        if past is not None and len(past) > 1:
            self._trails(picture, past)
        shapes = [self._animal(i, points[i]) for i in range(len(points))]
        corners = [] if boxes is None else [self._brackets(box) for box in boxes]
        shade = np.zeros(picture.shape[:2], np.uint8)
        for lines, circles in shapes:
            for a, b, _ in lines:
                _line(shade, a, b, 150, self._line + 2 * self._rim)
            for centre, _ in circles:
                _circle(shade, centre, self._radius + self._rim, 255)
        for bracket in corners:
            for a, b in bracket:
                _line(shade, a, b, 130, self._line + 2 * self._rim)
        _darken(picture, shade)
        for i, bracket in enumerate(corners):
            for a, b in bracket:
                _line(picture, a, b, self._animal_colors[i], self._line)
        for lines, circles in shapes:
            for a, b, color in lines:
                _line(picture, a, b, color, self._line)
            for centre, color in circles:
                _circle(picture, centre, self._radius, color)
        if boxes is not None:
            for i, name in enumerate(self._names):
                if np.isfinite(boxes[i]).all():
                    self._label(picture, name, boxes[i], self._animal_colors[i])

    def _animal(self, i: int, points: Floats) -> tuple[list[Any], list[Any]]:
        seen = _present(points)
        colors = self._colors[i]
        lines = [
            (points[a], points[b], _mix(colors[a], colors[b])) for a, b in self._edges if seen[a] and seen[b]
        ]
        return lines, [(points[k], colors[k]) for k in np.flatnonzero(seen)]

    def _brackets(self, box: Floats) -> list[tuple[Floats, Floats]]:
        """Return the four corners of a box as short lines."""
        if not np.isfinite(box).all():
            return []
        x, y, width, height = box
        arm = 0.18 * min(width, height)
        corners = []
        for cx, cy, dx, dy in (
            (x, y, 1, 1),
            (x + width, y, -1, 1),
            (x, y + height, 1, -1),
            (x + width, y + height, -1, -1),
        ):
            corner = np.array([cx, cy])
            corners += [(corner, corner + (dx * arm, 0)), (corner, corner + (0, dy * arm))]
        return corners

    def _trails(self, picture: Frame, past: Floats) -> None:
        layer = picture.copy()
        mask = np.zeros(picture.shape[:2], np.uint8)
        steps = len(past) - 1
        for t in range(steps):
            strength = int(190 * (t + 1) / steps)
            for i, k in np.argwhere(_present(past[t]) & _present(past[t + 1])):
                _line(layer, past[t, i, k], past[t + 1, i, k], self._colors[i][k], self._line + 1)
                _line(mask, past[t, i, k], past[t + 1, i, k], strength, self._line)
        alpha = mask[..., None].astype(np.uint16)
        picture[:] = (picture * (255 - alpha) + layer * alpha) // 255

    def _label(self, picture: Frame, text: str, box: Floats, color: Colour) -> None:
        """Write a name on a dark plate above a box (below it where there is no room)."""
        plate, letters = self._plates[text]
        height, width = plate.shape
        x = int(np.clip(box[0], 0, max(0, picture.shape[1] - width)))
        y = int(box[1]) - height - self._rim
        if y < 0:
            y = int(np.clip(box[1] + box[3] + self._rim, 0, max(0, picture.shape[0] - height)))
        region = picture[y : y + height, x : x + width]
        _darken(region, plate[: region.shape[0], : region.shape[1]])
        alpha = letters[: region.shape[0], : region.shape[1], None].astype(np.uint16)
        region[:] = (region * (255 - alpha) + np.asarray(color, np.uint16) * alpha) // 255


def _plate(text: str, size: float) -> tuple[Frame, Frame]:
    """Return the masks of a rounded plate and of the letters on it."""
    font = ImageFont.load_default(size)
    left, _, right, _ = font.getbbox(text)
    pad = round(0.35 * size)
    shape = (round(right - left) + 2 * pad, round(size) + pad)
    plate, letters = Image.new("L", shape), Image.new("L", shape)
    ImageDraw.Draw(plate).rounded_rectangle((0, 0, shape[0] - 1, shape[1] - 1), radius=pad, fill=255)
    ImageDraw.Draw(letters).text((shape[0] / 2, shape[1] / 2), text, fill=255, font=font, anchor="mm")
    return np.asarray(plate), np.asarray(letters)


def _present(points: Floats) -> NDArray[np.bool_]:
    return np.asarray(np.isfinite(points).all(axis=-1))


def _line(image: Frame, a: Floats, b: Floats, color: Any, thickness: int) -> None:
    """Draw a line with smooth edges."""
    cv2.line(image, _fixed(a), _fixed(b), color, thickness, cv2.LINE_AA, SUBPIXEL)


def _circle(image: Frame, centre: Floats, radius: float, color: Any) -> None:
    cv2.circle(
        image, _fixed(centre), round(radius * (1 << SUBPIXEL)), color, cv2.FILLED, cv2.LINE_AA, SUBPIXEL
    )


def _fixed(point: Floats) -> tuple[int, int]:
    """Return a point in sub-pixel units; far outside the picture it is moved to where integers still work."""
    x, y = np.clip(np.rint(np.asarray(point) * (1 << SUBPIXEL)), -1e6, 1e6).astype(int)
    return int(x), int(y)


def _darken(picture: Frame, shade: Frame) -> None:
    x, y, width, height = cv2.boundingRect(shade)
    region = np.s_[y : y + height, x : x + width]
    kept = 255 - (shade[region].astype(np.uint16) * int(SHADE * 256) // 256)
    picture[region] = (picture[region] * kept[..., None]) // 255


def _rgb(color: str) -> Colour:
    return int(color[1:3], 16), int(color[3:5], 16), int(color[5:7], 16)


def _mix(a: Colour, b: Colour) -> Colour:
    """Return the middle of two colours, a little towards white: the skeleton stays behind the dots."""
    red, green, blue = (round(0.75 * (x + y) / 2 + 0.25 * 255) for x, y in zip(a, b, strict=True))
    return red, green, blue


def _wheel(k: int, count: int) -> Colour:
    """Return the k-th of ``count`` bright hues."""
    hue = np.array([[[round(180 * k / max(count, 1)) % 180, 170, 255]]], np.uint8)
    red, green, blue = cv2.cvtColor(hue, cv2.COLOR_HSV2RGB)[0, 0].tolist()
    return red, green, blue
