"""References to images: a file, a frame of a video, or a picture inside a package; decoded when asked."""

from __future__ import annotations

import io
import os
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from superanimal.errors import InputError, NotFoundError, option
from superanimal.formats.guard import reading

if TYPE_CHECKING:
    from superanimal.video import Video


@dataclass(frozen=True, slots=True)
class ImageRef:
    """Where the pixels of one labelled image are.

    Attributes
    ----------
    path
        Image file, video file, SLEAP package or training store.
    frame
        Frame of the video or number of the picture in the package; None for an image file.
    inside
        Array inside a package (``video0/video``); empty for plain files.
    width, height
        Pixels, where known without decoding; else 0.
    name
        What the image was called before it went into a package or store.
    """

    path: str
    frame: int | None = None
    inside: str = ""
    width: int = 0
    height: int = 0
    name: str = ""

    @property
    def label(self) -> str:
        """Short text that tells this image from the others."""
        if self.name:
            return self.name
        inner = f":{self.inside}" if self.inside else ""
        return self.path if self.frame is None else f"{self.path}{inner}#{self.frame}"


def read_pixels(image: ImageRef) -> NDArray[np.uint8]:
    """Decode an image as (H, W, 3) uint8 RGB.

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
    return decode(read_bytes(image), image.label)


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
        return encode_png(read_pixels(image))
    try:
        return Path(image.path).read_bytes()
    except OSError as error:
        raise NotFoundError(
            f"{image.path}: image cannot be read ({error.strerror})",
            remedy=f"say where the images are{option('images', 'FOLDER')}",
        ) from None


def decode(data: bytes, label: str) -> NDArray[np.uint8]:
    """Decode an image file in memory as (H, W, 3) uint8 RGB, turned as its EXIF orientation says."""
    import cv2

    array = np.frombuffer(data, np.uint8)
    image = cv2.imdecode(array, cv2.IMREAD_COLOR) if len(array) else None
    if image is None:
        raise InputError(f"{label}: not an image that can be decoded", remedy="check or remove the file")
    return np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2RGB), np.uint8)


def picture_size(data: bytes, label: str) -> tuple[int, int]:
    """Return (width, height) of an encoded image as it is shown, from its header alone."""
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(io.BytesIO(data)) as picture:
            width, height = picture.size
            turned = picture.getexif().get(0x0112, 1) >= 5
    except (UnidentifiedImageError, OSError) as error:
        raise InputError(f"{label}: not an image ({error})", remedy="check or remove the file") from error
    return (height, width) if turned else (width, height)


def encode_png(pixels: NDArray[np.uint8]) -> bytes:
    """Encode (H, W, 3) RGB as PNG, fast rather than small."""
    import cv2

    bgr = cv2.cvtColor(np.ascontiguousarray(pixels), cv2.COLOR_RGB2BGR)
    return cv2.imencode(".png", bgr, [cv2.IMWRITE_PNG_COMPRESSION, 1])[1].tobytes()


def safe_join(root: str | os.PathLike[str], name: str) -> Path:
    """Return the file ``name`` of a foreign file list below ``root``, never outside of it.

    Raises
    ------
    InputError
        When the name leaves ``root``: with ``..``, or as an absolute path elsewhere.
    """
    text = name.replace("\\", "/")
    base = Path(root)
    if PurePosixPath(text).is_absolute() or PureWindowsPath(text).drive:
        path = Path(name)
        if ".." not in path.parts and (path.is_relative_to(base) or path.is_relative_to(base.absolute())):
            return path
        problem = "an absolute path outside it"
    elif ".." in PurePosixPath(text).parts:
        problem = "a path that climbs out with '..'"
    else:
        return base / text
    raise InputError(
        f"image {name!r}: {problem}",
        f"images are looked up below {base}",
        f"say where the images are{option('images', 'FOLDER')}",
    )


@lru_cache(maxsize=4)
def _video(path: str) -> Video:
    from superanimal.video import open_video

    return open_video(path, cache_bytes=32 << 20)


def _read_packed(image: ImageRef) -> bytes:
    """Return an encoded picture of a SLEAP package; ``frame`` counts rows of the array."""
    import h5py

    try:
        with h5py.File(image.path) as file:
            row = file[image.inside][int(image.frame or 0)]
    except (OSError, KeyError, ValueError) as error:
        raise NotFoundError(f"{image.label}: no such picture in the package ({error})") from error
    if row.ndim == 3:
        return encode_png(np.repeat(row, 3, -1) if row.shape[-1] == 1 else row)
    return np.asarray(row).view(np.uint8).tobytes()
