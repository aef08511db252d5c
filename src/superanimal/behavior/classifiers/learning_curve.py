"""Would more labels help: scores of classifiers that learnt from part of the recordings."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from superanimal.behavior.classifiers.fitting import decisions
from superanimal.behavior.classifiers.head import fit_rows, folds_of, spread
from superanimal.behavior.classifiers.model import BehaviorModel
from superanimal.behavior.classifiers.sequences import Sampled, sample
from superanimal.behavior.classifiers.smoothing import f1_of_classes
from superanimal.progress import Progress

SIZES = 5
"""Points of the curve, at most."""
PIECES = 12
"""Pieces of a single recording."""


def learning_curve(model: BehaviorModel, *, progress: Progress | None = None) -> pd.DataFrame:
    """Return how good a classifier is that learnt from fewer of the training recordings.

    Each part of the recordings is left out in turn, as in training; some of the others, drawn at random
    (seeded), are learnt from. Of a single recording, pieces are drawn instead. Frames are classified by
    themselves, without the context that a trained model also uses. It takes about as long as training four
    times. While the curve rises at its end, more labelled recordings would help.

    Parameters
    ----------
    model
        From :func:`superanimal.behavior.train` or :func:`superanimal.behavior.load_model`.

    Returns
    -------
    pandas.DataFrame
        One row for each size: ``recordings`` (or other groups), ``minutes`` (labelled, mean), ``macro_f1``,
        ``sd`` (over the parts left out) and a column of F1 for each class.

    Examples
    --------
    >>> superanimal.behavior.learning_curve(model)  # doctest: +SKIP
    """
    progress = progress or Progress()
    settings = model.settings
    samples, _ = sample(model.recordings, model.units, settings.preset, progress)
    pieces = _pieces(samples)
    rows: dict[int, list[tuple[float, float, np.ndarray]]] = {}
    chosen_decisions = decisions(samples, settings)
    for classes, own in chosen_decisions:
        folds = folds_of(own)
        count = max(int(fold.max()) for fold in folds if len(fold)) + 1
        progress.start(count, "learning curve", "parts")
        for k in range(count):
            inside = [np.where(fold == k, "", piece) for fold, piece in zip(folds, pieces, strict=True)]
            names = sorted(set(np.concatenate(inside)) - {""})
            order = np.random.default_rng(k).permutation(names)
            for at, size in enumerate(_sizes(len(names))):
                progress.check()
                chosen = [np.isin(piece, order[:size]) for piece in inside]
                result = _score(own, chosen, folds, k, classes, settings.estimator)
                rows.setdefault(at, []).append((size, *result))
            progress.advance()
    return _table(rows, settings.classes, multilabel=settings.multilabel, single=_one_group(samples))


def _one_group(samples: Sequence[Sampled]) -> bool:
    return len({one.group for one in samples}) == 1


def _pieces(samples: Sequence[Sampled]) -> list[np.ndarray]:
    """Return for each unit the name of the piece of each row, (n,): its group, or a part of the only one."""
    if not _one_group(samples):
        return [np.full(len(one.time), one.group, dtype=object) for one in samples]
    return [
        np.array([f"piece {row * PIECES // len(one.time):02d}" for row in range(len(one.time))], dtype=object)
        for one in samples
    ]


def _sizes(most: int) -> list[int]:
    return sorted({int(size) for size in np.round(np.linspace(1, most, min(SIZES, most)))})


def _score(
    samples: Sequence[Sampled],
    chosen: Sequence[np.ndarray],
    folds: Sequence[np.ndarray],
    fold: int,
    classes: Sequence[str],
    estimator: str,
) -> tuple[float, np.ndarray]:
    """Return the minutes learnt from, and F1 of each class in the part left out."""
    minutes, truth, found = 0.0, list[np.ndarray](), list[np.ndarray]()
    fitted = None
    if any((one.learnt & mask).any() for one, mask in zip(samples, chosen, strict=True)):
        fitted = fit_rows(samples, chosen, estimator)
    for one, mask, own in zip(samples, chosen, folds, strict=True):
        step = float(np.median(np.diff(one.time))) if len(one.time) > 1 else 0.0
        minutes += float((one.learnt & mask).sum()) * step / 60
        rows = (own == fold) & one.learnt
        truth.append(one.codes[rows])
        if fitted is not None:
            found.append(spread(fitted, one.values[rows], len(classes)).argmax(axis=1))
    if fitted is None:
        return minutes, np.full(len(classes), np.nan)
    return minutes, f1_of_classes(np.concatenate(truth), np.concatenate(found), len(classes))


def _table(
    rows: dict[int, list[tuple[float, float, np.ndarray]]],
    classes: Sequence[str],
    *,
    multilabel: bool,
    single: bool,
) -> pd.DataFrame:
    lines = []
    for own in rows.values():
        if multilabel:  # each label has been scored by itself, one after the other
            parts = len(own) // len(classes)
            f1 = np.array([[own[c * parts + p][2][1] for c in range(len(classes))] for p in range(parts)])
        else:
            f1 = np.array([each for _, _, each in own])
        scored = np.isfinite(f1)
        macro = _mean(f1, scored, axis=1)
        line: dict[str, float] = {
            "recordings": 1.0 if single else float(np.mean([size for size, _, _ in own])),
            "minutes": float(np.mean([minutes for _, minutes, _ in own])),
            "macro_f1": float(np.nanmean(macro)) if scored.any() else float("nan"),
            "sd": float(np.nanstd(macro)) if scored.any() else float("nan"),
        }
        lines.append(line | dict(zip(classes, _mean(f1, scored, axis=0).tolist(), strict=True)))
    return pd.DataFrame(lines)


def _mean(values: np.ndarray, scored: np.ndarray, axis: int) -> np.ndarray:
    """Return means of the values that are scored, NaN where none is."""
    count = scored.sum(axis=axis)
    total = np.where(scored, values, 0).sum(axis=axis)
    return np.asarray(np.where(count > 0, total / np.maximum(count, 1), np.nan))
