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


def stances(session: GaitSession, limb: str = "left_hind") -> list[tuple[float, float]]:
    own = session.stances[session.stances["limb"] == limb]
    return [(float(start), float(end)) for start, end in own[["start_s", "end_s"]].to_numpy()]


def test_an_event_moves_to_its_neighbours_at_most_and_strides_follow(session: GaitSession) -> None:
    (_, before), (start, end) = stances(session)[1:3]
    session.toggle({int(session.strides_of("animal0").index[-1])})
    out = session.excluded
    session.move_event("animal0", "left_hind", end, end + 0.05)
    assert stances(session)[2] == (start, pytest.approx(end + 0.05))
    strides = session.result.strides
    (own,) = strides[(strides["limb"] == "left_hind") & (strides["start_s"] == start)]["lift_s"]
    assert own == pytest.approx(end + 0.05)
    assert session.excluded == out and session.corrected
    session.move_event("animal0", "left_hind", start, 0.0)
    assert stances(session)[2][0] == pytest.approx(before + 1 / 60)
    session.move_event("animal0", "left_hind", 0.12345, 1.0)  # no such event
    session.undo()
    session.undo()
    assert stances(session)[2] == (start, end) and not session.corrected and session.excluded == out
    session.redo()
    assert stances(session)[2][1] == pytest.approx(end + 0.05)


def test_a_stance_is_removed_and_drawn_again(session: GaitSession) -> None:
    whole = stances(session)
    (_, before), (start, end), (after, _) = whole[1:4]
    session.remove_stance("animal0", "left_hind", start, end)
    assert stances(session) == [*whole[:2], *whole[3:]]
    session.add_stance("animal0", "left_hind", before - 0.01, end)  # begins in the stance before
    assert len(stances(session)) == len(whole) - 1
    session.add_stance("animal0", "left_hind", before + 0.001, after + 0.5)
    assert stances(session)[2] == (pytest.approx(before + 1 / 60), pytest.approx(after - 1 / 60))
    session.remove_stance("animal0", "left_hind", *stances(session)[2])
    session.add_stance("animal0", "left_hind", start, end)
    assert stances(session) == whole


def test_corrected_events_come_back_after_a_new_analysis(session: GaitSession, analysed: tuple) -> None:
    start, end = stances(session)[2]
    session.remove_stance("animal0", "left_hind", start, end)
    corrected = stances(session)
    later = GaitSession(*analysed)
    later.take_over(session)
    assert stances(later) != corrected and not later.corrected
    later.undo()
    assert stances(later) == corrected and later.corrected
