"""Which features a classifier needs: what it loses when their values are shuffled between frames."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd

from superanimal.behavior.classifiers.fitting import decisions
from superanimal.behavior.classifiers.head import fit_rows, folds_of, spread
from superanimal.behavior.classifiers.model import BehaviorModel
from superanimal.behavior.classifiers.sequences import sample
from superanimal.behavior.classifiers.smoothing import macro_f1
from superanimal.progress import Progress

TESTED = 1500
"""Frames of each part that is left out, at most, evenly spaced."""
_TOWARDS = re.compile(r"(?:low\.|high\.)?(other\.[^.|]+|[^.|]+)")


def importance(model: BehaviorModel, *, progress: Progress | None = None) -> pd.DataFrame:
    """Return how much macro F1 a classifier loses without each kind of feature, and without each feature.

    The classifier is fitted again to all but one part of its training recordings; in that part, the values
    of a feature, with all its windows and rhythms, are shuffled between frames, and the frames are classified
    by themselves. Features that say the same stand in for each other, so that none of them may seem to
    matter: look at kinds first. It takes about as long as training.

    Parameters
    ----------
    model
        From :func:`superanimal.behavior.train` or :func:`superanimal.behavior.load_model`.

    Returns
    -------
    pandas.DataFrame
        ``kind`` (such as ``speed``, ``other.gap``), ``feature`` (such as ``speed.nose``; empty in rows of a
        whole kind), ``columns`` (number of windows, rhythms and lags together), ``loss`` (of macro F1 of
        single frames, mean over the parts) and ``sd`` over the parts; kinds first, largest loss first.

    Examples
    --------
    >>> superanimal.behavior.importance(model).head()  # doctest: +SKIP
    """
    progress = progress or Progress()
    settings = model.settings
    samples, names = sample(model.recordings, model.units, settings.preset, progress)
    shuffled = _groups(names)
    losses: list[list[float]] = [[] for _ in shuffled]
    for classes, own in decisions(samples, settings):
        folds = folds_of(own)
        count = max(int(fold.max()) for fold in folds if len(fold)) + 1
        progress.start(count, "importance", "parts")
        for k in range(count):
            progress.check()
            fitted = fit_rows(own, [fold != k for fold in folds], settings.estimator)
            rows = [(fold == k) & one.learnt for one, fold in zip(own, folds, strict=True)]
            values = np.concatenate([one.values[mask] for one, mask in zip(own, rows, strict=True)])
            codes = np.concatenate([one.codes[mask] for one, mask in zip(own, rows, strict=True)])
            chosen = np.arange(0, len(codes), max(1, -(-len(codes) // TESTED)))
            values, codes = values[chosen], codes[chosen]
            if not len(codes):
                continue
            whole = macro_f1(codes, spread(fitted, values, len(classes)).argmax(axis=1), len(classes))
            order = np.random.default_rng(k).permutation(len(codes))
            for (_, _, columns), loss in zip(shuffled, losses, strict=True):
                progress.check()
                changed = values.copy()
                changed[:, columns] = values[order][:, columns]
                found = spread(fitted, changed, len(classes)).argmax(axis=1)
                loss.append(whole - macro_f1(codes, found, len(classes)))
            progress.advance()
    table = pd.DataFrame(
        {
            "kind": [kind for kind, _, _ in shuffled],
            "feature": [feature for _, feature, _ in shuffled],
            "columns": [len(columns) for _, _, columns in shuffled],
            "loss": [float(np.mean(loss)) for loss in losses],
            "sd": [float(np.std(loss)) for loss in losses],
        }
    )
    order_of = table.assign(single=table["feature"] != "").sort_values(
        ["single", "loss"], ascending=[True, False], kind="stable"
    )
    return order_of.drop(columns="single").reset_index(drop=True)


def kind_of(feature: str) -> str:
    """Return the kind of a feature.

    >>> kind_of("low.speed.nose|mean 0.7 s"), kind_of("other.gap.nose")
    ('speed', 'other.gap')
    """
    found = _TOWARDS.match(feature)
    return found[1] if found else feature


def _groups(names: tuple[str, ...]) -> list[tuple[str, str, list[int]]]:
    """Return kind, feature (empty for a whole kind) and columns of everything that is shuffled."""
    kinds, features = dict[str, list[int]](), dict[str, list[int]]()
    for column, name in enumerate(names):
        kinds.setdefault(kind_of(name), []).append(column)
        features.setdefault(name.split("|")[0], []).append(column)
    return [
        *((kind, "", columns) for kind, columns in kinds.items()),
        *((kind_of(feature), feature, columns) for feature, columns in features.items()),
    ]
