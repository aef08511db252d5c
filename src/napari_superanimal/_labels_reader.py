"""Reader of labelled images: DeepLabCut projects, label folders and files, with their images."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_superanimal._reader import LayerData, attach_when_added, paths_of

if TYPE_CHECKING:
    from superanimal.labels.labelled_set import LabelledSet


def get_labels_reader(path: str | Sequence[str]) -> Callable[[str | Sequence[str]], list[LayerData]] | None:
    """Return a reader if the content of every path is labelled images, else None."""
    from superanimal.formats.recognise import is_labelled

    paths = paths_of(path)
    return read_labelled_images if paths and all(map(is_labelled, paths)) else None


def read_labelled_images(path: str | Sequence[str]) -> list[LayerData]:
    """Return an image layer and a Points layer with the labels, for each path.

    Raises
    ------
    FormatError, InputError, NotFoundError
        When the labels cannot be read, or there are none.
    """
    from superanimal.labels import read_labels

    layers: list[LayerData] = []
    for file in paths_of(path):
        layers += labelled_layers(read_labels(file), file)
    return layers


def labelled_layers(labels: LabelledSet, source: Path) -> list[LayerData]:
    """Return the images of a labelled set as an image layer, and its labels as a pose layer."""
    from napari_superanimal._settings import setting
    from napari_superanimal.pose_layer.layers import TABLE_KEY, poses_to_layerdata

    there = [Path(image.path).is_file() for image in labels.images]
    if not all(there):
        missing = [image.label for image, here in zip(labels.images, there, strict=True) if not here]
        warnings.warn(
            f"{len(missing)} of {len(there)} images are missing and shown in black: "
            f"{', '.join(missing[:3])}{', ...' if len(missing) > 3 else ''}",
            stacklevel=2,
        )
    for note in labels.notes:
        warnings.warn(note, stacklevel=2)
    poses = labels.to_poses()
    poses.attrs["source_file"] = str(source)
    data, keywords, kind = poses_to_layerdata(
        poses, name=f"{labels.name} labels", size=setting("display", "point_size") or None
    )
    attach_when_added(keywords["metadata"][TABLE_KEY], 0.0)
    if not any(there):
        return [(data, keywords, kind)]
    pictures = {
        "name": labels.name,
        "rgb": True,
        "contrast_limits": (0, 255),
        "cache": False,
        "axis_labels": ("frame", "y", "x"),
        "metadata": {"images": [image.label for image in labels.images]},
    }
    return [(pictures_of(labels, there), pictures, "image"), (data, keywords, kind)]


def pictures_of(labels: LabelledSet, there: Sequence[bool]) -> Any:
    """Return the images as a lazy dask array (T, H, W, 3) uint8.

    Smaller images are padded with black on the right and at the bottom, so that label coordinates remain
    valid; images that are not ``there`` or cannot be decoded are black.
    """
    import dask.array as da
    import numpy as np

    from superanimal.errors import SuperAnimalError

    sizes = [size_of(labels.images[i].path) for i in range(len(labels)) if there[i]]
    width, height = max(size[0] for size in sizes), max(size[1] for size in sizes)

    def picture(block_id: tuple[int, ...]) -> np.ndarray:
        out = np.zeros((1, height, width, 3), dtype=np.uint8)
        try:
            pixels = labels.pixels(block_id[0])
        except SuperAnimalError as error:  # must not reach napari's slicing
            warnings.warn(f"shown in black: {error.text('viewer')}", stacklevel=2)
        else:
            pixels = pixels[:height, :width]
            out[0, : pixels.shape[0], : pixels.shape[1]] = pixels
        return out

    chunks = ((1,) * len(labels), (height,), (width,), (3,))
    return da.map_blocks(picture, chunks=chunks, dtype=np.uint8, meta=np.zeros((0, 0, 0, 0), np.uint8))


def size_of(path: str) -> tuple[int, int]:
    """Return width and height of an image file without decoding it; (1, 1) if it is not an image."""
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(path) as image:
            turned = image.getexif().get(0x0112, 1) >= 5
            return image.size[::-1] if turned else image.size
    except (OSError, UnidentifiedImageError):
        return 1, 1
