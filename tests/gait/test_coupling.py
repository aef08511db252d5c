from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from walks import poses_of

from superanimal.gait import analyze, find_limbs
from superanimal.gait.coupling import COUPLING, coupling_table, pairs_of, rayleigh
from superanimal.synth.gaits import generate

FEET = ["left_hind_paw", "right_hind_paw", "left_fore_paw", "right_fore_paw"]


def test_pairs_of_a_quadruped_and_of_a_biped() -> None:
    assert [(pair, a.name, b.name) for pair, a, b in pairs_of(find_limbs(FEET))] == [
        ("left–right", "left_hind", "right_hind"),
        ("left–right", "left_fore", "right_fore"),
        ("hind–fore", "left_hind", "left_fore"),
        ("hind–fore", "right_hind", "right_fore"),
        ("diagonal", "left_hind", "right_fore"),
        ("diagonal", "right_hind", "left_fore"),
    ]
    assert len(pairs_of(find_limbs(["left_heel", "right_heel"]))) == 1


def test_the_phases_of_a_trot_lie_in_their_intervals() -> None:
    table = analyze(poses_of(generate("trot", fps=60, noise=0.5, strides=6))).coupling
    assert table.columns.tolist() == COUPLING
    true = table["pair"].map({"left–right": 0.5, "hind–fore": 0.5, "diagonal": 0.0})
    off = (table["phase"] - true + 0.5) % 1 - 0.5
    assert off.abs().max() < 0.03
    assert (table["concentration"] > 0.98).all()
    assert (table["rayleigh_p"] < 0.01).all()
    assert (table["low"] < table["phase"]).all() and (table["phase"] < table["high"]).all()


def test_phases_at_random_show_no_coupling() -> None:
    phases = pd.DataFrame(
        {
            "individual": "a",
            "reference": "left_hind",
            "limb": "right_hind",
            "phase": np.arange(20) / 20,
        }
    )
    row = coupling_table(phases, "a", find_limbs(FEET)).iloc[0]
    assert row["concentration"] == pytest.approx(0, abs=1e-9)
    assert row["rayleigh_p"] > 0.9
    assert coupling_table(phases, "b", find_limbs(FEET)).empty


def test_rayleigh_is_the_chance_in_random_phases() -> None:
    rng = np.random.default_rng(0)
    lengths = np.abs(np.exp(2j * np.pi * rng.random((20000, 8))).mean(axis=1))
    for length in (0.3, 0.5, 0.7):
        assert rayleigh(length, 8) == pytest.approx((lengths >= length).mean(), abs=0.01)
