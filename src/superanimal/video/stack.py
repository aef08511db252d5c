"""Videos that are not video files: folders of images, multi-page TIFF, zarr arrays."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from superanimal.errors import SuperAnimalError, VideoError
from superanimal.video.base import Frame, Video
from superanimal.video.brightness import Stretch, sampled
from superanimal.video.cache import ByteLRU
from superanimal.video.pictures import IMAGE_SUFFIXES, FrameArray, Picture, PictureReader, check_axes


def natural_key(path: Path) -> list[tuple[int, int | str]]:
    """Sort key that places ``img9.png`` before ``img10.png``."""
    parts = re.split(r"(\d+)", path.name.lower())
    return [(0, int(part)) if part.isdigit() else (1, part) for part in parts]


def images_of(folder: Path) -> list[Path]:
    """Return the image files of a folder in natural order, without hidden ones."""
    images = [file for file in folder.iterdir() if file.suffix.lower() in IMAGE_SUFFIXES]
    return sorted((file for file in images if not file.name.startswith(".")), key=natural_key)


def stretch_of(folder: Path) -> Stretch:
    """Return the map of pixels of more than 8 bits to 0..255 for the pictures of a folder."""
    reader = PictureReader(alone=False)
    try:
        return _stretch(reader, [picture for file in images_of(folder) for picture in reader.find(file)])
    finally:
        reader.close()


def _stretch(reader: PictureReader, pictures: Sequence[Picture]) -> Stretch:
    """Return one map for all pictures, from a few evenly spaced ones of more than 8 bits."""
    deep = [picture for picture in pictures if picture.deep]
    samples = (reader.read(deep[k]) for k in sampled(len(deep)))
    return Stretch.over(sample for sample in samples if sample is not None)


def _times(frames: int, fps: float | None) -> NDArray[np.float64]:
    return np.arange(frames, dtype=np.float64) / (fps or 1.0)


class ImageStack(Video):
    """Image files as consecutive frames, with all pages of TIFF files.

    The common frame has the height of the tallest and the width of the widest image. Smaller ones are placed
    at its top left and padded with black; :meth:`frame_size` returns the size of each. Images of more than 8
    bits are all mapped to 0-255 by the same linear map, from the range of a few evenly spaced ones.

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
        reopen: partial[Video],
    ) -> None:
        self._reader = PictureReader(alone=len(paths) == 1)
        self._pictures = [picture for each in paths for picture in self._reader.find(each)]
        frames = len(self._pictures)
        if all(self._reader.read(picture) is None for picture in self._pictures):
            raise VideoError(
                f"none of the {frames} images of {path.name} can be read",
                "an image stack needs at least one readable image",
                "check the files in an image viewer",
            )
        self.paths = tuple(picture.path for picture in self._pictures)
        height = max(picture.height for picture in self._pictures)
        width = max(picture.width for picture in self._pictures)
        super().__init__(path, (frames, height, width), fps, _times(frames, fps), reopen)
        self._cache: ByteLRU[Frame] = ByteLRU(cache_bytes)
        self._stretch = _stretch(self._reader, self._pictures)

    def frame_size(self, k: int) -> tuple[int, int]:
        """Return height and width of image ``k`` itself, or of the common frame if it cannot be read."""
        picture = self._pictures[k]
        return (picture.height, picture.width) if picture.height else self.shape[1:3]

    def _read(self, k: int) -> Frame | None:
        image = self._cache.get(k)
        if image is None:
            raw = self._reader.read(self._pictures[k])
            if raw is None:
                return None
            image = self._stretch(raw)
            self._cache.put(k, image, image.nbytes)
        if image.shape == self.shape[1:]:
            return image.copy()
        frame = np.zeros(self.shape[1:], np.uint8)
        frame[: image.shape[0], : image.shape[1]] = image
        return frame

    def _called(self, k: int) -> str:
        return f"{self.paths[k].name} (frame {k})"

    def _release(self) -> None:
        self._cache.clear()
        self._reader.close()


class ArrayStack(Video):
    """Frames of one array on disk, greyscale or colour.

    Pixels that are not 8-bit are mapped linearly to 0-255 from the range of a few evenly spaced frames.
    """

    def __init__(
        self,
        path: Path,
        frames: FrameArray,
        cache_bytes: int,
        *,
        fps: float | None,
        reopen: partial[Video],
    ) -> None:
        self._frames: FrameArray | None = frames
        super().__init__(path, frames.shape, fps, _times(len(frames), fps), reopen)
        self._cache: ByteLRU[Frame] = ByteLRU(cache_bytes)
        deep = np.dtype(frames.array.dtype) != np.uint8
        self._stretch = Stretch.over(map(frames.read, sampled(len(frames)))) if deep else Stretch()

    def _read(self, k: int) -> Frame | None:
        image = self._cache.get(k)
        if image is None:
            assert self._frames is not None
            try:
                image = self._stretch(self._frames.read(k))
            except (OSError, ValueError, RuntimeError):
                return None
            self._cache.put(k, image, image.nbytes)
        return image.copy()

    def _release(self) -> None:
        self._cache.clear()
        self._frames = None


def open_zarr(path: Path, cache_bytes: int, fps: float | None, reopen: partial[Video]) -> Video:
    """Open a zarr array, or the only array or the full-resolution array ("0") of a zarr group.

    Raises
    ------
    VideoError
        When the store holds no array of frames.
    """
    try:
        attributes, node = _find_array(path)
        if node is not None:
            axes = {3: "TYX", 4: "TYXC" if node.shape[-1] in (1, 3, 4) else "TCYX", 5: "TCZYX"}
            kind = axes.get(node.ndim, "?")
            check_axes(path, kind, node.shape)
            rate = fps or attributes.get("fps") or dict(node.attrs).get("fps")
            frames = FrameArray(node, kind)
            return ArrayStack(path, frames, cache_bytes, fps=float(rate) if rate else None, reopen=reopen)
    except SuperAnimalError:
        raise
    except Exception as error:  # zarr raises many kinds of errors, both when opening and reading
        raise VideoError(f"{path.name} is not a readable zarr store ({error})") from error
    raise VideoError(
        f"{path.name} is a zarr group in which the array of frames cannot be identified",
        'a zarr video is an array, or a group with a single array or one named "0"',
        "name the array inside the group: GROUP.zarr/ARRAY",
    )


def _find_array(path: Path) -> tuple[dict[str, Any], Any]:
    """Return the attributes of a zarr store and its array of frames, None if the array is ambiguous.

    Members are listed from the disk: zarr's own listing prints a traceback for each foreign folder.
    """
    import zarr

    node: Any = zarr.open(str(path), mode="r")
    attributes = dict(node.attrs)
    if hasattr(node, "shape"):
        return attributes, node
    names = [child.name for child in path.iterdir() if any((child / m).is_file() for m in _NODE_FILES)]
    if "0" in names:
        names = ["0"]
    arrays = [member for name in names if hasattr(member := node[name], "shape")]
    return attributes, arrays[0] if len(arrays) == 1 else None


_NODE_FILES = ("zarr.json", ".zarray")
