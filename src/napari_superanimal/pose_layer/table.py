"""The poses underlying a layer, in arrays ordered like the rows of the layer.

Row ``(t * I + i) * K + k`` of a dense pose layer is keypoint ``k`` of individual ``i`` at time ``t``, so the
arrays here are indexed ``[t, i, k]`` and ravel to the rows. The table is authoritative; layers are views of
it.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterable, Mapping, Sequence
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

import numpy as np
from psygnal import Signal

from superanimal.errors import StorageError
from superanimal.poses import require_pixels, validate_poses
from superanimal.poses.journal import Journal, JournalWarning

if TYPE_CHECKING:
    import xarray as xr

#: Confidence of a point placed by a person, so that the cut-off never hides it.
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
        Shape (T, I, K), bool; True for points moved, added or deleted by a person.
    steps
        Shape (T,), int64, unique: the slider position at which each time is shown, that is, the video frame,
        or the image index for poses of labelled images.
    journal
        Records corrections as they are made; None if the poses were not read from a file.

    Signals
    -------
    changed()
        Points were edited or saved.
    """

    changed = Signal()

    def __init__(self, ds: xr.Dataset, journal: Journal | None = None) -> None:
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
        self.journal = journal
        self._saved: object = None  # the saved state, compared with the current one
        self.state: object = "edited earlier" if journal is not None and journal.unsaved() else None

    @property
    def unsaved(self) -> bool:
        """Whether there are unsaved edits."""
        return self.state is not self._saved

    @property
    def images(self) -> list[str] | None:
        """Names of the images the poses belong to; None for a video."""
        return self.template["image"].values.tolist() if "image" in self.template.coords else None

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
        """Return the time index t shown at a slider position, or None."""
        found = np.flatnonzero(self.steps == step)
        return int(found[0]) if len(found) else None

    def follow_stack(self, names: Sequence[str]) -> list[str]:
        """Show labels at the position of their image in an image stack; the others follow its end.

        Returns
        -------
        list of str
            Images missing from the stack. If all are missing, nothing changes.
        """
        images = self.images
        if images is None:
            return []
        at = _positions(images, names)
        if all(position is None for position in at):
            return []
        missing = [name for name, position in zip(images, at, strict=True) if position is None]
        behind = iter(range(len(names), len(names) + len(missing)))
        self.steps = np.array([next(behind) if p is None else p for p in at], dtype=np.int64)
        return missing

    def present(self, times: slice | int = slice(None)) -> np.ndarray:
        """Return which points have a position, bool, with the shape of ``confidence[times]``."""
        return np.isfinite(self.xy[times]).all(axis=-1)

    def visible(self, cutoff: float, times: slice | int = slice(None)) -> np.ndarray:
        """Return which points are shown at a confidence cut-off, bool, shape of ``confidence[times]``.

        A present point is shown if its confidence reaches the cut-off or is unknown, or if a person placed
        it.
        """
        low = self.confidence[times] < cutoff  # False for NaN
        return self.present(times) & (~low | self.edited[times])

    def set_rows(self, rows: np.ndarray, xy: np.ndarray, confidence: np.ndarray, edited: np.ndarray) -> None:
        """Write points by dense row index; ``xy`` has shape (n, 2), the others (n,)."""
        self.xy.reshape(-1, 2)[rows] = xy
        self.confidence.reshape(-1)[rows] = confidence
        self.edited.reshape(-1)[rows] = edited

    def edit(
        self,
        rows: np.ndarray,
        xy: np.ndarray,
        confidence: np.ndarray,
        edited: np.ndarray,
        *,
        step: str = "edit",
        state: object = None,
    ) -> None:
        """Write points changed by a person, as :meth:`set_rows`, and record them in the journal.

        Parameters
        ----------
        rows, xy, confidence, edited
            As in :meth:`set_rows`.
        step
            "edit", "undo" or "redo".
        state
            Identifies the poses after the step, so that undoing can return to the saved state.
        """
        self.set_rows(rows, xy, confidence, edited)
        self.state = object() if step == "edit" and state is None else state
        if self.journal is not None:
            t, i, k = np.unravel_index(np.asarray(rows), self.shape)
            self._note(lambda journal: journal.append(step, (t, i, k), xy, confidence, edited))
        self.changed.emit()

    def saved(self, files: Iterable[str | os.PathLike[str]]) -> None:
        """Record that the current poses were saved to files."""
        self._saved = self.state
        written = list(files)
        self._note(lambda journal: journal.saved(written))
        self.changed.emit()

    def discard(self) -> None:
        """Discard the edits since the last save: they are not restored when the poses are reopened."""
        self._saved = self.state
        self._note(lambda journal: journal.discard())
        self.changed.emit()

    def _note(self, write: Any) -> None:
        if self.journal is None:
            return
        try:
            write(self.journal)
        except StorageError as error:
            self.journal = None
            warnings.warn(
                f"corrections are now kept only in memory until you save them: {error}",
                JournalWarning,
                stacklevel=3,
            )

    def get_rows(self, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return copies of position (n, 2), confidence (n,) and edit mark (n,) by dense row index."""
        return (
            self.xy.reshape(-1, 2)[rows].copy(),
            self.confidence.reshape(-1)[rows].copy(),
            self.edited.reshape(-1)[rows].copy(),
        )

    def fill(self, times: slice, arrays: Mapping[str, np.ndarray]) -> None:
        """Copy results into the table, except for points edited by a person.

        Parameters
        ----------
        times
            Time indices of the results.
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
        """Return the pose data set, with its original coordinates, attributes and extra variables."""
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


def _positions(images: Sequence[str], names: Sequence[str]) -> list[int | None]:
    """Return the index of each image in a stack: by folder and file name, else by file name."""
    wanted = [PurePosixPath(image.replace("\\", "/")) for image in images]
    there = [PurePosixPath(name.replace("\\", "/")) for name in names]
    folders = {(path.parent.name, path.name): n for n, path in enumerate(there)}
    at = [folders.get((path.parent.name, path.name)) for path in wanted]
    alone = len({path.name for path in wanted}) == len(wanted) and len({p.name for p in there}) == len(there)
    if alone and all(position is None for position in at):  # the images were moved to another folder
        files = {path.name: n for n, path in enumerate(there)}
        at = [files.get(path.name) for path in wanted]
    return at
