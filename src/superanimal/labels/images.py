"""References to images: a file, a frame of a video, or a picture inside a package; decoded on demand."""

from __future__ import annotations

import io
import os
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from superanimal.errors import InputError, NotFoundError, option
from superanimal.formats.guard import reading
from superanimal.video.brightness import Stretch, sampled
from superanimal.video.pictures import decoded, deep_png

if TYPE_CHECKING:
    from superanimal.video import Video


@dataclass(frozen=True, slots=True)
class ImageRef:
    """Location of the pixels of one labelled image.

    Attributes
    ----------
    path
        Image file, video file, SLEAP package or training store.
    frame
        Frame of the video or index of the picture in the package; None for an image file.
    inside
        Array inside a package (``video0/video``); empty for plain files.
    width, height
        Size in pixels if known without decoding; else 0.
    name
        Name of the image before it was stored in a package or store.
    """

    path: str
    frame: int | None = None
    inside: str = ""
    width: int = 0
    height: int = 0
    name: str = ""

    @property
    def label(self) -> str:
        """Short text that identifies this image."""
        if self.name:
            return self.name
        inner = f":{self.inside}" if self.inside else ""
        return self.path if self.frame is None else f"{self.path}{inner}#{self.frame}"


def read_pixels(image: ImageRef) -> NDArray[np.uint8]:
    """Decode an image as (H, W, 3) uint8 RGB.

    Pixels of more than 8 bits are mapped to 0..255 with the same map as the other images of the folder or
    package, see :class:`superanimal.video.brightness.Stretch`.

    Raises
    ------
    NotFoundError
        When the file does not exist.
    InputError
        When it cannot be decoded.
    """
    if image.frame is not None and not image.inside:
        if not image.path:
            raise NotFoundError(
                f"frame {image.frame}: the labels do not say which video they belong to",
                remedy=f"name it{option('video', 'PATH')}",
            )
        with reading(image.path, f"a video with a frame {image.frame}"):
            return _video(image.path)[image.frame]
    raw = decode(read_bytes(image), image.label)
    return (Stretch() if raw.dtype == np.uint8 else _stretch_beside(image))(raw)


def read_shown(image: ImageRef) -> bytes:
    """Return the encoded image for use beside those of other folders: more than 8 bits are mapped to 8."""
    data = read_bytes(image)
    tiff = data.startswith((b"II", b"MM"))
    if not deep_png(data) and not (tiff and decode(data, image.label).dtype != np.uint8):
        return data
    return encode(read_pixels(image), ".tif" if tiff else ".png")


def read_bytes(image: ImageRef) -> bytes:
    """Return the encoded image (PNG, JPEG, ...) of a file or package; frames of a video become PNG."""
    if image.inside:
        if image.inside == "images":
            from superanimal.labels.packed import read_encoded

            with reading(image.path, "a store of labels", "write the store again"):
                return read_encoded(image.path, int(image.frame or 0))
        with reading(image.path, "a package with pictures"):
            return _read_packed(image)
    if image.frame is not None:
        return encode(read_pixels(image))
    try:
        return Path(image.path).read_bytes()
    except OSError as error:
        raise NotFoundError(
            f"{image.path}: image cannot be read ({error.strerror})",
            remedy=f"give the folder of the images{option('images', 'FOLDER')}",
        ) from None


def decode(data: bytes, label: str) -> NDArray[Any]:
    """Decode an image file in memory as stored, (H, W) or (H, W, 3) RGB, with EXIF rotation applied."""
    raw = decoded(np.frombuffer(data, np.uint8)) if data else None
    if raw is None:
        raise InputError(f"{label}: not a readable image", remedy="check or remove the file")
    return raw


def picture_size(data: bytes | Path, label: str) -> tuple[int, int]:
    """Return the displayed (width, height) of an image, given as bytes or path, from its header alone."""
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(io.BytesIO(data) if isinstance(data, bytes) else data) as picture:
            width, height = picture.size
            turned = picture.getexif().get(0x0112, 1) >= 5
    except (UnidentifiedImageError, OSError) as error:
        raise InputError(f"{label}: not an image ({error})", remedy="check or remove the file") from error
    return (height, width) if turned else (width, height)


def encode(pixels: NDArray[np.uint8], suffix: str = ".png") -> bytes:
    """Encode (H, W, 3) RGB losslessly as PNG (optimised for speed), or as another type."""
    import cv2

    bgr = cv2.cvtColor(np.ascontiguousarray(pixels), cv2.COLOR_RGB2BGR)
    return cv2.imencode(suffix, bgr, [cv2.IMWRITE_PNG_COMPRESSION, 1])[1].tobytes()


def safe_join(root: str | os.PathLike[str], name: str) -> Path:
    """Return the file ``name`` from an external file list below ``root``, never outside it.

    Raises
    ------
    InputError
        When the name leads outside ``root``: through ``..``, or as an absolute path elsewhere.
    """
    text = name.replace("\\", "/")
    base = Path(root)
    if PurePosixPath(text).is_absolute() or PureWindowsPath(text).drive:
        path = Path(name)
        if ".." not in path.parts and (path.is_relative_to(base) or path.is_relative_to(base.absolute())):
            return path
        problem = "an absolute path outside it"
    elif ".." in PurePosixPath(text).parts:
        problem = "a path that leaves it with '..'"
    else:
        return base / text
    raise InputError(
        f"image {name!r}: {problem}",
        f"images are looked up below {base}",
        f"give the folder of the images{option('images', 'FOLDER')}",
    )


@lru_cache(maxsize=4)
def _video(path: str) -> Video:
    from superanimal.video import open_video

    return open_video(path, cache_bytes=32 << 20)


def _stretch_beside(image: ImageRef) -> Stretch:
    """Return the brightness map of the images of the same folder or package."""
    place = Path(image.path) if image.inside else Path(image.path).absolute().parent
    return _stretch_in(place, image.inside, place.stat().st_mtime_ns)


@lru_cache(maxsize=64)
def _stretch_in(place: Path, inside: str, changed: int) -> Stretch:
    from superanimal.video.stack import stretch_of

    if not inside:
        return stretch_of(place)
    frames = [ImageRef(str(place), frame=k, inside=inside) for k in sampled(_count_packed(place, inside))]
    return Stretch.over(decode(read_bytes(frame), frame.label) for frame in frames)


def _count_packed(path: Path, inside: str) -> int:
    """Return the number of pictures in a package."""
    if inside == "images":
        from superanimal.labels.packed import count_encoded

        return count_encoded(str(path))
    import h5py

    with h5py.File(path) as file:
        return len(file[inside])


def _read_packed(image: ImageRef) -> bytes:
    """Return an encoded picture of a SLEAP package; ``frame`` counts rows of the array."""
    import h5py

    try:
        with h5py.File(image.path) as file:
            row = file[image.inside][int(image.frame or 0)]
    except (OSError, KeyError, ValueError) as error:
        raise NotFoundError(f"{image.label}: no such picture in the package ({error})") from error
    if row.ndim == 3:
        return encode(np.repeat(row, 3, -1) if row.shape[-1] == 1 else row)
    return np.asarray(row).view(np.uint8).tobytes()
