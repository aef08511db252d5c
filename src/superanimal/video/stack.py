"""Videos that are not video files: folders of images, multi-page TIFF, zarr arrays."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from superanimal.errors import VideoError
from superanimal.video.base import Frame, Video
from superanimal.video.cache import ByteLRU

SAMPLED_FRAMES = 16
"""So many evenly spaced frames tell the brightness range of a stack that is not 8-bit."""


def natural_key(path: Path) -> list[tuple[int, int | str]]:
    """Sort key under which ``img9.png`` comes before ``img10.png``."""
    parts = re.split(r"(\d+)", path.name.lower())
    return [(0, int(part)) if part.isdigit() else (1, part) for part in parts]


def _times(frames: int, fps: float | None) -> NDArray[np.float64]:
    return np.arange(frames, dtype=np.float64) / (fps or 1.0)


class ImageStack(Video):
    """Image files shown one after the other.

    All must have the size of the first one that can be read; others count as bad frames.

    Attributes
    ----------
    paths : tuple of Path
        File of each frame.
    """

    def __init__(
        self,
        path: Path,
        paths: Sequence[Path],
        cache_bytes: int,
        *,
        fps: float | None,
        reopen: tuple[Any, dict[str, Any]],
    ) -> None:
        self.paths = tuple(paths)
        first = next((image for image in map(_read_image, self.paths) if image is not None), None)
        if first is None:
            raise VideoError(
                f"none of the {len(self.paths)} images of {path.name} can be read",
                "an image stack needs at least one readable image",
                "check the files in an image viewer",
            )
        height, width = first.shape[:2]
        super().__init__(path, (len(self.paths), height, width), fps, _times(len(self.paths), fps), reopen)
        self._cache: ByteLRU[Frame] = ByteLRU(cache_bytes)

    def _read(self, k: int) -> Frame | None:
        image = self._cache.get(k)
        if image is None:
            image = _read_image(self.paths[k])
            if image is None or image.shape != self.shape[1:]:
                return None
            self._cache.put(k, image, image.nbytes)
        return image.copy()

    def _release(self) -> None:
        self._cache.clear()


def _read_image(path: Path) -> Frame | None:
    import cv2

    try:
        image = cv2.imdecode(np.fromfile(path, np.uint8), cv2.IMREAD_COLOR)
    except (OSError, cv2.error):
        return None
    return None if image is None else np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2RGB), np.uint8)


class ArrayStack(Video):
    """Frames of an array on disk, grey or colour, with time first.

    Anything but 8-bit is mapped linearly to 0-255 from the range of a few evenly spaced frames.
    """

    def __init__(
        self,
        path: Path,
        array: Any,
        axes: str,
        cache_bytes: int,
        *,
        fps: float | None,
        reopen: tuple[Any, dict[str, Any]],
        owner: Any = None,
    ) -> None:
        self._array = array
        self._axes = axes
        self._owner = owner
        sizes = dict(zip(axes, array.shape, strict=True))
        frames = sizes["T"]
        super().__init__(path, (frames, sizes["Y"], sizes["X"]), fps, _times(frames, fps), reopen)
        self._cache: ByteLRU[Frame] = ByteLRU(cache_bytes)
        self._low, self._gain = self._brightness()

    def _brightness(self) -> tuple[float, float]:
        kind = np.dtype(self._array.dtype)
        if kind == np.uint8:
            return 0.0, 1.0
        if kind.kind == "b":
            return 0.0, 255.0
        sample = np.unique(np.linspace(0, len(self) - 1, SAMPLED_FRAMES).astype(int))
        values = [np.asarray(self._array[self._where(int(k))], np.float64) for k in sample]
        finite = [value[np.isfinite(value)] for value in values]
        low = min((float(value.min()) for value in finite if value.size), default=0.0)
        high = max((float(value.max()) for value in finite if value.size), default=1.0)
        return low, 255.0 / (high - low) if high > low else 1.0

    def _where(self, k: int) -> tuple[Any, ...]:
        """Index of frame ``k``: time fixed, depth its only plane."""
        return tuple({"T": k, "Z": 0}.get(axis, slice(None)) for axis in self._axes)

    def _read(self, k: int) -> Frame | None:
        image = self._cache.get(k)
        if image is None:
            try:
                raw = np.asarray(self._array[self._where(k)])
            except (OSError, ValueError, RuntimeError):
                return None
            image = self._rgb(raw)
            self._cache.put(k, image, image.nbytes)
        return image.copy()

    def _rgb(self, raw: NDArray[Any]) -> Frame:
        if raw.dtype != np.uint8:
            scaled = (raw.astype(np.float64) - self._low) * self._gain
            raw = np.clip(np.nan_to_num(np.rint(scaled)), 0, 255).astype(np.uint8)
        if "C" not in self._axes:
            return np.repeat(raw[..., None], 3, axis=-1)
        if self._axes.replace("T", "").replace("Z", "")[0] == "C":
            raw = np.moveaxis(raw, 0, -1)
        return np.ascontiguousarray(raw[..., :3] if raw.shape[-1] >= 3 else np.repeat(raw[..., :1], 3, -1))

    def _release(self) -> None:
        self._cache.clear()
        self._array = None
        if self._owner is not None:
            self._owner.close()


def open_tiff(path: Path, cache_bytes: int, fps: float | None, reopen: tuple[Any, dict[str, Any]]) -> Video:
    """Open a TIFF file, each page a frame.

    Raises
    ------
    VideoError
        When it is not a TIFF of 2-D pictures.
    """
    import tifffile
    import zarr

    try:
        tiff = tifffile.TiffFile(path)
        if len(tiff.series) > 1:  # written page by page: take equal pages together
            tiff.close()
            tiff = tifffile.TiffFile(path, is_shaped=False)
        series = tiff.series[0]
        array = zarr.open_array(series.aszarr(level=0), mode="r")
    except (tifffile.TiffFileError, OSError, ValueError, IndexError) as error:
        raise VideoError(
            f"{path.name} is not a TIFF that can be read ({error})",
            remedy="check the file in an image viewer",
        ) from error
    axes = series.axes.replace("S", "C")
    if "T" not in axes:  # pages without a meaning (I, Q) or a depth axis are taken for time
        axes = re.sub("[IQZ]", "T", axes, count=1)
    if "T" not in axes:
        tiff.close()
        return ImageStack(path, [path], cache_bytes, fps=fps, reopen=reopen)
    _check_axes(path, axes, array.shape)
    return ArrayStack(path, array, axes, cache_bytes, fps=fps, reopen=reopen, owner=tiff)


def open_zarr(path: Path, cache_bytes: int, fps: float | None, reopen: tuple[Any, dict[str, Any]]) -> Video:
    """Open a zarr array, or the only or full-resolution array ("0") of a zarr group.

    Raises
    ------
    VideoError
        When it holds no array of frames.
    """
    import zarr

    try:
        node: Any = zarr.open(str(path), mode="r")
    except Exception as error:  # zarr raises many kinds
        raise VideoError(f"{path.name} is not a zarr store that can be read ({error})") from error
    attributes = dict(node.attrs)
    if not hasattr(node, "shape"):
        arrays = dict(node.arrays())
        node = arrays.get("0") or (next(iter(arrays.values())) if len(arrays) == 1 else None)
    if node is None:
        raise VideoError(
            f"{path.name} is a zarr group without one array of frames",
            'a zarr video is an array, or a group whose array is alone or called "0"',
            "name the array inside the group: GROUP.zarr/ARRAY",
        )
    axes = {3: "TYX", 4: "TYXC" if node.shape[-1] in (1, 3, 4) else "TCYX", 5: "TCZYX"}.get(node.ndim, "?")
    _check_axes(path, axes, node.shape)
    rate = fps or attributes.get("fps") or dict(node.attrs).get("fps")
    return ArrayStack(path, node, axes, cache_bytes, fps=float(rate) if rate else None, reopen=reopen)


def _check_axes(path: Path, axes: str, shape: tuple[int, ...]) -> None:
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
