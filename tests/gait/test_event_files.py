from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from walks import poses_of

import superanimal
from superanimal.errors import FormatError, InputError, NotFoundError
from superanimal.gait import GaitResult, read_events, write_boris
from superanimal.synth.gaits import GaitTruth, generate


def truth_events(truth: GaitTruth) -> pd.DataFrame:
    kinds = (("contact", truth.contacts), ("lift", truth.lifts))
    rows = [[limb, kind, t] for kind, times in kinds for limb, own in times.items() for t in own]
    return pd.DataFrame(rows, columns=["limb", "event", "time_s"])


def test_events_by_hand_are_used_instead_of_a_detector(tmp_path: Path) -> None:
    truth = generate("walk", fps=30, noise=0.5, strides=5)
    truth_events(truth).to_csv(tmp_path / "mine.csv", index=False)
    result = superanimal.gait.analyze(poses_of(truth), events=tmp_path / "mine.csv")
    assert result.facts["detector"] == "by hand"
    assert len(result.events) == len(truth_events(truth))
    kept = result.strides[result.strides["refused"] == ""]
    assert len(kept) >= 10
    assert kept["duty_factor"].to_numpy() == pytest.approx(truth.duty, abs=1e-6)
    assert set(kept["gait"]) == {"walk"}


def test_stances_come_back_from_boris(tmp_path: Path) -> None:
    poses = poses_of(generate("walk", fps=60, noise=0.3, strides=4))
    result = superanimal.gait.analyze(poses)
    back = read_events(write_boris(result, tmp_path / "boris.tsv"))
    for limb, own in result.events.groupby("limb"):
        for kind in ("contact", "lift"):
            times = np.sort(own.loc[own["event"] == kind, "time_s"])
            found = np.sort(back.loc[(back["limb"] == limb) & (back["event"] == kind), "time_s"])
            assert all(np.abs(found - t).min() < 1e-3 for t in times)
    again = superanimal.gait.analyze(poses, events=tmp_path / "boris.tsv")
    assert len(back) > len(again.events) == len(result.events)  # no contact is seen in the first frame


def test_stances_whose_lift_was_not_seen_are_not_written_for_boris(tmp_path: Path) -> None:
    times = (("lift", 1.0), ("contact", 2.0), ("lift", 3.0), ("contact", 4.0))
    rows = [{"individual": "a", "limb": "l", "event": kind, "time_s": time} for kind, time in times]
    gap = {"individual": "a", "limb": "l", "start_s": 4.5, "end_s": 6.0, "reason": "low confidence"}
    strides = pd.DataFrame(columns=["individual", "limb", "start_s", "refused"])
    empty = pd.DataFrame()
    result = GaitResult(pd.DataFrame(rows), strides, empty, empty, pd.DataFrame([gap]))
    table = read_events(write_boris(result, tmp_path / "b.tsv", end_s=6.0))
    assert table["time_s"].tolist() == [0.0, 1.0, 2.0, 3.0]


def test_tabular_events_of_boris(tmp_path: Path) -> None:
    (tmp_path / "b.csv").write_text(
        "Observation id,Subject,Behavior,Behavior type,Time\no,No focal subject,left,START,0.5\n"
        "o,No focal subject,left,STOP,1.25\n"
    )
    table = read_events(tmp_path / "b.csv")
    assert table.to_numpy().tolist() == [["", "left", "contact", 0.5], ["", "left", "lift", 1.25]]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("limb,when\nleft,1\n", r"e\.csv: there is no column event, time_s among limb, when"),
        ("limb,event,time_s\nleft,contact,1\nleft,landing,2\n", r"row 3: event 'landing' at '2'"),
        ("limb,event,time_s\nleft,contact,soon\n", r"row 2: event 'contact' at 'soon'"),
        ("Behavior,Subject\nleft,a\n", r"BORIS exports Start \(s\) and Stop \(s\)"),
    ],
)
def test_other_tables_are_refused(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "e.csv").write_text(text)
    with pytest.raises(FormatError, match=message):
        read_events(tmp_path / "e.csv")


def test_events_of_other_limbs_and_animals_are_refused(tmp_path: Path) -> None:
    truth = generate("walk", fps=30, strides=3)
    events = truth_events(truth).assign(individual="")
    with pytest.raises(InputError, match="the events are of wing"):
        superanimal.gait.analyze(poses_of(truth), events=events.assign(limb="wing"))
    with pytest.raises(InputError, match="the events are of Bo"):
        superanimal.gait.analyze(poses_of(truth), events=events.assign(individual="Bo"))
    with pytest.raises(InputError, match="one table of events for 2 files"):
        superanimal.gait.analyze([poses_of(truth)] * 2, events=events)
    with pytest.raises(NotFoundError, match=r"none\.csv"):
        superanimal.gait.analyze(poses_of(truth), events=tmp_path / "none.csv")
