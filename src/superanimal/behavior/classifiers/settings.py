"""How a classifier is trained."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from superanimal.behavior.descriptors.presets import Preset


@dataclass(frozen=True)
class Settings:
    """How a classifier is trained.

    Attributes
    ----------
    classes
        Names, in the order of codes and probabilities.
    multilabel
        Whether several labels may hold at once.
    actors
        Whether labels say which animal does it.
    estimator
        Name in :data:`superanimal.behavior.classifiers.estimators.ESTIMATORS`.
    preset
        The features.
    fps
        Frames per second of the training recordings.
    shortest_s, gap_s
        See :class:`superanimal.behavior.classifiers.smoothing.Decision`.
    """

    classes: tuple[str, ...]
    multilabel: bool
    actors: bool
    estimator: str
    preset: Preset
    fps: float
    shortest_s: float = 0.0
    gap_s: float = 0.0

    def to_dict(self) -> dict[str, Any]:
        """Return JSON-serialisable data."""
        return {**asdict(self), "preset": self.preset.to_dict()}

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Settings:
        """Return what :meth:`to_dict` wrote."""
        return cls(**{**data, "preset": Preset.from_dict(data["preset"]), "classes": tuple(data["classes"])})
