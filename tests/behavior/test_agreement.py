from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from superanimal.behavior import agree, bouts_of, write_annotations
from superanimal.behavior.agreement import bout_f1, frame_scores
from superanimal.behavior.bouts import shifted
from superanimal.errors import InputError, NotFoundError


def rater(name: str, offset_s: float, seed: int) -> pd.DataFrame:
    """The bouts of one recording as one rater sees them."""
    rng = np.random.default_rng(0)
    gaps, lengths = rng.uniform(0.5, 5, (2, 60))
    starts = np.cumsum(gaps + lengths) - lengths + 1
    jitter = np.random.default_rng(seed).normal(0, 0.08, (2, 60))
    table = pd.DataFrame({"start_s": starts + jitter[0], "end_s": starts + lengths + jitter[1]})
    table = table.assign(label=np.where(rng.random(60) < 0.5, "rear", "groom"), rater=name)
    return shifted(table, offset_s)


def test_scores_of_frames_as_by_hand() -> None:
    a, b = np.zeros(100, bool), np.zeros(100, bool)
    a[:40], b[20:60] = True, True
    kappa, f1 = frame_scores(a, b)
    assert f1 == pytest.approx(0.5)
    assert kappa == pytest.approx((0.6 - 0.52) / 0.48)
    assert all(np.isnan(frame_scores(np.zeros(5, bool), np.zeros(5, bool))))


def test_bouts_are_matched_one_to_one() -> None:
    one = np.array([[0.0, 4.0], [10, 12]])
    assert bout_f1(one, np.array([[0.0, 1.9], [2, 4], [10, 12]])) == pytest.approx(2 * 2 / 5)
    assert bout_f1(one, one + 1.5) == pytest.approx(0.0 + 2 * 0 / 4)
    assert bout_f1(one, np.zeros((0, 2))) == 0 and np.isnan(bout_f1(one[:0], one[:0]))


def test_an_offset_is_proposed_and_agreement_rises(tmp_path: Path) -> None:
    table = pd.concat([rater("ann", 0, 1), rater("bo", 2.5, 2), rater("cy", 0.0, 3)])
    result = agree(table)
    offsets = result.offsets.set_index("rater")
    assert offsets["certain"].all()
    assert offsets.loc["bo", "shift_s"] == pytest.approx(-2.5, abs=0.08)
    assert offsets.loc[["ann", "cy"], "shift_s"].abs().max() < 0.08
    summary = result.summary.set_index("label")
    assert (summary["frame_f1"] < 0.7).all() and (summary["frame_f1_aligned"] > 0.9).all()
    assert (summary["bout_f1_aligned"] > 0.95).all() and (summary["kappa_aligned"] > 0.85).all()
    assert any(note.startswith("bo: moved by -2.") for note in result.notes)
    files = result.save(tmp_path)
    aligned = pd.read_csv(files[-1])
    assert set(aligned["rater"]) == {"ann", "bo", "cy"} and len(aligned) == len(table)
    page = result.report(tmp_path / "report.html").read_text()
    assert "Agreement of raters" in page and "−2." in page


def test_files_are_raters(tmp_path: Path) -> None:
    for name, offset in (("ann", 0.0), ("bo", 1.0)):
        own = rater("", offset, seed=len(name))
        write_annotations(own.sort_values("start_s"), tmp_path / f"{name}.tsv", video="day1.mp4")
    result = agree([tmp_path / "ann.tsv", tmp_path / "bo.tsv"])
    assert set(result.offsets["rater"]) == {"ann", "bo"} and set(result.pairs["video"]) == {"day1"}


def test_labels_in_frames_compare_like_bouts() -> None:
    frames = np.random.default_rng(0).random((900, 1)).cumsum(axis=0) % 7 < 3
    one = bouts_of(frames, np.arange(900) / 30, ["rear"], rater="a")
    result = agree([one, one.assign(rater="b")], fps=30)
    assert result.pairs[["kappa", "frame_f1", "bout_f1"]].to_numpy() == pytest.approx(1.0)


def test_what_cannot_be_compared_is_refused(tmp_path: Path) -> None:
    one = rater("ann", 0, 1)
    with pytest.raises(InputError, match="no video has two raters"):
        agree(one)
    with pytest.raises(InputError, match="no rater uses the label 'fly'; they use groom, rear"):
        agree([one, rater("bo", 0, 2)], labels=["fly"])
    for video in ("day1", "day2"):
        write_annotations(one.assign(rater=""), tmp_path / f"{video}.tsv", video=f"{video}.mp4")
    with pytest.raises(NotFoundError, match="different videos: day1, day2"):
        agree([tmp_path / "day1.tsv", tmp_path / "day2.tsv"])
