"""The names of the images in an image stack, and their assignment to poses."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from superanimal.formats.deeplabcut_project import LABELED_DATA
from superanimal.video import IMAGE_SUFFIXES

if TYPE_CHECKING:
    import xarray as xr
    from napari.components import ViewerModel

#: Metadata key of an image layer for the paths of its images, in order.
IMAGES_KEY = "images"


def image_names(layer: Any) -> list[str] | None:
    """Return the path of each image of a stack; None for a video, a single image, or if unknown."""
    if not hasattr(layer, "rgb") or layer.ndim < 3:
        return None
    length = layer.data.shape[0]
    named = layer.metadata.get(IMAGES_KEY) or getattr(layer.metadata.get("video"), "paths", None)
    if named is None:
        folder = Path(layer.source.path or layer.metadata.get("path") or "")
        if not layer.source.path or not folder.is_dir():
            return None
        named = sorted(path for path in folder.iterdir() if path.suffix.lower() in IMAGE_SUFFIXES)
    return [Path(name).as_posix() for name in named] if len(named) == length else None


def with_image_names(poses: xr.Dataset, viewer: ViewerModel | None, name: str) -> xr.Dataset:
    """Return poses with the names of their images, if these are an image stack in the viewer.

    Parameters
    ----------
    poses
        Poses; those that already name their images are unchanged.
    viewer
        Viewer with the stack; if None, the poses are returned unchanged.
    name
        Name of the pose layer: the image layer below it is used, else the last one.
    """
    if viewer is None or "image" in poses.coords:
        return poses
    images = [layer for layer in viewer.layers if hasattr(layer, "rgb") and hasattr(layer, "gamma")]
    if name in viewer.layers:
        at = viewer.layers.index(name)
        images = [layer for layer in images if viewer.layers.index(layer) < at] or images
    names = image_names(images[-1]) if images else None
    frames = poses["frame"].values
    if names is None or len(frames) == 0 or frames.min() < 0 or frames.max() >= len(names):
        return poses
    return poses.assign_coords(image=("time", [_label_path(Path(names[frame])) for frame in frames]))


def _label_path(path: Path) -> str:
    """Return ``labeled-data/<video>/<image>`` for an image of a DeepLabCut project, else its name."""
    parts = path.parts[-3:]
    return "/".join(parts) if len(parts) == 3 and parts[0] == LABELED_DATA else path.name
