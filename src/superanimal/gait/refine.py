"""Sub-frame timing of contacts and lifts.

How a foot leaves and lands differs between animals and gaits (at once, or ever so softly), so that no
threshold is right for all. A small family of ways is tried at all times round the coarse one, and the time is
the mean over all of them, weighted by how well they explain the points.

* Before a contact, what is left of the foot's way falls as a power of time, forward and up.
* After a lift the foot gains speed along its way for a share of the swing. Before it leaves, it may turn
  about its toe: a point on it goes forward slowly, ever faster, while the toe still stands. Up counts for
  nothing here, because a foot rises in other ways than it swings.

The constants were chosen on the generated gaits of :mod:`superanimal.synth.gaits`: five gaits, four shapes of
swing, feet that turn in none, a fifth and two fifths of the stance, 30 to 240 frames per second, noise of 0.5
and 1 px. Errors named below are from there, in thousandths of a stride.
"""

from __future__ import annotations

import numpy as np

POWERS = (1.0, 1.5, 2.0, 3.0)
"""A foot lands from full speed (1) to a force that falls to nothing (3). Equally likely: with a tenth of the
others' weight for 3, contacts are off by 17.3 (root mean square) instead of 16.0."""
REACH_CONTACT = 0.3
"""The share of the swing in which a power is a fair description: contacts are off by 19, 17, 21 and 23 (root
mean square) for 0.25, 0.3, 0.35 and 0.4."""

RAMPS = (("even", 0.1), ("even", 0.2), ("sine", 0.5), ("soft", 0.25), ("soft", 0.5))
"""How the speed is gained, and in which share of the swing; besides full speed at once. With powers instead,
lifts are off by 42 (root mean square) instead of 34."""
REACH_LIFT = 0.45
"""The share of the swing that is looked at: 34.3, 33.5 and 33.9 for 0.4, 0.45 and 0.5."""
TURNS = 0.3
"""The last share of the stance in which the foot turns: of 0.25, 0.3 and 0.4 it gives the smallest errors.
With no turn thought of, lifts of feet that do turn are timed early by 90."""
TURN_SPEED = 0.6
"""Highest speed of the turn when it ends, over the animal's: a foot that overtakes the trunk swings (Zeni,
Richards and Higginson 2008). Medians are 18 for 0.6, 20 for 1."""
TURNED = 0.2
"""How likely a turn is before the points are seen (0.1 to 0.4 change the medians by less than a tenth)."""


def refine(
    time: np.ndarray,
    position: np.ndarray,
    coarse: float,
    stance: float,
    swing: float,
    *,
    lift: bool,
    travel: np.ndarray,
) -> tuple[float, float]:
    """Return the time of a lift or contact and its standard deviation, seconds.

    Parameters
    ----------
    time, position
        (T,) increasing seconds and (T, 2) pixels relative to the ground; usable samples only.
    coarse
        A first guess.
    stance, swing
        How long the foot stands before (after) and swings after (before) it, seconds.
    lift
        False for a contact.
    travel
        (2,) the way of the swing, pixels.
    """
    sign, reach = (1.0, REACH_LIFT) if lift else (-1.0, REACH_CONTACT)
    t = sign * (time - coarse)
    step = float(np.median(np.abs(np.diff(time))))
    before, after = min(0.6 * stance, 1.2 * swing), max(reach * swing, 3.0 * step)
    near = (t >= -max(before, 3 * step)) & (t <= after)
    size = float(np.linalg.norm(travel))
    if near.sum() < 5 or size <= 0:
        return coarse, step
    t, p = t[near], position[near]
    low, high = max(-0.35 * swing, -0.5 * before), max(0.35 * swing, step)
    start = np.arange(low, high, max(step / 10, (high - low) / 120))
    since = t[None, :] - start[:, None]
    if lift:
        total = _lifts(since, p @ travel / size, stance, swing, size / (stance + swing))
    else:
        total = _contacts(np.maximum(since, 0) / after, p)
    weight = np.exp(total - total.max())
    weight /= weight.sum()
    mean = float((weight * start).sum())
    deviation = float(np.sqrt((weight * (start - mean) ** 2).sum()))
    return coarse + sign * mean, max(deviation, step / 20)


def _contacts(u: np.ndarray, p: np.ndarray) -> np.ndarray:
    """Return how well each start (S,) explains places p (n, 2), for u (S, n) since it."""
    ways = [_centred(u**power) for power in POWERS]
    total = np.zeros(len(u))
    for y in (p - p.mean(axis=0)).T:
        total += np.logaddexp.reduce([_log_odds(_rest(way, y), y) for way in ways], axis=0)
    return total


def _lifts(since: np.ndarray, y: np.ndarray, stance: float, swing: float, speed: float) -> np.ndarray:
    """Return how well each start (S,) explains the way y (n,), for seconds (S, n) since it."""
    y = y - y.mean()
    turns = TURNS * stance
    turn, most = _centred(_turn(since / turns)), TURN_SPEED * speed * turns / 2
    tau = np.maximum(since, 0) / swing
    further = -0.5 * np.log(len(y))  # a further number is fitted
    logs = []
    for way in map(_centred, [tau, *(_ramp(tau, kind, share) for kind, share in RAMPS)]):
        logs.append(np.log(1 - TURNED) + _log_odds(_rest(way, y), y))
        logs.append(np.log(TURNED) + further + _log_odds(_rest_turned(way, turn, y, most), y))
    return np.asarray(np.logaddexp.reduce(logs, axis=0))


def _ramp(tau: np.ndarray, kind: str, share: float) -> np.ndarray:
    """Return the way of a foot that reaches speed 1 after ``share`` of the swing, at ``tau`` of it."""
    x = np.minimum(tau / share, 1)
    if kind == "even":
        way = x * x / 2
    elif kind == "sine":
        way = (1 - np.cos(np.pi / 2 * x)) * 2 / np.pi
    else:
        way = (x - np.sin(np.pi * x) / np.pi) / 2
    return np.asarray(share * way + np.maximum(tau - share, 0))


def _turn(s: np.ndarray) -> np.ndarray:
    """Return the way of a turn that begins at s = -1, has gone 1 at s = 0, and goes on at its speed."""
    return np.where(s < 0, np.maximum(1 + s, 0) ** 2, 1 + 2 * s)


def _centred(x: np.ndarray) -> np.ndarray:
    return np.asarray(x - x.mean(axis=1, keepdims=True))


def _log_odds(rest: np.ndarray, y: np.ndarray) -> np.ndarray:
    return np.asarray(-0.5 * len(y) * np.log(np.maximum(rest, 0) + 1e-5 * (y @ y) + 1e-9))


def _rest(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return what is left of the sum of squares of y (n,) after a fit on each row of x (S, n)."""
    return np.asarray(y @ y - (x @ y) ** 2 / np.maximum((x * x).sum(axis=1), 1e-30))


def _rest_turned(x: np.ndarray, turn: np.ndarray, y: np.ndarray, most: float) -> np.ndarray:
    """Return what is left after a fit on rows of x and turn (S, n), both forward, the turn at most so far."""
    xx, qq, xq = (x * x).sum(axis=1), (turn * turn).sum(axis=1), (x * turn).sum(axis=1)
    xx = np.maximum(xx, 1e-30)
    xy, qy = x @ y, turn @ y
    free = xx * qq - xq**2
    apart = free > 1e-9 * xx * qq
    way = np.clip(np.where(apart, (xx * qy - xq * xy) / np.where(apart, free, 1.0), 0.0), 0.0, most)
    scale = np.maximum((xy - way * xq) / xx, 0)
    return np.asarray(
        y @ y - 2 * scale * xy - 2 * way * qy + scale**2 * xx + way**2 * qq + 2 * scale * way * xq
    )
