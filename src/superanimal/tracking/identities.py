"""Which tracklets are the same individual: the most likely explanation of the whole recording.

An explanation gives every tracklet to one of N individuals, or drops it. It is as likely as the motion over
the gaps (:mod:`superanimal.tracking.motion`) and the looks (:mod:`superanimal.tracking.shape`) make it. An
individual is never at two places at once, so that there are never more than N animals in a frame.

The search starts where most animals are seen apart for longest, which says who is who, and goes from there
to the end and to the beginning. Explanations that agree on the last tracklet of every individual have the
same future: only the best of them is kept (Viterbi), the probabilities of all are summed (forward-backward).
Thus a decision is made late, and each tracklet gets the probability that its individual is the right one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import permutations

import numpy as np

from superanimal.progress import Progress
from superanimal.tracking.detections import pose_distance
from superanimal.tracking.motion import Motion
from superanimal.tracking.shape import NOTABLE, Looks
from superanimal.tracking.tracklets import CHANGE, Tracklet

BEAM = 300
"""Explanations that are kept."""
FAR_BEHIND = 30.0
"""Explanations that are exp(30) times less likely than the best are given up."""
BIRTH = -10.0
"""Log probability that a tracklet is an individual that was never seen before."""
SPURIOUS = 2.5
"""Log likelihood that a good detection loses when it is dropped: one detection in twelve is no animal."""
PERSISTING = 0.25
"""The same for each beyond the first :data:`LASTING`: what is wrong for long is likely to stay wrong."""
LASTING = 16
ROUNDS = 4
"""Looks are learned from the individuals, and the individuals from the looks, at most this often."""
CONTRAST = 1.0
"""Looks count if animals differ so much more than one animal does from time to time, as a ratio of
variances. Generated animals of one shape reach 0.5, of shapes that vary by 8 % 1.2 to 10."""
TRUSTED = 0.8
"""Probability of a tracklet's individual from which its looks are learned."""
MOMENT = 6
"""Shorter tracklets are made where animals touch; their places may be wrong."""
DROPPED = -1


@dataclass(frozen=True)
class Identities:
    """The individuals of S tracklets.

    Attributes
    ----------
    who : (S,) int
        Individual, -1 if dropped.
    confidence : (S,) float64
        Probability that it is the right one, 0..1.
    """

    who: np.ndarray
    confidence: np.ndarray


@dataclass(frozen=True)
class _Film:
    """The tracklets as seen when the film runs forwards or backwards."""

    start: np.ndarray
    end: np.ndarray
    first: np.ndarray
    last: np.ndarray
    head: np.ndarray
    tail: np.ndarray
    entering: np.ndarray
    leaving: np.ndarray
    single: np.ndarray
    lasting: np.ndarray
    anchor: np.ndarray
    loss: np.ndarray

    def backwards(self) -> _Film:
        return replace(
            self,
            start=-self.end,
            end=-self.start,
            first=-self.last,
            last=-self.first,
            head=self.tail,
            tail=self.head,
            entering=-self.leaving,
            leaving=-self.entering,
        )


@dataclass
class _Step:
    """What was tried for one tracklet: explanation before, choice, explanation after, gain."""

    tracklet: int
    parent: np.ndarray
    choice: np.ndarray
    child: np.ndarray
    gain: np.ndarray
    best: np.ndarray = field(default_factory=lambda: np.zeros(0, int))  # of each child, the edge that made it


def find_identities(
    tracklets: Sequence[Tracklet],
    weights: np.ndarray,
    motion: Motion,
    looks: Looks | None,
    count: int,
    progress: Progress,
) -> Identities:
    """Find the individual of every tracklet.

    Parameters
    ----------
    tracklets
        In order of their starts.
    weights : (S,)
        Number of good detections in each.
    looks
        What the animals look like, if that is known.
    count
        Greatest number of individuals.
    progress
        Can cancel.
    """
    if not tracklets:
        return Identities(np.zeros(0, int), np.zeros(0))
    film = _film(tracklets, weights)
    middle, seeds = _seeds(film, np.array([len(each) for each in tracklets]), count)
    covering = set(np.flatnonzero((film.start <= middle) & (film.end >= middle)).tolist())
    later = np.flatnonzero(film.start > middle)
    earlier = np.flatnonzero(film.end < middle)
    earlier = earlier[np.lexsort((film.start[earlier], -film.end[earlier]))]
    sides = [(film, later), (film.backwards(), earlier)]
    roots = _roots(film.anchor, seeds, count)
    flat = np.zeros((len(tracklets), count))
    if len(roots) > 1:
        gains = [_Search(side, order, roots, flat, motion, progress).of_roots() for side, order in sides]
        roots = roots[[int(np.argmax(gains[0] + gains[1]))]]
    who = np.full(len(tracklets), DROPPED)
    placed = roots[0] >= 0
    who[roots[0][placed]] = np.flatnonzero(placed)
    confidence = np.where(who >= 0, 1.0, 0.0)
    confidence[sorted(covering - set(seeds))] = 0.0
    known = who.copy()

    def explain(scores: np.ndarray) -> None:
        for side, order in sides:
            _Search(side, order, roots, scores, motion, progress).solve(who, confidence)

    for _ in range(ROUNDS if looks is not None else 0):
        assert looks is not None
        explain(looks.scores(known, count))
        learned = np.where((confidence >= TRUSTED) | np.isin(np.arange(len(who)), seeds), who, DROPPED)
        if (learned == known).all():
            break
        known = learned
    if looks is None or looks.contrast(who, film.start, film.end) < CONTRAST:
        explain(flat)  # animals that cannot be told apart by their looks
    return Identities(who, confidence)


def _film(tracklets: Sequence[Tracklet], weights: np.ndarray) -> _Film:
    loss = SPURIOUS * np.minimum(weights, LASTING) + PERSISTING * np.maximum(weights - LASTING, 0)
    lengths = np.array([len(each) for each in tracklets])
    return _Film(
        np.array([each.start for each in tracklets]),
        np.array([each.end for each in tracklets]),
        np.array([each.first for each in tracklets]),
        np.array([each.last for each in tracklets]),
        np.stack([each.head for each in tracklets]),
        np.stack([each.tail for each in tracklets]),
        np.stack([each.entering for each in tracklets]),
        np.stack([each.leaving for each in tracklets]),
        lengths < 2,
        lengths >= MOMENT,
        np.array([each.anchor for each in tracklets]),
        loss,
    )


def _seeds(film: _Film, lengths: np.ndarray, count: int) -> tuple[float, list[int]]:
    """Return the time at which most animals are seen for longest, and their tracklets."""
    best: tuple[int, float] = (-1, -1.0)
    middle, seeds = 0.0, []
    for time in np.unique(film.start):
        there = np.flatnonzero((film.start <= time) & (film.end >= time))
        ranked = there[np.lexsort((there, -lengths[there], film.anchor[there] < 0))][:count]
        notable = int((lengths[ranked] >= min(4 * NOTABLE, lengths.max())).sum())
        quality = (notable, float(lengths[ranked[: max(notable, 1)]].min()))
        if quality > best:
            best, middle, seeds = quality, float(time), ranked.tolist()
    return middle, seeds


def _roots(anchor: np.ndarray, seeds: list[int], count: int) -> np.ndarray:
    """Return the ways (R, count) to name the seeds: rows of tracklets, -1 for individuals not there.

    Without names set by a person there is one way; otherwise every way that may matter for a name.
    """
    base = np.full(count, -1)
    for seed in seeds:
        if anchor[seed] >= 0:
            base[anchor[seed]] = seed
    loose = [seed for seed in seeds if anchor[seed] < 0]
    free = np.flatnonzero(base < 0).tolist()
    if not (set(free) & set(anchor[anchor >= 0].tolist())):
        base[free[: len(loose)]] = loose
        return base[None]
    roots = []
    for names in permutations(free, len(loose)):
        root = base.copy()
        root[list(names)] = loose
        roots.append(root)
        if len(roots) == BEAM:
            break
    return np.stack(roots)


class _Search:
    """The search from the seeds to one end of the film."""

    def __init__(
        self,
        film: _Film,
        order: np.ndarray,
        roots: np.ndarray,
        scores: np.ndarray,
        motion: Motion,
        progress: Progress,
    ) -> None:
        self.film, self.motion, self.scores = film, motion, scores
        self.count = roots.shape[1]
        named = np.zeros(self.count, dtype=bool)
        named[film.anchor[film.anchor >= 0]] = True
        self.named = named
        # the last column of a state tells which root it comes from
        self.states = np.column_stack([roots, np.arange(len(roots))])
        self.solid = roots.copy()  # the last tracklets that are no mere moments
        self.value = np.zeros(len(roots))
        self.total = np.zeros(len(roots))
        self.steps: list[_Step] = []
        self.totals = [self.total]
        for number, tracklet in enumerate(order.tolist()):
            if number % 100 == 0:
                progress.check()
            self._step(tracklet)

    def of_roots(self) -> np.ndarray:
        """Return the log likelihood of the best explanation from each root."""
        value = np.full(len(self.totals[0]), -np.inf)
        np.maximum.at(value, self.states[:, -1], self.value)
        return value

    def solve(self, who: np.ndarray, confidence: np.ndarray) -> None:
        """Write individual and probability of the tracklets of the best explanation into two arrays (S,)."""
        node = int(np.argmax(self.value))
        ahead = np.zeros(len(self.value))
        for step, before in zip(self.steps[::-1], self.totals[-2::-1], strict=True):
            edge = step.best[node]
            chosen = int(step.choice[edge])
            weight = before[step.parent] + step.gain + ahead[step.child]
            weight = np.exp(weight - weight.max())
            who[step.tracklet] = chosen if chosen < self.count else DROPPED
            confidence[step.tracklet] = weight[step.choice == chosen].sum() / weight.sum()
            behind = np.full(len(before), -np.inf)
            np.logaddexp.at(behind, step.parent, step.gain + ahead[step.child])
            ahead, node = behind, int(step.parent[edge])

    def _step(self, tracklet: int) -> None:
        gain = self._gains(tracklet)
        value = self.value[:, None] + gain
        best = value.max()
        if not np.isfinite(best):  # a person put one individual at two places: the name set here is kept
            gain = np.full_like(gain, -np.inf)
            gain[:, self.film.anchor[tracklet]] = -FAR_BEHIND
            value = self.value[:, None] + gain
            best = value.max()
        parent, choice = np.nonzero(value > best - FAR_BEHIND)
        reached = value[parent, choice]
        if len(parent) > 4 * BEAM:
            keep = np.sort(np.argsort(-reached, kind="stable")[: 4 * BEAM])
            parent, choice, reached = parent[keep], choice[keep], reached[keep]
        states, solid = self.states[parent], self.solid[parent]
        put = np.flatnonzero(choice < self.count)
        states[put, choice[put]] = tracklet
        if self.film.lasting[tracklet]:
            solid[put, choice[put]] = tracklet
        ranks: dict[bytes, int] = {}
        ordered = np.argsort(-reached, kind="stable")
        child = np.full(len(parent), -1)
        first: list[int] = []
        for edge in ordered.tolist():
            key = states[edge].tobytes()
            node = ranks.get(key)
            if node is None:
                if len(ranks) == BEAM:
                    continue
                node = ranks[key] = len(first)
                first.append(edge)
            child[edge] = node
        kept = np.flatnonzero(child >= 0)
        place = np.full(len(parent), -1)
        place[kept] = np.arange(len(kept))
        step = _Step(tracklet, parent[kept], choice[kept], child[kept], gain[parent[kept], choice[kept]])
        step.best = place[first]
        total = np.full(len(first), -np.inf)
        np.logaddexp.at(total, step.child, self.total[step.parent] + step.gain)
        self.steps.append(step)
        self.states, self.solid = states[first], solid[first]
        self.value, self.total = reached[first], total - total.max()
        self.totals.append(self.total)

    def _gains(self, tracklet: int) -> np.ndarray:
        """Return the log likelihood (states, count + 1) of every individual for a tracklet, dropping it last.

        All are relative to an animal that appears anywhere.
        """
        film, states = self.film, self.states[:, :-1]
        last = np.unique([*states[states >= 0], *self.solid[self.solid >= 0]])
        gains = np.full((len(states), self.count + 1), -np.inf)
        if len(last):
            table = np.full(int(last.max()) + 1, -np.inf)
            table[last] = self._links(last, tracklet)
            # after a moment, which may be wrong, what was before it counts as much
            before = np.where((self.solid >= 0) & (self.solid != states), self.solid, states)
            gains[:, :-1] = np.where(states >= 0, (table[states] + table[before]) / 2, -np.inf)
        unused = states < 0
        # nameless individuals that were never seen are alike: only the first of them may appear
        ordinary = unused & ~self.named
        first = ordinary & (np.cumsum(ordinary, axis=1) == 1)
        gains[:, :-1] = np.where(first | (unused & self.named), BIRTH, gains[:, :-1])
        gains[:, :-1] += self.scores[tracklet]
        if film.anchor[tracklet] < 0:
            gains[:, -1] = -film.loss[tracklet]
        else:
            gains[:, np.arange(self.count + 1) != film.anchor[tracklet]] = -np.inf
        return gains

    def _links(self, last: np.ndarray, tracklet: int) -> np.ndarray:
        """Return the log likelihood of the motion from the ends of tracklets (n,) to the start of another."""
        film, motion = self.film, self.motion
        time = film.start[tracklet] - film.end[last]
        gone = np.maximum(time, 1e-6)
        ahead = film.tail[last] + motion.moved(film.leaving[last], gone)[:, None]
        forwards = motion.density(pose_distance(ahead, film.head[tracklet][None]), gone)
        back = film.head[tracklet] - motion.moved(film.entering[tracklet], gone)[:, None]
        backwards = motion.density(pose_distance(film.tail[last], back), gone)
        mean = (forwards + backwards) / 2
        if film.single[tracklet]:
            mean = forwards
        mean = np.where(film.single[last] & ~film.single[tracklet], backwards, mean)
        mean = np.where(time > 0, mean, -np.inf)
        missed = film.first[tracklet] - film.last[last] > 1
        return mean + np.log(motion.area) + np.where(missed, CHANGE, 0.0)
