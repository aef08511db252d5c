"""The limbs of one animal on a common time base, the input of all detectors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import xarray as xr

from superanimal.errors import InputError
from superanimal.gait.chain import chain
from superanimal.gait.contact_state import contact_states
from superanimal.gait.ground import Ground, find_ground, settle, speed_over
from superanimal.gait.limbs import Limb, body_points
from superanimal.gait.passage import passage
from superanimal.gait.swaps import exchanged, pairs_of
from superanimal.gait.tracks import Track, find_period, make_track, regular_grid

LEAST_CONFIDENCE = 0.6
"""Minimum confidence of the points used, as everywhere in this project."""


@dataclass(frozen=True)
class Recording:
    """One animal.

    Attributes
    ----------
    individual
        Its name.
    time, frame
        (T,) times in seconds from frame 0, and frame numbers.
    grid
        (G,) regular times in seconds.
    limbs
        The limbs.
    tracks
        For each limb, a track for each of its points.
    period
        Stride duration in seconds; None without a rhythm.
    ground
        Motion of the ground in the image.
    body
        (G, 2) trunk position in pixels, up to a constant; None without trunk points.
    exchanged
        Frames in which a left and a right foot bore each other's name.
    elsewhere
        (T,) where another animal is followed, see :mod:`superanimal.gait.passage`.
    """

    individual: str
    time: np.ndarray
    frame: np.ndarray
    grid: np.ndarray
    limbs: tuple[Limb, ...]
    tracks: tuple[tuple[Track, ...], ...]
    period: float | None
    ground: Ground
    body: np.ndarray | None
    elsewhere: np.ndarray
    exchanged: int = 0

    @property
    def step(self) -> float:
        """Seconds between grid points."""
        return float(self.grid[1] - self.grid[0])

    def over_ground(self, limb: int, point: int) -> tuple[np.ndarray, np.ndarray]:
        """Return the usable times (n,) of a point and its positions (n, 2) relative to the ground."""
        track = self.tracks[limb][point]
        t = track.time[track.usable]
        path = np.stack([np.interp(t, self.grid, self.ground.path[:, axis]) for axis in range(2)], axis=1)
        return t, track.position[track.usable] - path

    def noise(self, limb: int) -> float:
        """Return the standard deviation of the noise of a limb's points, pixels.

        From second differences while the foot hardly moves: their lower quartile, 0.319 standard deviations
        of a normal one.
        """
        bends: list[float] = []
        for track in self.tracks[limb]:
            bend = np.diff(track.position, n=2, axis=0)
            bends += np.abs(bend[np.isfinite(bend)]).tolist()
        return float(np.percentile(bends, 25) / 0.319 / np.sqrt(6)) if bends else 0.0

    def speed_of(self, limb: int) -> float | None:
        """Return the ground speed of a limb in pixels per second; None for less than a stride."""
        span = round((self.period or 0) / self.step)
        speeds: list[float] = []
        for track in self.tracks[limb]:
            way = track.smooth - self.ground.path
            if 0 < span < len(way):
                both = track.whole[span:] & track.whole[:-span]
                speeds += (
                    np.linalg.norm(way[span:] - way[:-span], axis=1)[both] / (span * self.step)
                ).tolist()
        return float(np.median(speeds)) if speeds else None


def make_recording(poses: xr.Dataset, individual: str, limbs: Sequence[Limb], time: np.ndarray) -> Recording:
    """Clean the points of one animal and estimate its rhythm and the motion of the ground.

    Raises
    ------
    InputError
        When time does not increase, or there are fewer than 8 frames.
    """
    if len(time) < 8:
        raise InputError(f"{len(time)} frames", "at least 8 frames are needed")
    if not (np.diff(time) > 0).all():
        at = int(np.flatnonzero(np.diff(time) <= 0)[0])
        raise InputError(f"time goes from {time[at]:g} s to {time[at + 1]:g} s", "time must increase")
    one = poses.sel(individual=individual)
    names = [str(name) for name in one["keypoint"].values]
    position = one["position"].transpose("time", "keypoint", "space").values.astype(np.float64)
    confidence = one["confidence"].transpose("time", "keypoint").values
    sure = ~(confidence < LEAST_CONFIDENCE)  # unknown counts as confident
    elsewhere = ~passage(position, sure, time)
    sure[elsewhere] = False
    mended = _mend(position, sure, time, names, limbs)
    grid = regular_grid(time)
    step = float(grid[1] - grid[0])

    def read(name: str, period: float | None) -> Track:
        k = names.index(name)
        return make_track(time, position[:, k], sure[:, k], grid, period)

    def all_tracks(period: float | None) -> tuple[tuple[Track, ...], ...]:
        return tuple(tuple(read(name, period) for name in limb.keypoints) for limb in limbs)

    def series(tracks: tuple[tuple[Track, ...], ...]) -> tuple[list[np.ndarray], list[np.ndarray]]:
        flat = [track for each in tracks for track in each]
        return [track.velocity for track in flat], [track.whole for track in flat]

    period = find_period(*series(all_tracks(None)), step)
    tracks = all_tracks(period)
    period = find_period(*series(tracks), step) or period
    velocities, wholes = series(tracks)
    ground = find_ground(velocities, wholes, step, period)
    if ground.kind == "moving":
        for _ in range(2):
            stands = [
                contact_states(speed_over(ground, v, whole), step, period) & whole
                for v, whole in zip(velocities, wholes, strict=True)
            ]
            ground = settle(ground, velocities, stands, step, period)
    if period is not None and (going := _travel(tracks, ground, grid, period)) is not None:
        travel, speed = going
        tracks = tuple(
            tuple(_own_points(track, ground, travel, speed, period) for track in each) for each in tracks
        )
        velocities, wholes = series(tracks)
        period = find_period(velocities, wholes, step) or period
    body = _trunk([read(name, period) for name in body_points(names, limbs)], step)
    frames = one["frame"].values
    limbs = tuple(limbs)
    return Recording(individual, time, frames, grid, limbs, tracks, period, ground, body, elsewhere, mended)


def _mend(
    position: np.ndarray, sure: np.ndarray, time: np.ndarray, names: Sequence[str], limbs: Sequence[Limb]
) -> int:
    """Exchange left and right feet back, in place; return in how many frames."""
    wrong = np.zeros(len(time), bool)
    for pair in pairs_of(limbs):
        both = [names.index(name) for name in pair]
        seen = np.where(sure[:, both, None], position[:, both], np.nan)
        rows = exchanged(time, seen[:, 0], seen[:, 1])
        there = np.flatnonzero(rows)[:, None]
        for values in (position, sure):
            values[there, both] = values[there, both[::-1]]
        wrong |= rows
    return int(wrong.sum())


MOST_OWN = 0.65
"""A point that is the limb's own in fewer frames than this share is left as it is."""
STRAIGHT = 0.9
"""Way from the first to the last place over the length of the path, for an animal that goes one way."""


def _travel(
    tracks: tuple[tuple[Track, ...], ...], ground: Ground, grid: np.ndarray, period: float
) -> tuple[np.ndarray, float] | None:
    """Return the direction of travel (2,) and the speed in pixels per second; None when it changes."""
    slopes = []
    for track in (track for each in tracks for track in each):
        if track.whole.sum() >= 8:
            t, way = grid[track.whole], (track.smooth - ground.path)[track.whole]
            third = max(2, len(t) // 3)
            first, last = np.median(way[:third], axis=0), np.median(way[-third:], axis=0)
            slopes.append((last - first) / (np.median(t[-third:]) - np.median(t[:third])))
    if not slopes:
        return None
    slope = np.median(slopes, axis=0)
    speed = float(np.linalg.norm(slope))
    agree = np.array(slopes) @ slope / max(speed, 1e-9) ** 2
    if speed <= 0 or not ((agree > 0.5) & (agree < 2)).mean() >= STRAIGHT:
        return None
    travel, ways = slope / speed, list[np.ndarray]()
    for track in (track for each in tracks for track in each):
        way = ((track.smooth - ground.path) @ travel)[track.whole]
        span = max(1, round(1.5 * period / (grid[1] - grid[0])))
        ahead = way[span:] - way[:-span]
        if len(ahead) > 4 and np.mean(ahead > 0) < STRAIGHT:
            return None
        ways.append(ahead)
    ahead = np.concatenate(ways)
    fast = float(np.percentile(ahead, 90)) / (1.5 * period) if ahead.size else 0.0
    return travel, max(speed, fast)  # it may stand for a while


def _own_points(track: Track, ground: Ground, travel: np.ndarray, speed: float, period: float) -> Track:
    path = np.stack([np.interp(track.time, track.grid, ground.path[:, axis]) for axis in range(2)], axis=1)
    position, own = chain(track.time, track.position - path, track.usable, travel, speed, period)
    if (own & track.usable).sum() < MOST_OWN * track.usable.sum():
        return track  # it does not move in one direction
    return make_track(track.time, position + path, own, track.grid, period)


def _trunk(tracks: list[Track], step: float) -> np.ndarray | None:
    """Return the path of the median velocity of the trunk's points, (G, 2); NaN where none is seen."""
    if not tracks:
        return None
    velocities = np.stack([np.where(track.whole[:, None], track.velocity, np.nan) for track in tracks])
    seen = np.isfinite(velocities[..., 0]).any(axis=0)
    if not seen.any():
        return None
    median = np.zeros(velocities.shape[1:])
    median[seen] = np.nanmedian(velocities[:, seen], axis=0)
    path = np.cumsum(median, axis=0) * step
    path[~seen] = np.nan
    return path
