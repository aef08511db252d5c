"""The pictures in image files: their number, size, and pixels as stored."""

from __future__ import annotations

import re
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from superanimal.errors import VideoError

TIFF_SUFFIXES = (".tif", ".tiff")
IMAGE_SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", *TIFF_SUFFIXES, ".webp")
OPEN_FILES = 8
"""Maximum number of TIFF files open at the same time."""
_ORIENTATION, _TURNED = 274, (5, 6, 7, 8)
"""EXIF orientation tag, and its values that swap width and height."""
_PNG_DEPTH = 24
"""Offset of the byte in a PNG file that holds the bits per sample."""


@dataclass(frozen=True)
class Picture:
    """One picture in a file.

    Attributes
    ----------
    path
        The file.
    height, width
        In pixels as displayed, that is, with the EXIF orientation applied; 0 if it cannot be read.
    deep
        Whether its pixels are anything but 8-bit.
    series, frame
        Position in a multi-page TIFF; None in a file with one picture.
    """

    path: Path
    height: int
    width: int
    deep: bool = False
    series: int | None = None
    frame: int = 0


class FrameArray:
    """Frames of an array on disk, grey or colour.

    Attributes
    ----------
    array
        Any object with numpy indexing.
    axes
        One letter for each axis: T, Z (of length 1), C, Y, X.
    """

    def __init__(self, array: Any, axes: str) -> None:
        self.array, self.axes = array, axes
        sizes = dict(zip(axes, array.shape, strict=True))
        self.shape: tuple[int, int, int] = (sizes["T"], sizes["Y"], sizes["X"])

    def __len__(self) -> int:
        return self.shape[0]

    def read(self, k: int) -> NDArray[Any]:
        """Return frame ``k`` as (H, W) or (H, W, C)."""
        where = tuple({"T": k, "Z": 0}.get(axis, slice(None)) for axis in self.axes)
        raw = np.asarray(self.array[where])
        return np.moveaxis(raw, 0, -1) if re.sub("[TZ]", "", self.axes).startswith("C") else raw


class TiffFile:
    """A TIFF file, held open.

    Parameters
    ----------
    path
        The file.
    pages
        Read plain pages whatever the metadata say (the files of one OME-TIFF refer to each other).

    Raises
    ------
    VideoError
        When the file is not a TIFF of 2-D pictures.
    """

    def __init__(self, path: Path, *, pages: bool = False) -> None:
        import tifffile
        import zarr

        ome = False if pages else None  # None: as stated by the file
        try:
            self._file = tifffile.TiffFile(path, is_ome=ome)
            if len(self._file.series) > 1:  # written page by page: combine equal pages
                self._file.close()
                self._file = tifffile.TiffFile(path, is_shaped=False, is_ome=ome)
            series = [one for one in self._file.series if not one.keyframe.is_reduced] or self._file.series[
                :1
            ]
            arrays = [(zarr.open_array(one.aszarr(level=0), mode="r"), one.axes) for one in series]
            if not arrays:
                raise ValueError("it has no page")
        except (tifffile.TiffFileError, OSError, ValueError, IndexError) as error:
            raise VideoError(
                f"{path.name} is not a readable TIFF ({error})",
                remedy="check the file in an image viewer",
            ) from error
        self.path = path
        self.turned = self._file.pages.first.tags.valueof(_ORIENTATION, 1) in _TURNED
        self.single = len(arrays) == 1 and not set("TIQZ") & set(arrays[0][1])
        self.deep = any(array.dtype not in (np.uint8, bool) for array, _ in arrays)
        self.size = dict(zip(arrays[0][1], arrays[0][0].shape, strict=True))
        self.series = [] if self.single else [self._frames(*each) for each in arrays]

    def _frames(self, array: Any, axes: str) -> FrameArray:
        """Return one series as frames."""
        axes = axes.replace("S", "C")
        if "T" not in axes:  # pages of unknown meaning (I, Q) and a depth axis are taken as time
            axes = re.sub("[IQZ]", "T", axes, count=1)
        if "T" not in axes:
            axes, array = f"T{axes}", _One(array)
        check_axes(self.path, axes, array.shape)
        return FrameArray(array, axes)

    def read(self, series: int, frame: int) -> NDArray[Any]:
        """Return a frame as (H, W) or (H, W, C), read by OpenCV if tifffile lacks the codec."""
        try:
            return self.series[series].read(frame)
        except ValueError:
            before = sum(len(other) for other in self.series[:series])
            raw = _page(self.path, before + frame)
            if raw is None or raw.shape[:2] != self.series[series].shape[1:]:
                raise
            return raw

    def close(self) -> None:
        """Close the file."""
        self._file.close()


class _One:
    """An array with an added first axis of length 1."""

    def __init__(self, array: Any) -> None:
        self.array, self.shape, self.dtype = array, (1, *array.shape), array.dtype

    def __getitem__(self, where: tuple[Any, ...]) -> Any:
        return self.array[where[1:]]


class PictureReader:
    """Reads pictures, also from multi-page files, of which it keeps the last few open.

    Parameters
    ----------
    alone
        There is only one file: its metadata about other files are respected, and a picture that cannot be
        read is an error rather than a gap.
    """

    def __init__(self, *, alone: bool) -> None:
        self.alone = alone
        self._open: OrderedDict[Path, TiffFile] = OrderedDict()

    def find(self, path: Path) -> list[Picture]:
        """Return the pictures in a file; a single one of size 0 if it cannot be read.

        Raises
        ------
        VideoError
            When a single TIFF does not hold 2-D pictures.
        """
        if path.suffix.lower() in TIFF_SUFFIXES:
            try:
                tiff = self._tiff(path)
            except VideoError:
                if self.alone:
                    raise
                return [Picture(path, 0, 0)]
            if tiff.single:
                height, width = tiff.size["Y"], tiff.size["X"]
                return [Picture(path, *((width, height) if tiff.turned else (height, width)), tiff.deep)]
            return [
                Picture(path, *frames.shape[1:], tiff.deep, series, k)
                for series, frames in enumerate(tiff.series)
                for k in range(len(frames))
            ]
        return [_from_header(path) or _from_pixels(path)]

    def read(self, picture: Picture) -> NDArray[Any] | None:
        """Return the pixels of a picture as stored, (H, W) or (H, W, C) in RGB; None if unreadable."""
        if not picture.height:
            return None
        if picture.series is None:
            raw = _decoded_file(picture.path)
        else:
            try:
                raw = self._tiff(picture.path).read(picture.series, picture.frame)
            except (OSError, ValueError, RuntimeError, VideoError):
                return None
        return raw if raw is not None and raw.shape[:2] == (picture.height, picture.width) else None

    def close(self) -> None:
        """Close all files."""
        while self._open:
            self._open.popitem()[1].close()

    def _tiff(self, path: Path) -> TiffFile:
        if path in self._open:
            self._open.move_to_end(path)
        else:
            self._open[path] = TiffFile(path, pages=not self.alone)
            while len(self._open) > OPEN_FILES:
                self._open.popitem(last=False)[1].close()
        return self._open[path]


def deep_png(start: bytes) -> bool:
    """Return whether the first bytes of a file are those of a 16-bit PNG."""
    return start.startswith(b"\x89PNG") and start[_PNG_DEPTH : _PNG_DEPTH + 1] == b"\x10"


def decoded(data: NDArray[np.uint8]) -> NDArray[Any] | None:
    """Return the first picture of an encoded file as stored, (H, W) or (H, W, 3) RGB, rotated as per EXIF.

    None when it cannot be decoded.
    """
    import cv2

    try:
        return _rgb(cv2.imdecode(data, cv2.IMREAD_ANYDEPTH | cv2.IMREAD_ANYCOLOR))
    except cv2.error:
        return None


def _decoded_file(path: Path) -> NDArray[Any] | None:
    try:
        return decoded(np.fromfile(path, np.uint8))
    except OSError:
        return None


def check_axes(path: Path, axes: str, shape: tuple[int, ...]) -> None:
    """Raise :class:`VideoError` unless an array on disk holds frames."""
    sizes = dict(zip(axes, shape, strict=False))
    colours, depth = sizes.get("C", 1), sizes.get("Z", 1)
    plain = {"T", "Y", "X"} <= set(axes) <= set("TZCYX") and len(set(axes)) == len(axes) == len(shape)
    if not plain or depth != 1 or colours not in (1, 3, 4) or 0 in shape:
        raise VideoError(
            f"{path.name} has the shape {tuple(shape)} (axes {axes})",
            "frames are (time, height, width), (time, height, width, colour) or (time, colour, height, width)"
            " with 1, 3 or 4 colours",
            "save the frames in one of these shapes",
        )


def _page(path: Path, page: int) -> NDArray[Any] | None:
    """Return a page of a TIFF as OpenCV reads it, or None."""
    import cv2

    try:
        _, images = cv2.imreadmulti(
            str(path), start=page, count=1, flags=cv2.IMREAD_ANYDEPTH | cv2.IMREAD_ANYCOLOR
        )
    except cv2.error:
        return None
    return _rgb(images[0]) if images else None


def _rgb(image: NDArray[Any] | None) -> NDArray[Any] | None:
    """Return a picture decoded by OpenCV in RGB order."""
    return image if image is None or image.ndim == 2 else image[..., 2::-1]


def _from_header(path: Path) -> Picture | None:
    """Return the picture described by the first bytes of a file, or None."""
    from PIL import Image

    try:
        with Image.open(path) as image:
            width, height = image.size
            turned = image.getexif().get(_ORIENTATION) in _TURNED
        with path.open("rb") as file:
            start = file.read(_PNG_DEPTH + 1)
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return None
    return Picture(path, *((width, height) if turned else (height, width)), deep_png(start))


def _from_pixels(path: Path) -> Picture:
    raw = _decoded_file(path)
    if raw is None:
        return Picture(path, 0, 0)
    return Picture(path, raw.shape[0], raw.shape[1], bool(raw.dtype != np.uint8))
