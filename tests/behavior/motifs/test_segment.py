"""Motifs that were put into poses are found again."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import pytest
from motifs import planted_motifs
from sklearn.metrics import adjusted_rand_score

from superanimal.behavior.motifs import Motifs, clusters, read_moseq, segment, write_moseq
from superanimal.behavior.motifs.hmm import decode, fit
from superanimal.errors import FormatError, InputError, NotFoundError


@pytest.fixture(scope="module")
def planted() -> tuple[Motifs, np.ndarray]:
    poses, truth = planted_motifs(0, frames=3000)
    return segment(poses, motifs=5), truth


def test_planted_motifs_are_recovered(planted: tuple[Motifs, np.ndarray]) -> None:
    motifs, truth = planted
    assert adjusted_rand_score(truth, motifs.frames["motif"]) >= 0.9
    assert motifs.summary["share"].sum() == pytest.approx(1)
    assert motifs.summary["share"].is_monotonic_decreasing
    assert 0.4 < motifs.summary["median_s"].median() < 2


def test_the_same_seed_gives_the_same_motifs(planted: tuple[Motifs, np.ndarray]) -> None:
    again = segment(planted_motifs(0, frames=3000)[0], motifs=5)
    pd.testing.assert_frame_equal(again.frames, planted[0].frames)


def test_laws_of_movement_are_told_apart_where_postures_are_alike() -> None:
    random = np.random.default_rng(0)
    turns = [0.96 * np.array([[np.cos(a), -np.sin(a)], [np.sin(a), np.cos(a)]]) for a in (0.1, 0.6, -0.4)]
    truth, rows = np.repeat(random.integers(3, size=75), 40), np.zeros((3000, 2))
    for t in range(1, len(rows)):
        rows[t] = turns[truth[t]] @ rows[t - 1] + random.normal(0, 0.15, 2)
    plain, law = (
        adjusted_rand_score(truth, decode(fit([rows], 3, 1 - 1 / 40, order=order)[0], rows))
        for order in (0, 1)
    )
    assert law > 0.9 and plain < 0.2


def test_a_model_of_laws_runs_on_poses() -> None:
    motifs = segment(planted_motifs(0, frames=600)[0], method="arhmm", motifs=3)
    assert motifs.facts["method"] == "arhmm" and len(motifs.frames) == 600


@pytest.mark.slow
def test_cebra_embeds(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("cebra")
    monkeypatch.setattr(clusters, "CEBRA_STEPS", 5)
    rows = np.random.default_rng(0).normal(size=(600, 6))
    assert clusters.embed(rows, "cebra", 3, 0).shape == (600, 3)


def test_clips_show_their_motif(planted: tuple[Motifs, np.ndarray]) -> None:
    motifs, _ = planted
    assert (motifs.clips.groupby("motif").size() >= 3).all()
    for clip in motifs.clips.itertuples():
        inside = motifs.frames["time_s"].between(clip.start_s, clip.end_s - 1e-6)
        assert (motifs.frames.loc[inside, "motif"] == clip.motif).all()


def test_tables_and_page_are_written(planted: tuple[Motifs, np.ndarray], tmp_path: Path) -> None:
    motifs, _ = planted
    assert len(pd.read_csv(motifs.save(tmp_path)[0])) == 3000
    page = motifs.report(tmp_path / "report.html").read_text()
    assert "<h2>Usage</h2>" in page and "<h2>Examples</h2>" in page


def test_density_clusters_are_mostly_of_one_motif() -> None:
    poses, truth = planted_motifs(1, frames=3000)
    motifs = segment(poses, method="cluster")
    found = motifs.frames["motif"].to_numpy()
    pure = [
        np.bincount(truth[found == name]).max() / (found == name).sum() for name in motifs.summary["motif"]
    ]
    assert len(pure) >= 4 and np.mean(pure) > 0.8
    assert "belong to no cluster" in motifs.notes[0]


def test_an_animal_that_is_not_seen_has_no_motif() -> None:
    poses, truth = planted_motifs(0, frames=3000)
    poses["position"][1000:1100] = np.nan
    motifs = segment(poses, motifs=5)
    assert (motifs.frames["motif"][1000:1100] == "").all()
    kept = np.r_[0:1000, 1100:3000]
    assert adjusted_rand_score(truth[kept], motifs.frames["motif"].to_numpy()[kept]) >= 0.85


def test_features_of_ones_own() -> None:
    poses, truth = planted_motifs(0, frames=900)
    rng = np.random.default_rng(0)
    table = pd.DataFrame(np.eye(5)[truth] + rng.normal(0, 0.1, (900, 5)))
    assert adjusted_rand_score(truth, segment(poses, motifs=5, features=[table]).frames["motif"]) > 0.97
    with pytest.raises(InputError, match="features with 899 rows"):
        segment(poses, features=[table[:-1]])


def test_syllables_go_out_and_come_in(planted: tuple[Motifs, np.ndarray], tmp_path: Path) -> None:
    motifs, _ = planted
    path = write_moseq(motifs, tmp_path / "results.h5")
    with h5py.File(path) as file:
        assert list(file) == ["recording1"] and file["recording1/syllable"].shape == (3000,)
    table = read_moseq(path, fps=30)["recording1"]
    assert len(table) == len(motifs.bouts) and set(table["label"]) == {f"syllable {k}" for k in range(5)}
    pd.DataFrame({"syllable": [3, 3, 7], "heading": 0.0}).to_csv(tmp_path / "rec.csv")
    back = read_moseq(tmp_path / "rec.csv", fps=1)["rec"]
    assert back[["start_s", "end_s", "label"]].to_numpy().tolist() == [
        [0, 2, "syllable 3"],
        [2, 3, "syllable 7"],
    ]
    (tmp_path / "other.csv").write_text("a,b\n1,2\n")
    with pytest.raises(FormatError, match="one is syllable"):
        read_moseq(tmp_path / "other.csv", fps=1)


def test_likelihood_rises_with_the_right_number_of_states() -> None:
    rng = np.random.default_rng(0)
    truth = np.repeat(rng.integers(0, 3, 60), 20)
    rows = np.array([[0.0, 0], [4, 0], [0, 4]])[truth] + rng.normal(0, 0.5, (1200, 2))
    likelihood = [fit([rows[:600], rows[600:]], k, 0.9, rounds=10)[1] for k in (1, 2, 3)]
    assert likelihood[0] < likelihood[1] < likelihood[2]


def test_what_makes_no_sense_is_refused() -> None:
    poses, _ = planted_motifs(0, frames=300)
    with pytest.raises(NotFoundError, match="unknown method 'kmeans'"):
        segment(poses, method="kmeans")  # type: ignore[arg-type]
    with pytest.raises(InputError, match="1 motifs"):
        segment(poses, motifs=1)
    with pytest.raises(InputError, match="duration of 0 s"):
        segment(poses, typical_s=0)
    with pytest.raises(InputError, match="no animal is seen well enough"):
        segment(poses.assign(position=poses["position"] * np.nan))
