"""One decision between classes: a classifier, its calibration in context, and how labels follow."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from superanimal.behavior.classifiers.context import Context, fit_context, inputs
from superanimal.behavior.classifiers.estimators import ENSEMBLE, Mean, make_estimator
from superanimal.behavior.classifiers.sequences import Sampled
from superanimal.behavior.classifiers.smoothing import (
    Counter,
    Decision,
    choose_decision,
    f1_of_classes,
    macro_f1,
    smoothed,
)
from superanimal.behavior.classifiers.temporal import TemporalNetwork, fit_network
from superanimal.progress import Progress

FOLDS = 4
"""Parts of the cross-validation, at most; every group is in one part."""
FITTED = 8_000
"""Rows to which a classifier is fitted at most: all of the rare classes, evenly spaced ones of the others."""


@dataclass(frozen=True)
class Head:
    """A fitted decision between C classes.

    Attributes
    ----------
    classes
        C names.
    estimator
        Probabilities of single frames from features.
    context, decision
        What follows.
    network
        Looks along time; its probabilities are averaged with those of single frames.
    """

    classes: tuple[str, ...]
    estimator: Mean
    context: Context
    decision: Decision
    network: TemporalNetwork | None = None

    def look(self, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return what is needed of a block of frames: probabilities (n, C), and (n, W) for the network."""
        embedded = np.zeros((len(values), 0)) if self.network is None else self.network.embed(values)
        return spread(self.estimator, values, len(self.classes)), embedded

    def raw(self, blocks: Sequence[tuple[np.ndarray, np.ndarray]], time: np.ndarray) -> np.ndarray:
        """Return the probabilities (T, C) of a recording from all its blocks, see :meth:`look`."""
        single, embedded = (np.concatenate(each) for each in zip(*blocks, strict=True))
        if self.network is None:
            return single
        return np.asarray((single + self.network.probability(embedded, time)) / 2)

    def codes(self, raw: np.ndarray, calibrated: np.ndarray, time: np.ndarray) -> np.ndarray:
        """Return the class of each frame (T,) of one recording, from both kinds of probabilities (T, C)."""
        return self.decision.codes(smoothed(raw, time) if self.decision.by_frames else calibrated, time)


@dataclass(frozen=True)
class Validation:
    """What cross-validation found for a head.

    Attributes
    ----------
    f1
        (C,) F1 of each class over all frames out of fold; NaN for a class in no recording.
    confusion
        (C, C) frames, truth in rows.
    by_group
        Macro F1 of each group.
    probability
        For each unit, (n, C) calibrated and out of fold.
    """

    f1: np.ndarray
    confusion: np.ndarray
    by_group: dict[str, float]
    probability: list[np.ndarray]


def spread(estimator: Mean, values: np.ndarray, classes: int) -> np.ndarray:
    """Return probabilities (n, classes), 0 for classes that the estimator never saw."""
    out = np.zeros((len(values), classes))
    if len(values):
        out[:, estimator.classes_.astype(int)] = estimator.predict_proba(values)
    return out


def few_of_each(codes: np.ndarray, most: int = FITTED) -> np.ndarray:
    """Return the rows, at most about ``most``, that hold every row of the classes that have few."""
    if len(codes) <= most:
        return np.arange(len(codes))
    counts = np.bincount(codes)
    left, each = most, 0
    order = np.argsort(counts)
    for place, code in enumerate(order):  # what rare classes do not use is shared by the others
        each = left // (len(order) - place)
        left -= min(each, int(counts[code]))
    rows = []
    for code in range(len(counts)):
        own = np.flatnonzero(codes == code)
        rows.append(own[:: max(1, -(-len(own) // max(each, 1)))])
    return np.sort(np.concatenate(rows))


def folds_of(samples: Sequence[Sampled]) -> list[np.ndarray]:
    """Return for each unit the fold of each row, (n,); groups stay together where there are several."""
    groups: dict[str, int] = {}
    for one in samples:
        groups[one.group] = groups.get(one.group, 0) + int(one.learnt.sum())
    if len(groups) == 1:  # parts of the one recording
        return [np.arange(len(one.time)) * FOLDS // max(len(one.time), 1) for one in samples]
    load = np.zeros(min(FOLDS, len(groups)))
    fold: dict[str, int] = {}
    for name in sorted(groups, key=lambda name: (-groups[name], name)):
        fold[name] = int(load.argmin())
        load[fold[name]] += groups[name]
    return [np.full(len(one.time), fold[one.group]) for one in samples]


def fit_head(
    samples: Sequence[Sampled], classes: Sequence[str], estimator: str, progress: Progress
) -> tuple[Head, Validation]:
    """Fit a head to units whose codes are classes (n,), with cross-validation."""
    n = len(classes)
    folds = folds_of(samples)
    count = max(int(fold.max()) for fold in folds if len(fold)) + 1
    progress.start(count + 1, "training", "fits")
    raw, along = ([np.zeros((len(one.time), n)) for one in samples] for _ in range(2))
    networks = estimator == ENSEMBLE
    for k in range(count):
        progress.check()
        chosen = [fold != k for fold in folds]
        fitted = fit_rows(samples, chosen, estimator)
        network = fit_network(samples, chosen, n, fitted, progress) if networks else None
        networks = network is not None
        for out, by_network, one, fold in zip(raw, along, samples, folds, strict=True):
            out[fold == k] = spread(fitted, one.values[fold == k], n)
            if network is not None and (fold == k).any():
                by_network[fold == k] = network.probability(network.embed(one.values), one.time)[fold == k]
        progress.advance()
    if networks:
        both = [(a + b) / 2 for a, b in zip(raw, along, strict=True)]
        networks = _plain_f1(samples, both) > _plain_f1(samples, raw)
        raw = both if networks else raw
    context, calibrated = _context(samples, raw, folds, count, n)
    codes = [np.where(one.learnt, one.codes, -1) for one in samples]
    times = [one.time for one in samples]
    everywhere = [np.ones(len(fold), bool) for fold in folds]
    single = [smoothed(p, time) for p, time in zip(raw, times, strict=True)]
    decision = _decide(single, calibrated, codes, times, folds)
    found = [np.zeros(len(fold), int) for fold in folds]
    for k in range(count):  # what a decision made without the fold finds in it
        own = _decide(single, calibrated, codes, times, folds, without=k)
        probability = single if own.by_frames else calibrated
        for result, p, time, fold in zip(found, probability, times, folds, strict=True):
            if (fold == k).any():
                result[fold == k] = own.codes(p, time)[fold == k]
    fitted = fit_rows(samples, everywhere, estimator)
    network = fit_network(samples, everywhere, n, fitted, progress) if networks else None
    head = Head(tuple(classes), fitted, context, decision, network)
    progress.advance()
    return head, _validate(samples, codes, found, calibrated, n)


def _plain_f1(samples: Sequence[Sampled], probability: Sequence[np.ndarray]) -> float:
    """Return the macro F1 of the likeliest class of each frame."""
    truth = np.concatenate([one.codes[one.learnt] for one in samples])
    found = np.concatenate(
        [p[one.learnt].argmax(axis=1) for p, one in zip(probability, samples, strict=True)]
    )
    return macro_f1(truth, found, probability[0].shape[1])


def _decide(
    single: Sequence[np.ndarray],
    calibrated: Sequence[np.ndarray],
    codes: Sequence[np.ndarray],
    times: Sequence[np.ndarray],
    folds: Sequence[np.ndarray],
    without: int = -1,
) -> Decision:
    """Return the best decision for the rows of all units outside of one fold.

    A fitted decision must find more in the other folds, each left out of fitting in turn, than the plain one,
    the likeliest class of single frames: what helps some recordings may harm others.
    """
    classes = single[0].shape[1]
    chosen = [fold != without for fold in folds]
    fitted = _fit_decision(single, calibrated, codes, times, chosen)
    parts = sorted({int(k) for fold in folds for k in np.unique(fold)} - {without})
    if len(parts) < 2:
        return fitted
    plain = Decision(np.ones(classes), by_frames=True)
    truth, found, found_plainly = list[np.ndarray](), list[np.ndarray](), list[np.ndarray]()
    for part in parts:
        rest = [rows & (fold != part) for rows, fold in zip(chosen, folds, strict=True)]
        own = _fit_decision(single, calibrated, codes, times, rest)
        for one, p, in_context, time, fold in zip(codes, single, calibrated, times, folds, strict=True):
            rows = (fold == part) & (one >= 0)
            if rows.any():
                truth.append(one[rows])
                found.append(own.codes(p if own.by_frames else in_context, time)[rows])
                found_plainly.append(plain.codes(p, time)[rows])
    if not truth:
        return fitted
    scores = [
        macro_f1(np.concatenate(truth), np.concatenate(each), classes) for each in (found, found_plainly)
    ]
    return fitted if scores[0] > scores[1] else plain


def _fit_decision(
    single: Sequence[np.ndarray],
    calibrated: Sequence[np.ndarray],
    codes: Sequence[np.ndarray],
    times: Sequence[np.ndarray],
    chosen: Sequence[np.ndarray],
) -> Decision:
    """Return the decision that is best for the chosen rows of all units, from single frames or in context."""
    own = [np.where(rows, each, -1) for rows, each in zip(chosen, codes, strict=True)]
    counter = Counter(calibrated[0].shape[1])
    for each, time in zip(own, times, strict=True):
        counter.add(each, time)
    rates = counter.rates()
    in_context, f1 = choose_decision(list(zip(calibrated, own, times, strict=True)), rates)
    by_frames, f1_by_frames = choose_decision(list(zip(single, own, times, strict=True)), rates)
    return replace(by_frames, by_frames=True) if f1_by_frames > f1 else in_context


def fit_rows(samples: Sequence[Sampled], chosen: Sequence[np.ndarray], estimator: str) -> Mean:
    """Fit an estimator to the chosen rows (n,) of each unit that are to be learnt."""
    rows = [mask & one.learnt for one, mask in zip(samples, chosen, strict=True)]
    values = np.concatenate([one.values[mask] for one, mask in zip(samples, rows, strict=True)])
    codes = np.concatenate([one.codes[mask] for one, mask in zip(samples, rows, strict=True)])
    chosen_rows = few_of_each(codes)
    values, codes = values[chosen_rows], codes[chosen_rows]
    if len(np.unique(codes)) < 2:
        estimator = "majority"
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module="sklearn")
        return make_estimator(estimator).fit(values, codes)


def _context(
    samples: Sequence[Sampled],
    raw: Sequence[np.ndarray],
    folds: Sequence[np.ndarray],
    count: int,
    classes: int,
) -> tuple[Context, list[np.ndarray]]:
    """Return the context of all rows, and what contexts fitted without each fold give for it."""
    inside = [inputs(p, one.time) for p, one in zip(raw, samples, strict=True)]
    learnt = [one.learnt for one in samples]

    def fitted(chosen: list[np.ndarray]) -> Context:
        rows = [a & b for a, b in zip(chosen, learnt, strict=True)]
        return fit_context(
            np.concatenate([x[mask] for x, mask in zip(inside, rows, strict=True)]),
            np.concatenate([one.codes[mask] for one, mask in zip(samples, rows, strict=True)]),
            classes,
        )

    whole = fitted([np.ones(len(fold), bool) for fold in folds])
    out = [np.zeros_like(p) for p in raw]
    for k in range(count):
        context = fitted([fold != k for fold in folds])
        for p, result, one, fold in zip(raw, out, samples, folds, strict=True):
            mask = fold == k
            if mask.any():
                result[mask] = context.apply(p, one.time)[mask]
    return whole, out


def _validate(
    samples: Sequence[Sampled],
    codes: Sequence[np.ndarray],
    found: Sequence[np.ndarray],
    probability: list[np.ndarray],
    classes: int,
) -> Validation:
    kept = [own >= 0 for own in codes]
    t = np.concatenate([own[rows] for own, rows in zip(codes, kept, strict=True)])
    f = np.concatenate([own[rows] for own, rows in zip(found, kept, strict=True)])
    names = [np.full(int(rows.sum()), one.group, object) for one, rows in zip(samples, kept, strict=True)]
    g = np.concatenate(names)
    confusion = np.bincount(t * classes + f, minlength=classes * classes).reshape(classes, classes)
    by_group = {
        str(name): float(np.nanmean(f1_of_classes(t[g == name], f[g == name], classes)))
        for name in np.unique(g)
    }
    return Validation(f1_of_classes(t, f, classes), confusion, by_group, probability)
