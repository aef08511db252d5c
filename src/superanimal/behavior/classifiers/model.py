"""A trained classifier of behaviour: what it needs, and how good it was out of fold."""

from __future__ import annotations

import os
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from superanimal.behavior.classifiers.context import Context
from superanimal.behavior.classifiers.estimators import Mean
from superanimal.behavior.classifiers.fitting import Fitted, fit_model
from superanimal.behavior.classifiers.head import Head
from superanimal.behavior.classifiers.saving import (
    damaged,
    read_folder,
    read_training,
    training_arrays,
    training_facts,
    write_folder,
)
from superanimal.behavior.classifiers.sequences import Unit
from superanimal.behavior.classifiers.settings import Settings
from superanimal.behavior.classifiers.smoothing import Decision
from superanimal.behavior.classifiers.temporal import TemporalNetwork
from superanimal.behavior.descriptors.recording import Recording
from superanimal.behavior.measures.regions import region_names
from superanimal.errors import InputError
from superanimal.progress import Progress

LEAST_SHARED = 2
"""Keypoints that a model and poses must have in common."""


@dataclass
class BehaviorModel:
    """A trained classifier of behaviour; made by :func:`superanimal.behavior.train`.

    Attributes
    ----------
    settings
        How it was trained.
    keypoints
        Canonical names of the keypoints it was trained on.
    space
        2 or 3 coordinates.
    social
        Whether the training recordings have several animals.
    fitted
        Its features, classifiers and scores.
    recordings, units
        What it was trained on, so that it can be fitted again for fewer keypoints.
    """

    settings: Settings
    keypoints: tuple[str, ...]
    space: int
    social: bool
    fitted: Fitted
    recordings: list[Recording]
    units: list[Unit]
    _fitted_again: dict[tuple[str, ...], BehaviorModel] = field(default_factory=dict, repr=False)

    @property
    def classes(self) -> tuple[str, ...]:
        """The classes it tells apart."""
        return self.settings.classes

    @property
    def features(self) -> tuple[str, ...]:
        """Names of its F features, in order."""
        return self.fitted.features

    @property
    def regions(self) -> tuple[str, ...]:
        """``arena`` and names of regions whose distances are features of it."""
        return region_names(self.recordings[0].regions)

    @property
    def heads(self) -> tuple[Head, ...]:
        """Its classifier, or one for each label that may hold with others."""
        return self.fitted.heads

    @property
    def scores(self) -> pd.DataFrame:
        """Table of F1 out of fold, one row for each class."""
        return self.fitted.scores

    @property
    def by_group(self) -> pd.DataFrame:
        """Table of the macro F1 of each recording (or other group) when it was left out."""
        return self.fitted.by_group

    @property
    def notes(self) -> list[str]:
        """What limits it, in sentences."""
        return self.fitted.notes

    @property
    def macro_f1(self) -> float:
        """Mean F1 of the classes, out of fold."""
        return float(self.scores["f1"].mean())

    def __str__(self) -> str:
        rows = "\n".join(f"  {row['label']}: F1 {row['f1']:.2f}, {row['frames']} frames"
                         for _, row in self.scores.iterrows())  # fmt: skip
        head = f"behaviour model, {len(self.features)} features, macro F1 {self.macro_f1:.2f} out of fold"
        return f"{head}\n{rows}"

    def save(self, folder: str | os.PathLike[str]) -> Path:
        """Write the model into a new folder, see :func:`superanimal.behavior.load_model`."""
        return write_folder(
            Path(folder),
            self._facts(),
            [head.estimator.members for head in self.heads],
            [{} if head.network is None else head.network.arrays() for head in self.heads],
            training_arrays(self.recordings, self.units),
        )

    def _facts(self) -> dict[str, Any]:
        heads = [
            {
                "classes": list(head.classes),
                "context": head.context.to_dict(),
                "decision": head.decision.to_dict(),
            }
            for head in self.heads
        ]
        return {
            "settings": self.settings.to_dict(), "keypoints": list(self.keypoints), "space": self.space,
            "social": self.social, "features": list(self.features), "notes": self.notes, "heads": heads,
            "scores": self.scores.to_dict("list"), "by_group": self.by_group.to_dict("list"),
            **training_facts(self.recordings, self.units),
        }  # fmt: skip

    def for_keypoints(self, names: Sequence[str], progress: Progress | None = None) -> BehaviorModel:
        """Return the model for poses with these keypoints.

        The same one if they hold all of its own. Otherwise it is fitted again to its training recordings
        with the keypoints that both have, with a warning.

        Raises
        ------
        InputError
            When fewer than two keypoints are shared.
        """
        shared = tuple(name for name in self.keypoints if name in names)
        if shared == self.keypoints:
            return self
        if len(shared) < LEAST_SHARED:
            raise InputError(
                f"the poses have the keypoints {', '.join(names)}",
                f"the model was trained on {', '.join(self.keypoints)}; "
                f"at least {LEAST_SHARED} must be shared",
                "rename the keypoints of the poses, or train a model on such poses",
            )
        if shared not in self._fitted_again:
            absent = [name for name in self.keypoints if name not in shared]
            warnings.warn(
                f"the poses lack {', '.join(absent)}; the model is fitted again with the {len(shared)} "
                f"keypoints that it shares with them",
                stacklevel=3,
            )
            first = self.recordings[0].only(shared)
            reduced = [first, *(recording.only(shared).like(first) for recording in self.recordings[1:])]
            self._fitted_again[shared] = make_model(reduced, self.units, self.settings, progress)
        return self._fitted_again[shared]


def make_model(
    recordings: Sequence[Recording],
    units: Sequence[Unit],
    settings: Settings,
    progress: Progress | None = None,
) -> BehaviorModel:
    """Fit a model to recordings with the same keypoints."""
    return BehaviorModel(
        settings,
        recordings[0].keypoints,
        recordings[0].space,
        any(len(recording.individuals) > 1 for recording in recordings),
        fit_model(recordings, units, settings, progress),
        list(recordings),
        list(units),
    )


def load_model(folder: str | os.PathLike[str]) -> BehaviorModel:
    """Read a model that :meth:`BehaviorModel.save` wrote. No code in the files is run.

    Raises
    ------
    NotFoundError
        When there is no such model.
    ModelError
        When a file is damaged, of a later version, or holds types that a model has no use for.
    """
    with damaged(Path(folder)):
        facts, members, networks, arrays = read_folder(Path(folder))
        recordings, units = read_training(facts, arrays)
        heads = tuple(
            Head(tuple(each["classes"]), Mean(own), Context.from_dict(each["context"]),
                 Decision.from_dict(each["decision"]), TemporalNetwork(**network) if network else None)
            for each, own, network in zip(facts["heads"], members, networks, strict=True)
        )  # fmt: skip
        fitted = Fitted(
            tuple(facts["features"]), heads, pd.DataFrame(facts["scores"]), pd.DataFrame(facts["by_group"]),
            list(facts["notes"]),
        )  # fmt: skip
        return BehaviorModel(
            Settings.from_dict(facts["settings"]), tuple(facts["keypoints"]), int(facts["space"]),
            bool(facts["social"]), fitted, recordings, units,
        )  # fmt: skip
