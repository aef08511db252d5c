"""The poses behind a layer, in arrays ordered like the layer's rows.

Row ``(t * I + i) * K + k`` of a dense pose layer is keypoint ``k`` of individual ``i`` at time ``t``, so the
arrays here are indexed ``[t, i, k]`` and ravel to the rows without a join. The table is the truth; layers are
views of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from superanimal.poses import require_pixels, validate_poses

if TYPE_CHECKING:
    import xarray as xr

    from napari_superanimal.pose_layer.playback import PoseView

#: Confidence given to a point that a person placed: it is then never hidden by the cut-off.
EDITED_CONFIDENCE = 1.0


class PoseTable:
    """Positions, confidences and edit marks of T times, I individuals and K keypoints.

    Attributes
    ----------
    xy
        Shape (T, I, K, 2), float32, pixels x right and y down; NaN = absent.
    confidence
        Shape (T, I, K), float32, 0..1; NaN where unknown.
    edited
        Shape (T, I, K), bool; True where a person moved, added or deleted the point.
    steps
        Shape (T,), int64, increasing: the position of the frame slider at which each time is shown. The frame
        of the video, or the number of the image when the poses belong to labelled images.
    view
        The playback that shows this table in a viewer, while there is one.
    """

    def __init__(self, ds: xr.Dataset) -> None:
        require_pixels(ds, "a pose layer")
        self.xy: np.ndarray = np.array(
            ds["position"].transpose("time", "individual", "keypoint", "space").values,
            dtype=np.float32,
            order="C",
        )
        order = ("time", "individual", "keypoint")
        self.confidence: np.ndarray = np.array(
            ds["confidence"].transpose(*order).values, dtype=np.float32, order="C"
        )
        if "edited" in ds:
            self.edited: np.ndarray = np.array(ds["edited"].transpose(*order).values, dtype=bool, order="C")
        else:
            self.edited = np.zeros(self.confidence.shape, dtype=bool)
        frame = np.asarray(ds["frame"].values, dtype=np.int64)
        counted = "image" in ds.coords or bool((np.diff(frame) <= 0).any())
        self.steps: np.ndarray = np.arange(len(frame)) if counted else frame
        self.keypoints = [str(name) for name in ds["keypoint"].values]
        self.individuals = [str(name) for name in ds["individual"].values]
        self.has_edit_marks = "edited" in ds
        self.template = ds.drop_vars(["position", "confidence", "edited"], errors="ignore")
        self.boxes: np.ndarray | None = None
        self.box_confidence: np.ndarray | None = None
        if "boxes" in ds:
            self.boxes = np.array(ds["boxes"].transpose("time", "individual", "box").values, dtype=np.float32)
        if "box_confidence" in ds:
            self.box_confidence = np.array(ds["box_confidence"].values, dtype=np.float32)
        self.view: PoseView | None = None

    @property
    def shape(self) -> tuple[int, int, int]:
        """Number of times T, individuals I and keypoints K."""
        t, i, k = self.confidence.shape
        return t, i, k

    def __len__(self) -> int:
        return self.confidence.size

    def __deepcopy__(self, memo: dict[int, Any]) -> PoseTable:
        return PoseTable(self.to_poses())

    def time_at(self, step: int) -> int | None:
        """Return the time index t shown at a slider position, or None when there is none."""
        t = int(np.searchsorted(self.steps, step))
        return t if t < len(self.steps) and self.steps[t] == step else None

    def present(self, times: slice | int = slice(None)) -> np.ndarray:
        """Return which points have a position, bool, shape of ``confidence[times]``."""
        return np.isfinite(self.xy[times]).all(axis=-1)

    def visible(self, cutoff: float, times: slice | int = slice(None)) -> np.ndarray:
        """Return which points are shown at a confidence cut-off, bool, shape of ``confidence[times]``.

        Shown are present points whose confidence reaches the cut-off, is unknown, or that a person placed.
        """
        low = self.confidence[times] < cutoff  # False for NaN
        return self.present(times) & (~low | self.edited[times])

    def set_rows(self, rows: np.ndarray, xy: np.ndarray, confidence: np.ndarray, edited: np.ndarray) -> None:
        """Write points by dense row number; ``xy`` has shape (n, 2), the others (n,)."""
        self.xy.reshape(-1, 2)[rows] = xy
        self.confidence.reshape(-1)[rows] = confidence
        self.edited.reshape(-1)[rows] = edited

    def get_rows(self, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return copies of position (n, 2), confidence (n,) and edit mark (n,) by dense row number."""
        return (
            self.xy.reshape(-1, 2)[rows].copy(),
            self.confidence.reshape(-1)[rows].copy(),
            self.edited.reshape(-1)[rows].copy(),
        )

    def fill(self, times: slice, arrays: Mapping[str, np.ndarray]) -> None:
        """Copy the results of some times into the table, leaving points that a person edited alone.

        Parameters
        ----------
        times
            Which times.
        arrays
            As in a run store: ``position`` (n, I, K, 2), ``confidence`` (n, I, K), ``boxes`` (n, I, 4) as
            x, y, width, height, ``box_confidence`` (n, I).
        """
        keep = self.edited[times]
        self.xy[times] = np.where(keep[..., None], self.xy[times], arrays["position"])
        self.confidence[times] = np.where(keep, self.confidence[times], arrays["confidence"])
        if self.boxes is not None:
            self.boxes[times] = arrays["boxes"]
        if self.box_confidence is not None:
            self.box_confidence[times] = arrays["box_confidence"]

    def to_poses(self) -> xr.Dataset:
        """Return the pose data set; coordinates, attributes and extra variables come back as they were."""
        ds = self.template.drop_vars(["boxes", "box_confidence"], errors="ignore")
        arrays: dict[str, tuple[tuple[str, ...], np.ndarray]] = {
            "position": (("time", "space", "keypoint", "individual"), self.xy.transpose(0, 3, 2, 1).copy()),
            "confidence": (
                ("time", "keypoint", "individual"),
                self.confidence.transpose(0, 2, 1).copy(),
            ),
        }
        if self.has_edit_marks or self.edited.any():
            arrays["edited"] = (("time", "keypoint", "individual"), self.edited.transpose(0, 2, 1).copy())
        if self.boxes is not None:
            arrays["boxes"] = (("time", "box", "individual"), self.boxes.transpose(0, 2, 1).copy())
        if self.box_confidence is not None:
            arrays["box_confidence"] = (("time", "individual"), self.box_confidence.copy())
        return validate_poses(ds.assign(arrays))
