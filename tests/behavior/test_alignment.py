"""Offsets that were put into labels are found, and refused where they cannot be known."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from superanimal.behavior import align, bouts_of, check_bouts
from superanimal.behavior.bouts import shifted
from superanimal.errors import InputError
from superanimal.poses import make_poses

FPS = 30.0


def sequence(seed: int, frames: int = 6000) -> np.ndarray:
    """Three behaviours that follow each other, (T,) 0..2, bouts of 0.5 to 4 s."""
    rng = np.random.default_rng(seed)
    states, at = np.zeros(frames, dtype=int), 0
    while at < frames:
        length = int(rng.uniform(0.5, 4) * FPS)
        states[at : at + length] = rng.integers(3)
        at += length
    return states


def bouts_from(states: np.ndarray) -> pd.DataFrame:
    times = np.arange(len(states)) / FPS
    return bouts_of(states[:, None] == np.arange(3), times, ["rest", "walk", "run"])


def poses_from(states: np.ndarray, seed: int = 0) -> xr.Dataset:
    """An animal of four points that is as fast as its behaviour, with noise."""
    rng = np.random.default_rng(seed)
    heading = np.cumsum(rng.normal(0, 0.1, len(states)))
    step = np.array([0.0, 1.5, 4.0])[states][:, None] * np.stack([np.cos(heading), np.sin(heading)], axis=1)
    middle = np.cumsum(step, axis=0)
    points = middle[:, :, None] + np.array([[20, 5, -5, -20], [0, 8, -8, 0]])
    noisy = points + rng.normal(0, 0.5, points.shape)
    return make_poses(noisy[..., None], keypoints=list("abcd"), fps=FPS)


@pytest.mark.parametrize("frames", [-75, -7, 0, 11, 200])
def test_an_offset_between_labels_and_motion_is_found_to_two_frames(frames: int) -> None:
    states = sequence(1)
    poses = poses_from(states)
    wrong = shifted(bouts_from(states), frames / FPS)
    shift = align(wrong, poses)
    assert shift.certain, shift.reason
    assert abs(shift.shift_s * FPS + frames) <= 2
    assert shift.fit > shift.fit_before or abs(frames) < 3
    inner = shift.apply(wrong).iloc[5:15].reset_index(drop=True)
    merged = inner.merge(bouts_from(states), on="label", suffixes=("", "_true"))
    nearest = (merged["start_s"] - merged["start_s_true"]).abs().groupby(merged["start_s"]).min()
    assert nearest.max() <= 2 / FPS + 1e-6


@pytest.mark.parametrize("frames", [-120, 4, 90])
def test_an_offset_between_raters_is_found(frames: int) -> None:
    rng = np.random.default_rng(2)
    one = bouts_from(sequence(3))
    jitter = rng.normal(0, 0.1, (2, len(one)))
    other = one.assign(start_s=(one["start_s"] + jitter[0]).clip(lower=0), end_s=one["end_s"] + jitter[1])
    other = other[other["end_s"] > other["start_s"]]
    shift = align(shifted(other, frames / FPS), one, fps=FPS)
    assert shift.certain and abs(shift.shift_s * FPS + frames) <= 2
    assert shift.error_s < 0.1


def test_labels_of_another_recording_are_refused() -> None:
    shift = align(bouts_from(sequence(4)), bouts_from(sequence(5)), fps=FPS)
    assert not shift.certain and shift.reason
    moved = bouts_from(sequence(4))
    pd.testing.assert_frame_equal(shift.apply(moved), moved)
    assert not align(bouts_from(sequence(4)), poses_from(sequence(5))).certain


def test_a_rhythm_has_no_single_offset() -> None:
    states = (np.arange(6000) // 45) % 2
    shift = align(shifted(bouts_from(states), 0.5), bouts_from(states), fps=FPS)
    assert not shift.certain and shift.reason


def test_another_frame_rate_is_no_constant_offset() -> None:
    one = bouts_from(sequence(6, frames=18000))
    faster = one.assign(start_s=one["start_s"] * 1.01, end_s=one["end_s"] * 1.01)
    shift = align(faster, one, fps=FPS)
    assert not shift.certain and shift.reason


def test_too_little_is_refused() -> None:
    assert "too few" in align(bouts_from(sequence(1, 200)), bouts_from(sequence(1, 200)), fps=FPS).reason
    still = check_bouts(pd.DataFrame({"start_s": [0.0], "end_s": [60.0], "label": ["rest"]}))
    assert "nothing changes" in align(still, poses_from(sequence(1, 1800))).reason
    with pytest.raises(InputError, match="labels that both use"):
        align(still, still.assign(label="sleep"))
    with pytest.raises(InputError, match="no poses of 'Bo'"):
        align(still, poses_from(sequence(1, 1800)), individual="Bo")
