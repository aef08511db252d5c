"""What is on show of a gait analysis, without a screen."""

from __future__ import annotations

import pytest
from walks import poses_of

from napari_superanimal.docks.gait.session import GaitSession
from superanimal.gait import analyze
from superanimal.synth.gaits import generate


@pytest.fixture(scope="module")
def analysed() -> tuple:
    poses = poses_of(generate("walk", fps=60, noise=0.5, strides=5))
    return analyze(poses), poses


@pytest.fixture
def session(analysed: tuple) -> GaitSession:
    return GaitSession(*analysed)


def kept(session: GaitSession) -> int:
    return int((session.result.strides["refused"] == "").sum())


def test_leaving_out_can_be_undone_and_redone(session: GaitSession) -> None:
    before = kept(session)
    session.toggle({1, 2})
    session.toggle({1})
    assert kept(session) == before - 1 and session.excluded == {2}
    session.undo()
    assert session.excluded == {1, 2}
    session.undo()
    assert kept(session) == before and not session.can_undo
    session.redo()
    assert session.excluded == {1, 2} and session.can_redo
    session.toggle({3})
    assert not session.can_redo
    assert "left out by you" in session.headline("animal0")


def test_what_the_analysis_refused_is_no_persons_to_take_back(analysed: tuple) -> None:
    result, poses = analysed
    strides = result.strides.copy()
    strides.loc[0, "refused"] = "turning"
    session = GaitSession(type(result)(**{**vars(result), "strides": strides}), poses)
    session.toggle({0})
    assert not session.can_undo and session.result.strides["refused"].iloc[0] == "turning"


def test_a_new_analysis_leaves_out_the_same_strides(session: GaitSession, analysed: tuple) -> None:
    result, poses = analysed
    session.toggle({1, 5})
    strides = result.strides.drop(index=0).reset_index(drop=True)  # one less: the others move up
    strides["start_s"] += 0.01
    later = GaitSession(type(result)(**{**vars(result), "strides": strides}), poses)
    assert later.take_over(session) == 2 and later.excluded == {0, 4}


def test_strides_are_in_order_of_time_and_know_their_row(session: GaitSession) -> None:
    strides = session.strides_of("animal0")
    assert strides["start_s"].is_monotonic_increasing
    for number, stride in strides.iterrows():
        assert session.result.strides["start_s"].iloc[number] == stride["start_s"]
    assert session.time[session.row_at(1.0)] == pytest.approx(1.0, abs=1 / 120)
