from __future__ import annotations

import numpy as np
import pandas as pd
from walks import poses_of

from superanimal.gait import analyze
from superanimal.gait.result import GaitResult
from superanimal.gait.stances import stances_of, standing
from superanimal.synth.gaits import generate


def test_stances_are_those_of_the_truth_at_the_edges_too() -> None:
    truth = generate("walk", fps=120, noise=0.3, strides=5)
    end = float(truth.time[-1])
    stances = stances_of(analyze(poses_of(truth)), end)
    limbs = list(truth.contacts)
    found = standing(stances, "animal0", limbs, truth.time)
    for k, limb in enumerate(limbs):
        contacts, lifts = truth.contacts[limb], truth.lifts[limb]
        since = np.searchsorted(np.sort(np.concatenate([contacts, lifts])), truth.time)
        first_is_lift = lifts.min() < contacts.min()
        true = (since % 2 == 0) if first_is_lift else (since % 2 == 1)
        assert (found[:, k] == true).mean() > 0.97, limb


def test_a_stance_at_a_gap_ends_there_and_bears_the_reason_of_its_stride() -> None:
    def events(*rows: tuple[str, float]) -> pd.DataFrame:
        return pd.DataFrame(
            [{"individual": "a", "limb": "l", "event": name, "time_s": time} for name, time in rows]
        )

    empty = pd.DataFrame()
    result = GaitResult(
        events(("lift", 1.0), ("contact", 2.0), ("lift", 3.0), ("contact", 4.0)),
        pd.DataFrame([{"individual": "a", "limb": "l", "start_s": 2.0, "refused": "turning"}]),
        empty,
        empty,
        pd.DataFrame(
            [
                {"individual": "a", "limb": "l", "start_s": 0.0, "end_s": 0.5, "reason": "low confidence"},
                {"individual": "a", "limb": "l", "start_s": 2.2, "end_s": 2.8, "reason": "low confidence"},
                {"individual": "a", "limb": "l", "start_s": 4.5, "end_s": 6.0, "reason": "low confidence"},
            ]
        ),
    )
    stances = stances_of(result, 6.0)
    assert stances[["start_s", "end_s", "refused"]].values.tolist() == [
        [0.5, 1.0, ""], [2.0, 2.2, "turning"], [2.8, 3.0, "turning"], [4.0, 4.5, ""],
    ]  # fmt: skip
