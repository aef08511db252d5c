"""The folder of a fine-tuning run: its content, and how to read it.

::

    split.json               training and held-out images; drawn once
    table.csv                keypoint mapping
    memory.npz               predictions of the frozen model for the training images (memory-replay)
    run/                     state of the training, see superanimal.training.loop.fit
    before.nc, after.nc      predictions on the held-out images
    report.json, .html       before and after, forgetting, warnings, verdict
    entry.yaml, weights...   the trained model, see superanimal.training.model_folder
"""

from __future__ import annotations

import csv
import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from superanimal.errors import FormatError, SuperAnimalError
from superanimal.training.finetuning.methods import find_method

if TYPE_CHECKING:
    import xarray as xr

    from superanimal.labels.labelled_set import LabelledSet

SPLIT, TABLE, MEMORY, RUN = "split.json", "table.csv", "memory.npz", "run"
REPORT, PAGE = "report.json", "report.html"

SCORE, ERROR = "held_out_oks", "held_out_error_px"
"""Columns of the curves: what decides which weights are best, and the error in pixels."""

Row = dict[str, float]
"""A row of the curves."""


@dataclass(frozen=True)
class Forgetting:
    """What became of the predictions of keypoints without labels.

    Attributes
    ----------
    keypoints
        Number of these keypoints.
    lost
        Fraction of the confident predictions that are no longer confident; None if there were none.
    moved_px
        Median movement of the others in pixels; None without any.
    """

    keypoints: int
    lost: float | None
    moved_px: float | None


@dataclass(frozen=True)
class TrainingResult:
    """The result of a finished training, read from its folder.

    Attributes
    ----------
    folder
        See :mod:`superanimal.training.finetuning.finetune`.
    report
        Content of ``report.json``.
    labels
        The labels it was trained and measured with.
    """

    folder: Path
    report: dict[str, Any]
    labels: LabelledSet

    @classmethod
    def read(cls, folder: Path, labels: LabelledSet) -> TrainingResult:
        """Read the report of a run.

        Raises
        ------
        FormatError
            When the report is missing or damaged.
        """
        path = folder / REPORT
        try:
            report = json.loads(path.read_text("utf-8"))
        except (OSError, ValueError) as error:
            raise FormatError(
                f"{path} cannot be read ({error})", "a finished training has a report"
            ) from error
        return cls(folder, report, labels)

    @property
    def model(self) -> str:
        """Name of the trained model."""
        return str(self.report["model"])

    @property
    def base_model(self) -> str:
        """Name of the model it started from."""
        return str(self.report["base_model"])

    @property
    def recommended(self) -> bool:
        """Whether to use the trained model instead of the base model."""
        return bool(self.report["recommended"])

    @property
    def verdict(self) -> str:
        """The recommendation with its reason, as a sentence."""
        return str(self.report["verdict"])

    @property
    def warnings(self) -> list[str]:
        """Reasons to distrust the figures."""
        return list(self.report["warnings"])

    @property
    def notes(self) -> list[str]:
        """Notes on labels and model."""
        return list(self.report["notes"])

    @property
    def steps(self) -> int:
        """Number of training steps made."""
        return int(self.report["training"]["steps"])

    @property
    def figures(self) -> dict[str, tuple[float | None, float | None]]:
        """Each held-out figure before and after the training; empty if nothing was held out."""
        before = self.report.get("before", {})
        return {key: (before.get(key), value) for key, value in self.report.get("after", {}).items()}

    @property
    def keypoint_errors(self) -> list[tuple[str, float | None, float | None]]:
        """(the user's name, mean error before, after) of each keypoint, in pixels."""
        own = {master: name for name, master in self.report["table"].items()}
        rows = self.report.get("keypoints", ())
        return [
            (own.get(row["keypoint"], row["keypoint"]), row["before_px"], row["after_px"]) for row in rows
        ]

    @property
    def forgetting(self) -> Forgetting | None:
        """Forgetting; None if it was not measured."""
        facts = self.report.get("forgetting")
        return Forgetting(facts["keypoints"], facts["lost"], facts["moved_px"]) if facts else None

    @property
    def stopped(self) -> bool:
        """Whether the user stopped it early, so that it can be resumed."""
        return bool(self.report["training"]["ended"] == "cancelled")

    @cached_property
    def predictions(self) -> dict[str, xr.Dataset]:
        """Poses ``before`` and ``after`` of the held-out images, if there are any."""
        from superanimal.formats import load_poses

        files = self.report.get("predictions", {})
        return {
            when: load_poses(self.folder / files[when]) for when in ("before", "after") if files.get(when)
        }

    @cached_property
    def animals(self) -> list[tuple[int, int, int]]:
        """(row of the predictions, slot, row of the labels) of each held-out animal with labels."""
        after = self.predictions.get("after")
        if after is None:
            return []
        index = {image.label: i for i, image in enumerate(self.labels.images)}
        return [
            (row, slot, int(animal))
            for row, name in enumerate(after["image"].values.tolist())
            for slot, animal in enumerate(self.labels.animals_of(index[name]))
            if self.labels.labelled[animal].any()
        ]

    def comparison(self, n: int) -> Comparison:
        """Return the labels and both predictions of held-out animal ``n``."""
        labels = self.labels
        row, slot, animal = self.animals[n]
        image = int(labels.image_index[animal])
        marked = {
            name: (float(x), float(y))
            for name, (x, y), seen in zip(
                labels.keypoints, labels.xy[animal], labels.labelled[animal], strict=True
            )
            if seen
        }
        try:
            pixels, note = labels.pixels(image), ""
        except SuperAnimalError as error:
            pixels, note = None, error.text("viewer")
        found = {when: self._points(when, row, slot) for when in self.predictions}
        return Comparison(pixels, marked, found.get("before", {}), found.get("after", {}), note)

    def _points(self, when: str, row: int, slot: int) -> dict[str, tuple[float, float]]:
        """Return the predicted positions of the user's keypoints, by the user's names."""
        poses = self.predictions[when].isel(time=row, individual=slot)
        position = dict(zip(poses["keypoint"].values.tolist(), poses["position"].values.T, strict=True))
        places = {own: position.get(self._name(own, when, position)) for own in self.labels.keypoints}
        return {
            own: (float(xy[0]), float(xy[1]))
            for own, xy in places.items()
            if xy is not None and np.isfinite(xy).all()
        }

    def _name(self, own: str, when: str, known: Collection[str]) -> str:
        """Return the model's name for a user keypoint; empty if unknown to the model."""
        table: dict[str, str] = self.report["table"]
        if when == "before":
            return table.get(own, "")
        if find_method(self.report["method"]).outputs == "labelled":
            return own
        longer = f"{own}_{self.labels.name}"  # a new keypoint whose name was taken
        return table.get(own) or (longer if longer in known else own)


def read_curves(folder: Path) -> list[Row]:
    """Return the rows of the curves of a run; empty if there are none."""
    path = folder / RUN / "curves.csv"
    if not path.is_file():
        return []
    with path.open(newline="") as file:
        return [{key: float(value) for key, value in row.items() if value} for row in csv.DictReader(file)]


def with_row(rows: list[Row], row: Row) -> list[Row]:
    """Return the rows up to a new one, which replaces those of a repeated round."""
    return [*(earlier for earlier in rows if earlier["step"] < row["step"]), row]


def best_row(rows: list[Row]) -> Row:
    """Return the row with the best held-out score; empty if there is none."""
    scored = [row for row in rows if np.isfinite(row.get(SCORE, np.nan))]
    return max(scored, key=lambda row: row[SCORE], default={})


def holds_run(folder: Path) -> bool:
    """Whether a folder holds a training run."""
    return (folder / RUN / "run.json").is_file() or (folder / SPLIT).is_file()


def is_finished(folder: Path) -> bool:
    """Whether the training in a folder is finished."""
    path = folder / REPORT
    return path.is_file() and json.loads(path.read_text("utf-8"))["training"]["ended"] != "cancelled"


Point = tuple[float, float]


@dataclass
class Comparison:
    """The data to draw.

    Attributes
    ----------
    image
        (H, W, 3) uint8, or None.
    labels
        Labelled position of each keypoint, (x, y) in image pixels.
    before, after
        Positions predicted by both models.
    note
        Reason why there is no image.
    """

    image: np.ndarray | None = None
    labels: Mapping[str, Point] = field(default_factory=dict)
    before: Mapping[str, Point] = field(default_factory=dict)
    after: Mapping[str, Point] = field(default_factory=dict)
    note: str = ""

    def error(self, side: int) -> float:
        """Return the mean distance of labels and predictions of a side in pixels, NaN without any."""
        found = (self.before, self.after)[side]
        distances = [np.hypot(*np.subtract(found[k], self.labels[k])) for k in self.labels if k in found]
        return float(np.mean(distances)) if distances else float("nan")
