"""From probabilities to labels: weights of rare classes, the most likely sequence, and the shortest bout."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from superanimal.behavior.descriptors.windows import window_statistics
from superanimal.best_path import best_path

STRENGTHS = (1.0, 0.3, 0.1)
"""How much a frame counts in the sequence beside the chance of a change: frames in a row are not independent
pieces of evidence, so less than 1."""
SMOOTH = 1.0
"""Seconds over which probabilities of single frames are averaged."""
FACTORS = (0.5, 0.7, 0.85, 1.2, 1.4, 2.0)


@dataclass(frozen=True)
class Decision:
    """How labels follow from probabilities.

    Attributes
    ----------
    weights
        (C,) factors of the probabilities, which find rare classes.
    rates
        (C, C) changes per second from class to class in the training labels; None: each frame by itself.
    strength
        Share of a frame's evidence that counts in the sequence.
    by_frames
        Whether the probabilities are those of single frames, smoothed over a second, instead of those in
        context: where recordings differ much, the context of some says little about that of others.
    shortest_s, gap_s
        Bouts shorter than this go to the more likely neighbour; gaps up to this are filled first.
    """

    weights: np.ndarray
    rates: np.ndarray | None = None
    strength: float = 1.0
    by_frames: bool = False
    shortest_s: float = 0.0
    gap_s: float = 0.0

    def codes(self, probability: np.ndarray, time: np.ndarray) -> np.ndarray:
        """Return the class of each frame, (T,), from probabilities (T, C) of one recording."""
        scores = self.scores(probability)
        if self.rates is None:
            codes = scores.argmax(axis=1)
        else:
            (codes,) = most_likely_sequences([self.strength * scores], [time], self.rates)
        if self.gap_s > 0:
            codes = _without_runs(codes, scores, time, self.gap_s, gaps=True)
        return _without_runs(codes, scores, time, self.shortest_s) if self.shortest_s > 0 else codes

    def scores(self, probability: np.ndarray) -> np.ndarray:
        """Return logarithms (T, C) of the weighted probabilities (T, C)."""
        return np.log(np.maximum(probability, 1e-6)) + np.log(self.weights)

    def to_dict(self) -> dict[str, Any]:
        """Return JSON-serialisable data."""
        return {
            "weights": self.weights.tolist(),
            "rates": None if self.rates is None else self.rates.tolist(),
            "strength": self.strength, "by_frames": self.by_frames,
            "shortest_s": self.shortest_s, "gap_s": self.gap_s,
        }  # fmt: skip

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Decision:
        """Return what :meth:`to_dict` wrote."""
        rates = data["rates"]
        return cls(
            np.array(data["weights"]), None if rates is None else np.array(rates), float(data["strength"]),
            bool(data["by_frames"]), float(data["shortest_s"]), float(data["gap_s"]),
        )  # fmt: skip


@dataclass
class Counter:
    """Counts how long each class lasts and how often it changes to each other one."""

    classes: int
    seconds: np.ndarray = field(init=False)
    changes: np.ndarray = field(init=False)

    def __post_init__(self) -> None:
        self.seconds = np.zeros(self.classes)
        self.changes = np.zeros((self.classes, self.classes))

    def add(self, codes: np.ndarray, time: np.ndarray) -> None:
        """Add one recording: codes (T,), -1 where left out, and seconds (T,)."""
        now, then, step = codes[:-1], codes[1:], np.diff(time)
        both = (now >= 0) & (then >= 0)
        np.add.at(self.seconds, now[both], step[both])
        moved = both & (now != then)
        np.add.at(self.changes, (now[moved], then[moved]), 1)

    def rates(self) -> np.ndarray:
        """Return changes per second, (C, C), with half a change added to each pair."""
        changes = self.changes + 0.5
        np.fill_diagonal(changes, 0)
        return np.asarray(changes / np.maximum(self.seconds, 1.0)[:, None])


def most_likely_sequences(
    scores: Sequence[np.ndarray], times: Sequence[np.ndarray], rates: np.ndarray
) -> list[np.ndarray]:
    """Return the most likely sequence of classes of each recording, (T,).

    Parameters
    ----------
    scores
        (T, C) logarithms of each frame's evidence, for each recording.
    times
        (T,) seconds, for each recording.
    rates
        (C, C) changes per second.
    """
    steps = [np.round(np.diff(time, prepend=time[:1]), 6) for time in times]
    known = np.unique(np.concatenate(steps))
    stays = np.where(np.eye(len(rates), dtype=bool), 0, -np.inf)  # after the end of a recording
    changes = np.stack([*(_log_changes(rates, float(step)) for step in known), stays])
    longest, count = max(map(len, scores)), len(scores)
    evidence = np.zeros((longest, count, len(rates)))
    kind = np.full((longest, count), len(known))
    for k, (own, step) in enumerate(zip(scores, steps, strict=True)):
        evidence[: len(own), k], kind[: len(own), k] = own, np.searchsorted(known, step)
    paths = best_path(evidence, lambda t: changes[kind[t]])
    return [path[: len(own)] for path, own in zip(paths.T, scores, strict=True)]


def _log_changes(rates: np.ndarray, step: float) -> np.ndarray:
    chance = 1 - np.exp(-rates * step)
    stay = np.maximum(1 - chance.sum(axis=1), 0.05)
    np.fill_diagonal(chance, stay)
    return np.asarray(np.log(np.maximum(chance, 1e-12)))


def _without_runs(
    codes: np.ndarray, scores: np.ndarray, time: np.ndarray, least: float, *, gaps: bool = False
) -> np.ndarray:
    """Give short runs to a neighbour: with ``gaps``, only those between two runs of one class."""
    codes = codes.copy()
    step = float(np.median(np.diff(time))) if len(time) > 1 else 0.0
    while True:
        starts = np.flatnonzero(np.diff(codes, prepend=-1) != 0)
        ends = np.append(starts[1:], len(codes))
        lasting = time[ends - 1] - time[starts] + step
        order = np.argsort(lasting, kind="stable")
        for k in order:
            if lasting[k] >= least - 1e-9 or len(starts) == 1:
                return codes
            before = codes[starts[k] - 1] if k else None
            after = codes[ends[k]] if ends[k] < len(codes) else None
            if gaps and (before is None or before != after):
                continue
            near = [code for code in (before, after) if code is not None]
            rows = slice(starts[k], ends[k])
            codes[rows] = max(near, key=lambda code: float(scores[rows, code].sum()))
            break
        else:
            return codes


def smoothed(probability: np.ndarray, time: np.ndarray) -> np.ndarray:
    """Return geometric means of probabilities (T, C) of single frames over a second."""
    logs = np.log(np.maximum(probability, 1e-2)).T.astype(np.float32)
    means = np.exp(window_statistics(logs, time, [SMOOTH], deviations=False)[0].T)
    return np.asarray(means / means.sum(axis=1, keepdims=True))


def macro_f1(truth: np.ndarray, found: np.ndarray, classes: int) -> float:
    """Return the mean F1 over the classes that occur in the truth."""
    scores = f1_of_classes(truth, found, classes)
    return float(np.nanmean(scores)) if np.isfinite(scores).any() else float("nan")


def f1_of_classes(truth: np.ndarray, found: np.ndarray, classes: int) -> np.ndarray:
    """Return F1 of each class, (C,); NaN for one that the truth lacks."""
    table = np.bincount(truth * classes + found, minlength=classes * classes).reshape(classes, classes)
    hits = np.diag(table).astype(float)
    total = table.sum(axis=0) + table.sum(axis=1)
    return np.asarray(np.where(table.sum(axis=1) > 0, 2 * hits / np.maximum(total, 1), np.nan))


def choose_weights(probability: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Return factors (C,) of probabilities (n, C) with which the labels have the best macro F1.

    Starts from the square root of each class's rarity, and is kept within a factor of 10 of it.
    """
    classes = probability.shape[1]
    share = np.bincount(truth, minlength=classes) / max(len(truth), 1)
    start = 1 / np.sqrt(np.maximum(share, 1e-3))
    start /= start.mean()
    weights = start.copy()
    best = macro_f1(truth, (probability * weights).argmax(axis=1), classes)
    for _ in range(3):
        before = best
        for k in range(classes):
            for factor in FACTORS:
                tried = weights.copy()
                tried[k] *= factor
                if not 0.1 < tried[k] / start[k] < 10:
                    continue
                score = macro_f1(truth, (probability * tried).argmax(axis=1), classes)
                if score > best + 5e-4:
                    best, weights = score, tried
        if best <= before + 1e-3:
            break
    return weights


def choose_decision(
    recordings: Sequence[tuple[np.ndarray, np.ndarray, np.ndarray]], rates: np.ndarray
) -> tuple[Decision, float]:
    """Return the decision with the best macro F1 on recordings out of fold, and that F1.

    Parameters
    ----------
    recordings
        For each, probabilities (T, C), codes (T,) with -1 where left out, and seconds (T,).
    rates
        Changes per second, see :class:`Counter`.
    """
    recordings = [each for each in recordings if (each[1] >= 0).any()] or recordings
    truth = np.concatenate([codes for _, codes, _ in recordings])
    every = np.concatenate([probability for probability, _, _ in recordings])
    kept = truth >= 0
    weights = choose_weights(every[kept], truth[kept])
    candidates = [Decision(weights)]
    candidates += [Decision(weights, rates, strength) for strength in STRENGTHS]
    scores = [candidates[0].scores(probability) for probability, _, _ in recordings]
    paths = most_likely_sequences(
        [strength * each for strength in STRENGTHS for each in scores],
        [time for _, _, time in recordings] * len(STRENGTHS),
        rates,
    )
    found = np.concatenate([*(each.argmax(axis=1) for each in scores), *paths]).reshape(len(candidates), -1)
    f1 = [macro_f1(truth[kept], one[kept], every.shape[1]) for one in found]
    best = int(np.argmax(f1))
    return candidates[best], f1[best]
