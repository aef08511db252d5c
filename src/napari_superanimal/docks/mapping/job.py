"""Keypoint matching as the viewer sees it: the labels of a layer, and a job that runs a model on them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from qtpy.QtCore import QObject

from napari_superanimal._reader import VIDEO_SUFFIXES
from napari_superanimal.jobs import ChildJob
from napari_superanimal.pose_layer.layers import is_pose_layer, layer_to_poses
from superanimal.errors import InputError
from superanimal.jobs.child import pack_object, unpack_object

if TYPE_CHECKING:
    import xarray as xr
    from napari.components import ViewerModel
    from napari.layers import Points

    from superanimal.keypoints.matching.match import Matching
    from superanimal.labels.labelled_set import LabelledSet

WRITTEN = 200
LABEL_FEATURES = ("keypoint", "keypoints", "label")


class MatchJob(ChildJob):
    """A pose model run on labelled images in a child process, and the matching of its keypoints.

    Parameters
    ----------
    labels
        Images and what a person marked on them.
    model
        Name of a pose model.
    accept_license
        The user accepts the terms of the model.

    Attributes
    ----------
    matching, predictions
        The result, once finished: :class:`superanimal.keypoints.Matching`, and the poses of the model, one
        row per image and the animals in the order of the labels.
    """

    name = "matching"
    grace_ms = 0

    def __init__(
        self, labels: LabelledSet, model: str, *, accept_license: bool = False, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self.labels, self.model, self.accept_license = labels, model, accept_license
        self.matching: Matching | None = None
        self.predictions: xr.Dataset | None = None

    def request(self) -> dict[str, Any]:
        """Return the call of ``match``, with the labelled set."""
        labels = pack_object(self.labels)
        return {"task": "match", "labels": labels, "model": self.model, "accept_license": self.accept_license}

    def take_event(self, kind: str, event: dict[str, Any]) -> None:
        """Take the result."""
        if kind == "finished":
            self.matching, self.predictions = unpack_object(event["result"])


def sample_of(labels: LabelledSet, most: int) -> LabelledSet:
    """Return at most so many of the images that have labels, evenly spread."""
    used = np.unique(labels.image_index[labels.labelled.any(axis=1)])
    chosen = np.linspace(0, len(used) - 1, min(most, len(used))).round().astype(np.int64)
    return labels.subset(used[chosen])


def is_labelled_layer(layer: Any) -> bool:
    """Return whether a layer is a Points layer that names the keypoint of each point."""
    features = getattr(layer, "features", None)
    if features is None or not hasattr(layer, "selected_data") or not hasattr(layer, "symbol"):
        return False
    return is_pose_layer(layer) or (len(layer.data) > 0 and any(name in features for name in LABEL_FEATURES))


def labels_of_layer(viewer: ViewerModel, layer: Points, folder: Path) -> LabelledSet:
    """Return the labelled set of a Points layer; its images are those of the image layer below it.

    Frames of a video file are decoded from the file when they are needed. Images that exist in the viewer
    only are written into ``folder`` as PNG files: :data:`WRITTEN` of those with labels, evenly spread.

    Raises
    ------
    InputError
        When the layer names no keypoints, or there is no image layer.
    """
    from superanimal.labels.images import ImageRef
    from superanimal.labels.labelled_set import from_poses

    poses = layer_to_poses(layer)
    image = _image_below(viewer, layer)
    path = str(image.metadata.get("path") or image.source.path or "")
    if Path(path).suffix.lower() in VIDEO_SUFFIXES and Path(path).is_file():
        return from_poses(poses, name=layer.name, video=path)
    spread = np.linspace(0, poses.sizes["time"] - 1, min(WRITTEN, poses.sizes["time"]))
    poses = poses.isel(time=spread.round().astype(np.int64))
    images = [
        ImageRef(str(_write_frame(image, frame, folder)), name=f"{image.name} {frame}")
        for frame in poses["frame"].values.tolist()
    ]
    return from_poses(poses, name=layer.name, images=images)


def _image_below(viewer: ViewerModel, layer: Points) -> Any:
    images = [other for other in viewer.layers if hasattr(other, "rgb") and hasattr(other, "gamma")]
    below = [other for other in images if viewer.layers.index(other) < viewer.layers.index(layer)]
    if not images:
        raise InputError(
            f"there is no image below {layer.name!r}",
            "the model looks at the images the labels belong to",
            "open the images or the video as a layer, or load the data set from its files",
        )
    return (below or images)[-1]


def _write_frame(image: Any, frame: int, folder: Path) -> Path:
    """Write a picture of an image layer as PNG and return the file."""
    from superanimal.labels.images import encode_png

    data = image.data
    pixels = np.asarray(data[frame] if data.ndim > (3 if image.rgb else 2) else data)
    if not image.rgb:
        pixels = np.repeat(pixels[..., None], 3, axis=-1)
    if pixels.dtype != np.uint8:
        low, high = image.contrast_limits
        pixels = (np.clip((pixels - low) / max(high - low, 1e-9), 0, 1) * 255).astype(np.uint8)
    path = folder / f"{frame:06d}.png"
    path.write_bytes(encode_png(pixels[..., :3]))
    return path
