"""Tracklets: detections of consecutive frames that are certainly one animal.

Frame by frame, detections are assigned to the tracklets where the learned motion expects them. A link is
made only if every other explanation of the frame is far less likely; where it is not, all that take part
end, and the decision is left to :mod:`superanimal.tracking.identities`, which sees what comes later.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import linear_sum_assignment
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import connected_components

from superanimal.tracking.detections import Detections, centres_of, pose_distance
from superanimal.tracking.motion import ROUGH, SMOOTHING, Motion, velocities

CERTAIN = 7.0
"""A link is certain if the best explanation without it is exp(7), a thousand times, less likely."""
LONGEST_GAP = 3.0
"""Steps for which an animal may be missed within a tracklet."""
REMEMBERED = 16.0
"""Steps for which an animal that was lost may be the one that is found in another's place."""
STEADY = 5
"""Detections of which the first and the last pose of a tracklet are made: one alone may be partly wrong."""
TOUCHING = 1.0
"""Animals closer than this share of their size may be found as one: where their number changes, tracklets
end."""
CHANGE = -3.0
"""Log probability that an animal is missed in a frame, and that a detection is a new one: one in twenty
each."""


@dataclass(frozen=True)
class Tracklet:
    """Some detections of one animal.

    Attributes
    ----------
    members : (n,) int
        Indices of the detections in order of time.
    anchor : int
        Individual that a person gave it, -1 if none did.
    start, end : float
        Time in steps of its first and last detection.
    first, last : int
        The same, counted in frames with any detection.
    head, tail : (K, 2)
        First and last pose, evened out over some detections; keypoints that are not seen there come from the
        nearest frame that has them.
    entering, leaving : (2,)
        Velocity in pixels a step at its first and last detection.
    """

    members: np.ndarray
    anchor: int
    start: float
    end: float
    first: int
    last: int
    head: np.ndarray
    tail: np.ndarray
    entering: np.ndarray
    leaving: np.ndarray

    def __len__(self) -> int:
        return len(self.members)


class _Track:
    """A tracklet that is still growing.

    A keypoint that leaves the others, by more than ``wild`` pixels, is on another animal more often than
    not: it is believed when it is there again.
    """

    def __init__(self, member: int, points: np.ndarray, time: float, wild: float) -> None:
        self.members = [member]
        self.points, self.time, self.velocity = points, time, np.zeros(2)
        self.wild = wild
        self.doubtful = np.zeros(len(points), dtype=bool)

    def add(self, member: int, points: np.ndarray, time: float) -> None:
        step = points - self.points
        seen = np.isfinite(step[:, 0])
        gone = max(time - self.time, 1e-6)
        moved = np.median(step[seen], axis=0) if seen.any() else np.zeros(2)
        share = 1.0 if len(self.members) == 1 else SMOOTHING
        self.velocity = self.velocity + share * (moved / gone - self.velocity)
        astray = seen & (np.linalg.norm(np.nan_to_num(step - moved), axis=-1) > self.wild) & ~self.doubtful
        kept = np.isnan(points[:, 0]) | astray
        self.points = np.where(kept[:, None], self.points + moved, points)
        self.doubtful = astray
        self.members.append(member)
        self.time = time


def make_tracklets(found: Detections, motion: Motion) -> list[Tracklet]:
    """Cut the recording into tracklets, in order of their starts.

    Parameters
    ----------
    found
        Detections without duplicates.
    motion
        How the animals move.
    """
    done: list[list[int]] = []
    open_: list[_Track] = []
    gone: list[_Track] = []  # ended a moment ago: an animal that may be about to reappear
    held: dict[int, tuple[list[int], float]] = {}  # runs of detections that a person named
    for frame in found.frames():
        time = float(found.time[frame[0]])
        named = frame[found.anchor[frame] >= 0]
        for i in named.tolist():
            run, last = held.get(int(found.anchor[i]), ([], -np.inf))
            if time - last > LONGEST_GAP:
                run = []
                done.append(run)
            run.append(i)
            held[int(found.anchor[i])] = (run, time)
        for name in set(held) - set(found.anchor[named].tolist()):
            del held[name]  # others in between may be the same animal
        frame = frame[found.anchor[frame] < 0]
        lost = [track for track in open_ if time - track.time > LONGEST_GAP]
        done += [track.members for track in lost]
        gone = [track for track in [*gone, *lost] if time - track.time <= REMEMBERED]
        open_ = [track for track in open_ if time - track.time <= LONGEST_GAP]
        links, ended = _link(open_, gone, frame, found, motion, time)
        ended |= _named(open_, found.points[named], motion, time)
        links = [(i, j) for i, j in links if i not in ended]
        for i, j in links:
            open_[i].add(int(frame[j]), found.points[frame[j]], time)
        done += [open_[i].members for i in ended]
        gone += [open_[i] for i in ended]
        open_ = [track for i, track in enumerate(open_) if i not in ended]
        linked = {j for _, j in links}
        fresh = [int(member) for j, member in enumerate(frame) if j not in linked]
        if gone and fresh:
            back = {i for i, _ in _best(_gain(gone, found.points[fresh], motion, time)[1])[1]}
            gone = [track for i, track in enumerate(gone) if i not in back]
        open_ += [_Track(member, found.points[member], time, ROUGH * found.size) for member in fresh]
    done += [track.members for track in open_]
    moment = np.unique(found.time, return_inverse=True)[1]
    tracklets = [_finished(np.array(members), found, moment) for members in done]
    return sorted(tracklets, key=lambda each: (each.start, each.end, tuple(centres_of(each.head[None])[0])))


def _link(
    tracks: list[_Track],
    gone: list[_Track],
    frame: np.ndarray,
    found: Detections,
    motion: Motion,
    time: float,
) -> tuple[list[tuple[int, int]], set[int]]:
    """Return the certain pairs of track and detection, and the tracks that take part in uncertain ones."""
    if not tracks or not len(frame):
        return [], set()
    apart, gain = _gain(tracks, found.points[frame], motion, time)
    likely = gain > -CERTAIN
    pairs: list[tuple[int, int, bool]] = []
    alone = likely & (likely.sum(1) == 1)[:, None] & (likely.sum(0) == 1)[None]
    pairs += [(int(i), int(j), bool(gain[i, j] > CERTAIN)) for i, j in np.argwhere(alone & (gain > 0))]
    for i, j in _parts(likely & ~alone):
        pairs += [(int(i[a]), int(j[b]), sure) for a, b, sure in _decide(gain[np.ix_(i, j)])]
    if gone:  # it is rather one that was lost
        other = _gain(gone, found.points[frame], motion, time)[1].max(0)
        pairs = [(i, j, sure and bool(gain[i, j] > other[j])) for i, j, sure in pairs]
    # one animal less or more where animals touch: they were found as one, or one was
    near = apart < TOUCHING * found.size
    near[[i for i, _, _ in pairs]] &= False
    merged = {j for _, j in np.argwhere(near)}
    near = apart < TOUCHING * found.size
    near[:, [j for _, j, _ in pairs]] &= False
    parted = {i for i, _ in np.argwhere(near)}
    links = [(i, j) for i, j, sure in pairs if sure and j not in merged and i not in parted]
    going = {i for i, _ in links}
    ended = {i for i, _, _ in pairs if i not in going}
    rivals = (
        (apart[:, sorted(merged)] < TOUCHING * found.size).any(1) if merged else np.zeros(len(tracks), bool)
    )
    return links, ended | (set(np.flatnonzero(rivals).tolist()) - going)


def _parts(likely: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return the tracks and detections of each group that likely pairs (n, m) hold together."""
    if not likely.any():
        return []
    n, m = likely.shape
    rows, columns = np.nonzero(likely)
    graph = csr_matrix((np.ones(len(rows)), (rows, columns + n)), shape=(n + m, n + m))
    label = connected_components(graph, directed=False)[1]
    groups = np.unique(label[rows])
    return [(np.flatnonzero(label[:n] == group), np.flatnonzero(label[n:] == group)) for group in groups]


def _named(tracks: list[_Track], named: np.ndarray, motion: Motion, time: float) -> set[int]:
    """Return the tracks that may go on in one of the poses (n, K, 2) that a person named."""
    if not tracks or not len(named):
        return set()
    _, gain = _gain(tracks, named, motion, time)
    return {int(i) for i in np.flatnonzero((gain > 0).any(1))}


def _gain(
    tracks: list[_Track], points: np.ndarray, motion: Motion, time: float
) -> tuple[np.ndarray, np.ndarray]:
    """Return two arrays (tracks, n): the distance in pixels of each pair, and its gain in log likelihood.

    The gain is that over "the animal is missed, and another appears anywhere".
    """
    gone = np.array([time - track.time for track in tracks])
    velocity = np.stack([track.velocity for track in tracks])
    expected = np.stack([track.points for track in tracks]) + motion.moved(velocity, gone)[:, None]
    apart = pose_distance(expected[:, None], points[None])
    return apart, motion.usual(apart, gone[:, None]) + np.log(motion.area) - 2 * CHANGE


def _decide(gain: np.ndarray) -> list[tuple[int, int, bool]]:
    """Return the pairs of the best assignment, and whether each is certain."""
    total, pairs = _best(gain)
    decided = []
    for a, b in pairs:
        without = gain.copy()
        without[a, b] = -np.inf
        decided.append((a, b, total - _best(without)[0] > CERTAIN))
    return decided


def _best(gain: np.ndarray) -> tuple[float, list[tuple[int, int]]]:
    worth = np.maximum(gain, 0.0)
    a, b = linear_sum_assignment(-worth)
    pairs = [(int(i), int(j)) for i, j in zip(a, b, strict=True) if gain[i, j] > 0]
    return float(sum(gain[i, j] for i, j in pairs)), pairs


def _finished(members: np.ndarray, found: Detections, moment: np.ndarray) -> Tracklet:
    points, times = found.points[members], found.time[members]
    window = 8  # frames that tell the velocity and fill unseen keypoints
    first, last = points[:window], points[-window:]
    return Tracklet(
        members,
        int(found.anchor[members[0]]),
        float(times[0]),
        float(times[-1]),
        int(moment[members[0]]),
        int(moment[members[-1]]),
        _steady(first),
        _steady(last[::-1]),
        -velocities(first[::-1], -times[:window][::-1])[-1],  # of the film run backwards
        velocities(last, times[-window:])[-1],
    )


def _steady(points: np.ndarray) -> np.ndarray:
    """Return the first pose (K, 2) of (n, K, 2), made of the median of the first :data:`STEADY`, moved to it.

    Keypoints that none of them has come from the following poses.
    """
    pose = points[0].copy()
    moved = [pose]
    for later in points[1:]:
        if len(moved) >= STEADY and not np.isnan(pose).any():
            break
        shift = pose - later
        seen = np.isfinite(shift[:, 0])
        moved.append(later + (np.median(shift[seen], axis=0) if seen.any() else 0.0))
        pose = np.where(np.isfinite(pose), pose, moved[-1])
    several = np.stack(moved[:STEADY])
    some = np.isfinite(several[..., 0]).any(0)
    pose[some] = np.nanmedian(several[:, some], axis=0)
    return pose
