"""Drawing animals on pictures, in one style for labelled videos, contact sheets and reports."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from superanimal.poses import KeypointSpace, space_for
from superanimal.video.base import Frame

Floats = NDArray[np.floating[Any]]
Colour = tuple[int, int, int]

INDIVIDUAL_COLORS = (
    "#3ec6ff", "#ff8a3d", "#5be38b", "#ff5fa2", "#ffe14d", "#a78bfa", "#40e0d0", "#ff6b6b", "#b4e04c",
)  # fmt: skip
SHADE = 0.55
"""How much the surroundings of a line or dot are darkened, to be visible on any background."""

SUBPIXEL = 4
"""Number of bits of sub-pixel precision for drawing."""


class PosePainter:
    """Draws poses on pictures of one size: thin skeleton and small dots, legible on dark and bright pixels.

    Parameters
    ----------
    size
        Height and width of the pictures in pixels; dots and lines are scaled accordingly.
    keypoints, individuals
        Names.
    space
        Skeleton and colours; if None, derived from the keypoint names.
    color_by
        ``"auto"`` colours by keypoint if there is one animal, else by individual.
    colors
        One ``#rrggbb`` per keypoint instead of the space's; see :func:`keypoint_colors`.
    skeleton
        Draw the lines between keypoints.
    radius
        Radius of the dots in pixels; by default it scales with the picture.
    """

    def __init__(
        self,
        size: tuple[int, int],
        keypoints: Sequence[str],
        individuals: Sequence[str],
        *,
        space: KeypointSpace | None = None,
        color_by: str = "auto",
        colors: Sequence[str] | None = None,
        skeleton: bool = True,
        radius: float | None = None,
    ) -> None:
        space = space or space_for(list(keypoints))
        count = len(keypoints)
        dots = [_rgb(color) for color in colors or keypoint_colors(keypoints, space)]
        by_individual = color_by == "individual" or (color_by == "auto" and len(individuals) > 1)
        self._animal_colors = [
            _rgb(INDIVIDUAL_COLORS[i % len(INDIVIDUAL_COLORS)]) for i in range(len(individuals))
        ]
        self._colors = [
            [self._animal_colors[i]] * count if by_individual else dots for i in range(len(individuals))
        ]
        order = {name: k for k, name in enumerate(keypoints)}
        self._edges = [
            (order[a], order[b])
            for a, b in (space.edges if space and skeleton else ())
            if a in order and b in order
        ]
        diagonal = float(np.hypot(*size))
        self._names = list(individuals) if len(individuals) > 1 else []
        self._plates = {name: _plate(name, float(np.clip(0.017 * diagonal, 9, 40))) for name in self._names}
        self._radius = float(np.clip(0.0045 * diagonal, 1.6, 8.0)) if radius is None else radius
        self._line = max(1, round(0.0014 * diagonal))
        self._rim = max(1, round(0.0012 * diagonal))

    def draw(
        self,
        picture: Frame,
        points: Floats,
        boxes: Floats | None = None,
        past: Floats | None = None,
        rings: NDArray[np.bool_] | None = None,
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
            ``(n, N, K, 2)`` points of the previous frames and this one, oldest first, for trails.
        rings
            ``(N, K)``, True for points drawn as a ring instead of a dot.
        """
        hollow = np.zeros(points.shape[:2], dtype=bool) if rings is None else rings
        if past is not None and len(past) > 1:
            self._trails(picture, past)
        shapes = [self._animal(i, points[i], hollow[i]) for i in range(len(points))]
        corners = [] if boxes is None else [self._brackets(box) for box in boxes]
        shade = np.zeros(picture.shape[:2], np.uint8)
        for lines, circles in shapes:
            for a, b, _ in lines:
                _line(shade, a, b, 150, self._line + 2 * self._rim)
            for centre, _, ring in circles:
                _circle(shade, centre, self._radius + self._rim, 255, 3 * self._rim if ring else cv2.FILLED)
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
            for centre, color, ring in circles:
                _circle(picture, centre, self._radius, color, self._rim if ring else cv2.FILLED)
        if boxes is not None:
            for i, name in enumerate(self._names):
                if np.isfinite(boxes[i]).all():
                    self._label(picture, name, boxes[i], self._animal_colors[i])

    def join(self, picture: Frame, starts: Floats, ends: Floats) -> None:
        """Draw a thin line from each of ``starts`` (N, K, 2) to its end, in place."""
        pairs = np.argwhere(_present(starts) & _present(ends))
        shade = np.zeros(picture.shape[:2], np.uint8)
        for i, k in pairs:
            _line(shade, starts[i, k], ends[i, k], 200, 1 + 2 * self._rim)
        _darken(picture, shade)
        for i, k in pairs:
            _line(picture, starts[i, k], ends[i, k], self._colors[i][k], 1)

    def _animal(self, i: int, points: Floats, rings: NDArray[np.bool_]) -> tuple[list[Any], list[Any]]:
        seen = _present(points)
        colors = self._colors[i]
        lines = [
            (points[a], points[b], _mix(colors[a], colors[b])) for a, b in self._edges if seen[a] and seen[b]
        ]
        return lines, [(points[k], colors[k], bool(rings[k])) for k in np.flatnonzero(seen)]

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
        """Write a name on a dark plate above a box (below it if there is no room)."""
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


def _circle(image: Frame, centre: Floats, radius: float, color: Any, thickness: int) -> None:
    cv2.circle(
        image, _fixed(centre), round(radius * (1 << SUBPIXEL)), color, thickness, cv2.LINE_AA, SUBPIXEL
    )


def _fixed(point: Floats) -> tuple[int, int]:
    """Return a point in sub-pixel units, clipped far outside the picture to avoid integer overflow."""
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
    """Return the mean of two colours, slightly lightened: the skeleton is less prominent than the dots."""
    red, green, blue = (round(0.75 * (x + y) / 2 + 0.25 * 255) for x, y in zip(a, b, strict=True))
    return red, green, blue


def keypoint_colors(keypoints: Sequence[str], space: KeypointSpace | None = None) -> list[str]:
    """Return a colour ``#rrggbb`` for each keypoint: that of the space, else from evenly spaced hues."""
    known = dict(zip(space.keypoints, space.colors, strict=True)) if space else {}
    return [known.get(name) or _hue(k, len(keypoints)) for k, name in enumerate(keypoints)]


def _hue(k: int, count: int) -> str:
    """Return the k-th of ``count`` bright hues."""
    hue = np.array([[[round(180 * k / max(count, 1)) % 180, 170, 255]]], np.uint8)
    red, green, blue = cv2.cvtColor(hue, cv2.COLOR_HSV2RGB)[0, 0].tolist()
    return f"#{red:02x}{green:02x}{blue:02x}"


def write_text(picture: Frame, text: str, at: tuple[float, float], size: float) -> None:
    """Write light text with a dark outline, in place; ``at`` is its lower left corner in pixels."""
    where = (round(float(at[0])), round(float(at[1])))
    for color, thickness in (((20, 20, 20), 3), ((255, 255, 255), 1)):
        cv2.putText(picture, text, where, cv2.FONT_HERSHEY_SIMPLEX, size, color, thickness, cv2.LINE_AA)


def sheet_of(tiles: Sequence[Frame], columns: int, tile: int) -> Frame:
    """Arrange pictures (h, w, 3) row by row in square tiles of at most ``tile`` pixels."""
    sheet = np.full((-(-len(tiles) // columns) * tile, columns * tile, 3), 255, np.uint8)
    for n, part in enumerate(tiles):
        y, x = divmod(n, columns)
        sheet[y * tile : y * tile + part.shape[0], x * tile : x * tile + part.shape[1]] = part
    return sheet


def encode_picture(picture: Frame, suffix: str = ".jpg") -> bytes:
    """Encode a picture (h, w, 3) uint8 RGB as the bytes of an image file of the given type."""
    quality = [cv2.IMWRITE_JPEG_QUALITY, 88] if suffix.lower() in (".jpg", ".jpeg") else []
    return cv2.imencode(suffix, picture[..., ::-1], quality)[1].tobytes()


def data_uri(picture: Frame) -> str:
    """Return a picture (h, w, 3) uint8 RGB as a JPEG data URI for HTML."""
    return "data:image/jpeg;base64," + base64.b64encode(encode_picture(picture)).decode()
