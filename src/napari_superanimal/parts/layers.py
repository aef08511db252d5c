"""The roles of viewer layers: a video, labels, the image below them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_superanimal.pose_layer.layers import is_pose_layer, layer_to_poses
from superanimal.errors import InputError, NotFoundError
from superanimal.video.open import VIDEO_SUFFIXES

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Points

    from superanimal.labels.labelled_set import LabelledSet
if TYPE_CHECKING:
    from napari.components import ViewerModel


def is_video_layer(layer: Any) -> bool:
    """Return whether a layer is an image sequence read from a file."""
    if not hasattr(layer, "rgb") or layer.ndim < 3:
        return False
    return bool(layer.metadata.get("path") or layer.source.path)


def video_path(layer: Any) -> Path:
    """Return the file of a video layer.

    Raises
    ------
    InputError
        When the layer was not read from a file, or the file no longer exists.
    """
    path = layer.metadata.get("path") or layer.source.path
    if not path:
        raise InputError(
            f"layer {layer.name!r} was not read from a file",
            "poses are estimated in a separate process that reads the video itself",
            "open the video with 'Open video...'",
        )
    if not Path(path).exists():
        raise NotFoundError(f"{path} no longer exists", "the video is read from its file", "open it again")
    return Path(path)


WRITTEN = 200


LABEL_FEATURES = ("keypoint", "keypoints", "label")


def is_labelled_layer(layer: Any) -> bool:
    """Return whether a layer is a Points layer with a keypoint name for each point."""
    features = getattr(layer, "features", None)
    if features is None or not hasattr(layer, "selected_data") or not hasattr(layer, "symbol"):
        return False
    return is_pose_layer(layer) or (len(layer.data) > 0 and any(name in features for name in LABEL_FEATURES))


def labels_of_layer(viewer: ViewerModel, layer: Points, folder: Path) -> LabelledSet:
    """Return the labelled set of a Points layer, with images from the image layer below it.

    Of corrected predictions, only points set by a person are labels; if there are none, the set is marked as
    ``predicted``.

    Frames of a video file are decoded from the file on demand. Images that exist only in the viewer are
    written to ``folder`` as PNG files: at most :data:`WRITTEN` labelled images, evenly spread.

    Raises
    ------
    InputError
        When the layer has no keypoint names, or there is no image layer.
    """
    from superanimal.labels.images import ImageRef
    from superanimal.labels.labelled_set import from_poses
    from superanimal.labels.reading.predictions import predicted_confidence, set_by_person

    poses = layer_to_poses(layer)
    image = _image_below(viewer, layer)
    path = str(image.metadata.get("path") or image.source.path or "")
    if Path(path).suffix.lower() in VIDEO_SUFFIXES and Path(path).is_file():
        labelled = from_poses(poses, name=layer.name, video=path)
        return set_by_person(labelled, predicted_confidence(labelled, poses))
    spread = np.linspace(0, poses.sizes["time"] - 1, min(WRITTEN, poses.sizes["time"]))
    poses = poses.isel(time=spread.round().astype(np.int64))
    images = [
        ImageRef(str(_write_frame(image, frame, folder)), name=f"{image.name} {frame}")
        for frame in poses["frame"].values.tolist()
    ]
    labelled = from_poses(poses, name=layer.name, images=images)
    return set_by_person(labelled, predicted_confidence(labelled, poses))


def _image_below(viewer: ViewerModel, layer: Points) -> Any:
    images = [other for other in viewer.layers if hasattr(other, "rgb") and hasattr(other, "gamma")]
    below = [other for other in images if viewer.layers.index(other) < viewer.layers.index(layer)]
    if not images:
        raise InputError(
            f"there is no image below {layer.name!r}",
            "the model needs the labelled images",
            "open the images or the video as a layer, or load the data set from its files",
        )
    return (below or images)[-1]


def _write_frame(image: Any, frame: int, folder: Path) -> Path:
    """Write one image of an image layer as PNG and return the file."""
    from superanimal.labels.images import encode

    data = image.data
    pixels = np.asarray(data[frame] if data.ndim > (3 if image.rgb else 2) else data)
    if not image.rgb:
        pixels = np.repeat(pixels[..., None], 3, axis=-1)
    if pixels.dtype != np.uint8:
        low, high = image.contrast_limits
        pixels = (np.clip((pixels - low) / max(high - low, 1e-9), 0, 1) * 255).astype(np.uint8)
    path = folder / f"{frame:06d}.png"
    path.write_bytes(encode(pixels[..., :3]))
    return path
