"""Further recordings to learn from: pose files with files of labels."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pandas as pd
import xarray as xr
from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import QAbstractItemView, QTableWidget, QTableWidgetItem

from napari_superanimal.parts.tables import LEFT, RIGHT, height_of, make_plain, set_heads
from superanimal.behavior import read_annotations
from superanimal.behavior.bouts import labels_of
from superanimal.behavior.descriptors.recording import open_poses
from superanimal.poses import frame_rate, seconds, states_rate

ROWS = 3
HEADS = (
    ("Poses", "The pose file of another recording."),
    ("Labels", "A person's labels of that recording."),
    ("Bouts", ""),
)


class RecordingTable(QTableWidget):
    """One row for each recording.

    Signals
    -------
    changed()
        A recording was added or removed.
    """

    changed = Signal()

    def __init__(self) -> None:
        super().__init__(0, len(HEADS))
        self.recordings: list[tuple[Path, pd.DataFrame]] = []
        make_plain(self)
        set_heads(self, HEADS, wide=(0, 1), left=(0, 1))
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        self.setFixedHeight(height_of(self, ROWS))

    def add(self, poses: Path, labels: Path, bouts: pd.DataFrame) -> None:
        """Add a recording."""
        number = self.rowCount()
        self.recordings.append((poses, bouts))
        self.setRowCount(number + 1)
        for column, (text, tip) in enumerate(
            ((poses.name, str(poses)), (labels.name, str(labels)), (str(len(bouts)), ""))
        ):
            item = QTableWidgetItem(text)
            item.setToolTip(tip)
            item.setTextAlignment(LEFT if column < 2 else RIGHT)
            self.setItem(number, column, item)
        self.changed.emit()

    def remove(self) -> None:
        """Remove the recordings whose rows are selected."""
        for number in sorted({index.row() for index in self.selectedIndexes()}, reverse=True):
            del self.recordings[number]
            self.removeRow(number)
        self.changed.emit()

    @property
    def labels(self) -> set[str]:
        """All behaviours labelled in the recordings."""
        return {label for _, bouts in self.recordings for label in labels_of(bouts)}


def read_recording(
    poses: xr.Dataset | str | os.PathLike[str], labels: Any, fps: float | None
) -> tuple[xr.Dataset, pd.DataFrame]:
    """Return poses that state their rate, and a person's labels, whose frames are counted at that rate.

    Parameters
    ----------
    poses
        Pose data set or file.
    labels
        File or table of annotations.
    fps
        Frames per second, for poses that do not state it.
    """
    data = open_poses(poses)
    if fps is not None and not states_rate(data):
        data = data.assign_attrs(fps=fps)
    time = seconds(data, None, "labels of behaviour")
    return data, read_annotations(labels, fps=frame_rate(time))
