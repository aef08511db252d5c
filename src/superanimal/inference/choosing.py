"""Choosing the model for a video with ``model="auto"``."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from superanimal.errors import InputError, by_caller, option
from superanimal.inference.analyzer import Analysis, Analyzer
from superanimal.inference.first_look import sampled_frames, worths
from superanimal.inference.options import AUTO
from superanimal.poses.run_store import RunStore
from superanimal.progress import Progress
from superanimal.video import open_video
from superanimal.zoo import load_catalog

if TYPE_CHECKING:
    from superanimal.inference.backends import PoseNetwork

CLEAR = 0.75
"""From this share of what a sure animal is worth, on average, it is said which animal a video shows."""
FEW = 0.5
"""A model that shows an animal in a smaller share of the frames may be the wrong one."""
UNSURE = 0.4
"""As may one whose keypoints have less confidence than this in most of the animals shown."""


@dataclass(frozen=True)
class Choice:
    """The model chosen for a video, and the reason.

    Attributes
    ----------
    model
        Its name in the catalogue.
    worths
        For each model the mean of what the best animal was worth in the frames looked at, see
        :func:`superanimal.inference.searching.worth_of`, over what a sure animal of this model is worth.
    clear
        Whether that is :data:`CLEAR`.
    """

    model: str
    worths: dict[str, float]
    clear: bool

    def sentence(self, video: str) -> str:
        """Return the choice as a sentence for users."""
        title = load_catalog()[self.model].title.split(",")[0].lower()
        figures = ", ".join(f"{name} {worth:.2f}" for name, worth in self.worths.items())
        if self.clear:
            return f"{video}: looks like a {title} ({figures}); another model can be named{option('model')}"
        return (
            f"{video}: no embedded model is sure of an animal ({figures}); {self.model} is tried; "
            f"choose the model yourself{option('model')} if this is another animal"
        )


def embedded_models() -> tuple[str, ...]:
    """Return the names of the pose models whose weights ship with the package."""
    return tuple(entry.name for entry in load_catalog().of_kind("pose") if entry.embedded)


def doubtful(analysis: Analysis) -> bool:
    """Return whether animals were found in few frames, or with low confidence in most."""
    confidence = analysis.poses["confidence"].values
    shown = confidence[np.isfinite(confidence)]
    few = analysis.frames_with_animals < FEW * analysis.poses.sizes["time"]
    return few or float(np.median(shown)) < UNSURE


class Analyzers:
    """The analyzer of each video: one for all, or with ``model="auto"`` the one with the best model.

    Parameters
    ----------
    model
        As of :class:`~superanimal.inference.Analyzer`, or ``"auto"``.
    **options
        Further arguments of :class:`~superanimal.inference.Analyzer`.

    Raises
    ------
    InputError
        A detector or offsets were given, which belong to one model, but no model was named.
    """

    def __init__(self, model: str | os.PathLike[str] | PoseNetwork = AUTO, **options: Any) -> None:
        self.auto = isinstance(model, str) and model == AUTO
        self.options = options
        self._made: dict[str, Analyzer] = {}
        self._chosen: dict[Path, Choice] = {}
        for name in ("detector", "offsets"):
            if self.auto and options.get(name) is not None:
                raise InputError(
                    f"{name} was given, but no model",
                    f"a {name.rstrip('s')} belongs to one model",
                    f"name the model{option('model')}",
                )
        self._first = self._analyzer(embedded_models()[0]) if self.auto else Analyzer(model, **options)

    def store_path(self, video: Path) -> Path:
        """Return where the run store of a video would lie with the first model in question."""
        return self._first.store_path(video)

    def of(self, video: Path, progress: Progress | None = None) -> Analyzer:
        """Return the analyzer for a video.

        With ``"auto"``, a resumed run of the video keeps its model; otherwise the model is chosen from the
        frames and reported to ``progress``.
        """
        if not self.auto:
            return self._first
        names = embedded_models()
        if self._first.resume:
            begun = [name for name in names if self._analyzer(name).store_path(video).exists()]
            if len(begun) == 1:
                return self._analyzer(begun[0])
        choice = self.choose(video)
        (progress or Progress()).message(choice.sentence(video.name))
        return self._analyzer(choice.model)

    def going_on(self, store: Path) -> Analyzer:
        """Return the analyzer of a run that has begun in a store."""
        return self._analyzer(RunStore.open(store).attrs["identity"]["model"]) if self.auto else self._first

    def run(
        self, video: Path, progress: Progress | None = None, analyzer: Analyzer | None = None
    ) -> Analysis:
        """Analyse one video, and report to ``progress`` if another model might be better.

        Parameters
        ----------
        analyzer
            From :meth:`of` or :meth:`going_on`; by default that of the video.
        """
        progress = progress or Progress()
        analyzer = analyzer or self.of(video, progress)
        analysis = analyzer.run(video, progress)
        if analyzer.detector is not None and analyzer.model.entry.embedded and doubtful(analysis):
            progress.message(self._advice(video, analyzer, analysis))
        return analysis

    def _advice(self, video: Path, analyzer: Analyzer, analysis: Analysis) -> str:
        """Return advice for a run with few or uncertain animals."""
        used, frames = analyzer.model.entry, analysis.poses.sizes["time"]
        found = f"{analysis.frames_with_animals} of {frames} frames"
        said = f"{video.name}: {used.name} is not confident about the animals (found in {found})"
        choice = self.choose(video)
        if choice.clear and choice.model != used.name:
            return f"{said}; this looks like the animal of {choice.model}: name that model{option('model')}"
        catalog = load_catalog()
        released = [
            entry.name for entry in catalog.of_kind("pose") if entry.space == used.space and entry.released
        ]
        call = by_caller(
            f"superanimal.download({released[0]!r}, accept_license=True)",
            f"superanimal models download {released[0]} --accept-license",
            f"choose {released[0]} in the list of models",
        )
        return (
            f"{said}; label 10 frames and fine-tune, or try a larger model (read its licence first): {call}"
        )

    def choose(self, video: Path) -> Choice:
        """Return the embedded model that best recognises the animals in a sample of frames of a video."""
        if video in self._chosen:
            return self._chosen[video]
        seen: dict[str, np.ndarray] = {}
        settings = self._first.settings
        with open_video(video) as opened:
            frames = sampled_frames(opened, settings.roi)
        for name in embedded_models():
            model = self._made[name].model if name in self._made else name
            finder = Analyzer(model, device=settings.device, backend=self.options.get("backend", AUTO))
            assert finder.search is not None  # every embedded model has floors
            seen[name] = worths(finder.estimator(), frames, None) / finder.search.sure
        means = {name: float(each.mean()) for name, each in seen.items()}
        best = max(means, key=lambda name: round(means[name], 2))  # the first one where nothing is seen
        self._chosen[video] = Choice(best, means, means[best] >= CLEAR)
        return self._chosen[video]

    def _analyzer(self, name: str) -> Analyzer:
        """Return the analyzer of an embedded model, created once."""
        if name not in self._made:
            self._made[name] = Analyzer(name, **self.options)
        return self._made[name]
