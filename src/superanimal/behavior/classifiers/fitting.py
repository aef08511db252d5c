"""Fitting classifiers to recordings, and how good they are out of fold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from superanimal.behavior.classifiers.head import FOLDS, Head, Validation, fit_head
from superanimal.behavior.classifiers.sequences import Sampled, Unit, sample
from superanimal.behavior.classifiers.settings import Settings
from superanimal.behavior.descriptors.recording import Recording
from superanimal.progress import Progress


@dataclass(frozen=True)
class Fitted:
    """What fitting gives.

    Attributes
    ----------
    features
        Names of the F features, in order.
    heads
        One, or one for each label that may hold with others.
    scores
        F1 out of fold, frames and number of groups of each class.
    by_group
        Macro F1 of each group when it was left out.
    notes
        What limits it, in sentences.
    """

    features: tuple[str, ...]
    heads: tuple[Head, ...]
    scores: pd.DataFrame
    by_group: pd.DataFrame
    notes: list[str]


def fit_model(
    recordings: Sequence[Recording],
    units: Sequence[Unit],
    settings: Settings,
    progress: Progress | None = None,
) -> Fitted:
    """Fit a model, with cross-validation by group.

    Parameters
    ----------
    recordings
        All with the same keypoints.
    units
        What is learnt from them.
    """
    progress = progress or Progress()
    samples, features = sample(recordings, units, settings.preset, progress)
    notes = list(dict.fromkeys(note for recording in recordings for note in recording.notes))
    if len({unit.group for unit in units}) == 1:
        notes.append(
            f"All labels are of one recording: the scores are from {FOLDS} parts of it, each left out in "
            "turn, and are better than those of another animal or video would be."
        )
    heads, found = list[Head](), list[Validation]()
    for classes, own in decisions(samples, settings):
        head, validation = fit_head(own, classes, settings.estimator, progress)
        heads.append(_with_lengths(head, settings))
        found.append(validation)
    if settings.multilabel:
        f1 = np.array([each.f1[1] for each in found])
        frames = np.sum([one.codes[one.learnt].sum(axis=0) for one in samples], axis=0)
    else:
        f1 = found[0].f1
        codes = np.concatenate([one.codes[one.learnt] for one in samples])
        frames = np.bincount(codes, minlength=len(settings.classes))
    by_group = {
        name: float(np.nanmean([each.by_group.get(name, np.nan) for each in found]))
        for name in found[0].by_group
    }
    scores = _scores(settings, f1, frames, samples)
    groups = pd.DataFrame({"group": list(by_group), "macro_f1": list(by_group.values())})
    notes += _limits(scores)
    return Fitted(features, tuple(heads), scores, groups, notes)


def decisions(samples: Sequence[Sampled], settings: Settings) -> list[tuple[tuple[str, ...], list[Sampled]]]:
    """Return classes and units of each decision: one, or one for each label that may hold with others."""
    if not settings.multilabel:
        return [(settings.classes, list(samples))]
    return [
        ((f"not {label}", label), [replace(one, codes=one.codes[:, k].astype(int)) for one in samples])
        for k, label in enumerate(settings.classes)
    ]


def _with_lengths(head: Head, settings: Settings) -> Head:
    lengths = replace(head.decision, shortest_s=settings.shortest_s, gap_s=settings.gap_s)
    return replace(head, decision=lengths)


def _scores(
    settings: Settings, f1: np.ndarray, frames: np.ndarray, samples: Sequence[Sampled]
) -> pd.DataFrame:
    holding = []
    for k in range(len(settings.classes)):
        with_label = {
            one.group
            for one in samples
            if (one.codes[one.learnt][:, k] if settings.multilabel else one.codes[one.learnt] == k).any()
        }
        holding.append(len(with_label))
    return pd.DataFrame(
        {"label": settings.classes, "f1": f1, "frames": frames.astype(int), "groups": holding}
    )


def _limits(scores: pd.DataFrame) -> list[str]:
    notes = []
    for _, row in scores.iterrows():
        if row["groups"] == 1 and len(scores):
            notes.append(f"{row['label']}: labelled in one recording only, so its score says little.")
        if not row["f1"] >= 0.5:
            notes.append(f"{row['label']}: F1 {row['f1']:.2f} out of fold; do not rely on it.")
    return notes
