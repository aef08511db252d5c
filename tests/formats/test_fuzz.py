"""A small seeded part of ``benchmarks/fuzz.py``: damaged files end in a message or are read rightly."""

from __future__ import annotations

import random
import sys
from pathlib import Path
from typing import Any

import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture
def fuzz(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    import fuzz

    yield fuzz
    for name in [name for name in sys.modules if name == "fuzz" or name.startswith("_fuzz_")]:
        del sys.modules[name]


def test_no_damage_ends_in_a_traceback_or_moves_points_silently(fuzz: Any, tmp_path: Path) -> None:
    tally = fuzz.run(tmp_path, 4, seed=2, verbs=("load_poses", "read_labels", "info"))
    assert tally.faults == []
    assert len(tally.mutants) == 19
    assert tally.total("refused") > 20 and tally.total("read") > 20


def test_no_damage_to_annotations_ends_in_a_traceback_or_moves_bouts_silently(
    fuzz: Any, tmp_path: Path
) -> None:
    tally = fuzz.Tally()
    fuzz.run_bouts(tmp_path, 8, 4, tally)
    assert tally.faults == []
    assert len(tally.mutants) == 10
    assert tally.total("refused") > 20 and tally.total("read") > 10


def test_what_moves_without_a_word_is_found(fuzz: Any, tmp_path: Path) -> None:
    from _fuzz_mutants import Damage
    from _fuzz_oracle import silent_change
    from _fuzz_samples import make_samples
    from _fuzz_verbs import whole

    sample = next(s for s in make_samples(tmp_path / "whole") if s.name == "csv")
    known = whole(sample, tmp_path / "none.avi", tmp_path / "out", ("load_poses",))
    right = known.results["load_poses"]
    wrong = {
        "frames": right.assign_coords(frame=("time", right["frame"].values + 1)),
        "keypoints": right.assign_coords(keypoint=right["keypoint"].values[::-1]),
        "coordinates": right.assign(position=right["position"] + 0.5),
    }
    done = Damage("a cell is gone", values=False)
    assert silent_change("load_poses", right, [], sample.path, known, done)[0] == ""
    for what, result in wrong.items():
        change, itself = silent_change("load_poses", result, [], sample.path, known, done)
        assert change.startswith(what) and not itself
        assert silent_change("load_poses", result, ["a word"], sample.path, known, done)[0] == ""


def test_the_same_seed_gives_the_same_damage(fuzz: Any, tmp_path: Path) -> None:
    from _fuzz_mutants import damage
    from _fuzz_samples import Sample

    written = []
    for _ in range(2):
        (tmp_path / "t.csv").write_text("frame,keypoint,x,y\n0,nose,1,2\n1,nose,3,4\n")
        damage(Sample("csv", tmp_path / "t.csv", "text"), tmp_path / "t.csv", random.Random(5))
        written.append((tmp_path / "t.csv").read_bytes())
    assert written[0] == written[1]
