"""Curves of features."""

from __future__ import annotations

import numpy as np

from napari_superanimal.docks.behavior.feature_tab import thinned


def test_a_long_curve_keeps_its_extremes_and_its_gaps() -> None:
    time, values = np.arange(100_000) / 100, np.sin(np.arange(100_000) / 5_000)
    values[70_001], values[40_000:50_000] = 9.0, np.nan
    seconds, shown = thinned(time, values, 1_000)
    assert len(seconds) <= 1_000 and (np.diff(seconds) > 0).all()
    assert np.nanmax(shown) == 9.0 and seconds[np.nanargmax(shown)] == 700.01
    assert np.isnan(shown[(seconds > 405) & (seconds < 495)]).all()


def test_a_short_curve_stays_as_it_is() -> None:
    time, values = np.arange(10.0), np.arange(10.0)
    assert thinned(time, values)[1] is values
