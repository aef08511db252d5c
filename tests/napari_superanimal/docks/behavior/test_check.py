"""What the dock says about labels before a classifier learns from them."""

from __future__ import annotations

import pytest
from mice_that_act import acting

from napari_superanimal.docks.behavior.check import checked_labels
from napari_superanimal.docks.behavior.session import BehaviorSession
from superanimal.behavior import bouts_of
from superanimal.poses import seconds


@pytest.fixture
def session() -> BehaviorSession:
    poses, labels = acting(0, 1800)
    session = BehaviorSession(poses, None, None)
    names = sorted(set(labels))
    bouts = bouts_of(labels[:, None] == names, seconds(poses, None, "a test"), names)
    for one in bouts.itertuples():
        session.add(one.label, one.start_s, one.end_s)
    return session


def test_labels_that_come_late_are_told_and_moved(session: BehaviorSession) -> None:
    poses, before = acting(0, 1800)[0], session.bouts
    assert checked_labels(session, poses, "")[1] == 0
    session.shift(0.7)
    said, shift, rater = checked_labels(session, poses, "")
    assert shift == pytest.approx(-0.7, abs=0.1) and "after the motion" in said and rater == ""
    session.shift(shift)
    assert session.bouts["start_s"].iloc[3] == pytest.approx(before["start_s"].iloc[3], abs=0.1)
    assert session.bouts["end_s"].max() <= session.edges[-1]


def test_raters_are_compared(session: BehaviorSession) -> None:
    session.label_as("ann")
    first = session.bouts
    session.rater = "bo"
    for one in first.itertuples():
        session.add(one.label, one.start_s, one.end_s)
    session.shift(1.0, "bo")
    said, shift, rater = checked_labels(session, acting(0, 1800)[0], "")
    assert "aligned 1.00" in said or "aligned 0.9" in said
    assert (rater, shift) in (("bo", pytest.approx(-1.0, abs=0.1)), ("ann", pytest.approx(1.0, abs=0.1)))
