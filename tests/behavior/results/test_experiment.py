"""An experiment from poses and labels to tables, figures and a page."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import superanimal
from superanimal.behavior import check_bouts, write_annotations
from superanimal.behavior.measures import Regions
from superanimal.behavior.results.experiment import Results, report
from superanimal.errors import InputError
from superanimal.poses import make_poses

ARENA = np.array([[0.0, 0], [200, 0], [200, 200], [0, 200]])


def write_poses(path: Path, seed: int, speed: float) -> Path:
    rng = np.random.default_rng(seed)
    turn = np.cumsum(rng.normal(0, 0.2, 600))
    way = 100 + np.cumsum(speed * np.stack([np.cos(turn), np.sin(turn)], axis=1), axis=0)
    way = 100 - np.abs(way % 400 - 200) + 100  # reflected into the arena
    points = way[:, None] + [[10.0, 0], [0, 0], [-10, 0]]
    poses = make_poses(points.transpose(0, 2, 1)[..., None], keypoints=["nose", "body", "tail_base"], fps=20)
    superanimal.save_poses(poses, path)
    return path


@pytest.fixture(scope="module")
def experiment(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[Path], Path, pd.DataFrame]:
    """Eight recordings of 30 s; those of group b move and rear more."""
    folder, rows = tmp_path_factory.mktemp("experiment"), []
    files = [write_poses(folder / f"m{k}.csv", k, 1.0 + 2 * (k >= 4)) for k in range(8)]
    for k in range(8):
        for start in np.arange(1, 25, 6 - 2 * (k >= 4)):
            rows.append((f"m{k}.mp4", start, start + 1, "rear"))
            rows.append((f"m{k}.mp4", start + 1.5, start + 2.5, "groom"))
    labels = folder / "labels.csv"
    pd.DataFrame(rows, columns=["video", "start_s", "end_s", "label"]).to_csv(labels, index=False)
    groups = pd.DataFrame(
        {"file": [f.name for f in files], "group": list("aaaabbbb"), "animal": list("rstuvwxy")}
    )
    return files, labels, groups


@pytest.fixture(scope="module")
def results(experiment: tuple[list[Path], Path, pd.DataFrame]) -> Results:
    files, labels, groups = experiment
    return report(files, labels, regions=Regions({}, ARENA), groups=groups, metres_per_pixel=0.001, bin_s=10)


def test_every_file_and_animal_has_a_row(results: Results) -> None:
    assert len(results.animals) == 8 and results.animals["group"].tolist() == list("aaaabbbb")
    assert len(results.budget) == 16 and set(results.regions["region"]) == {"centre", "periphery"}
    assert results.animals["rear per minute"].tolist() == pytest.approx([8] * 4 + [12] * 4)
    assert results.animals["distance_cm"].tolist() == pytest.approx(
        [60 - 0.1] * 4 + [180 - 0.3] * 4, rel=0.15
    )


def test_groups_are_compared_with_the_animal_as_unit(results: Results) -> None:
    table = results.comparison.set_index("measure")
    assert table.loc["rear per minute", ["animals_a", "animals_b", "difference"]].tolist() == [4, 4, 4]
    assert table.loc["distance_cm", "p"] == pytest.approx(2 / 70)
    assert "duration_s" not in table.index


def test_tables_figures_and_page_are_written(
    results: Results, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("superanimal.behavior.results.page.SHOWN", 1)
    files = results.save(tmp_path, parquet=True)
    names = {file.name for file in files}
    assert {"bouts.csv", "budget.parquet", "animals.csv", "comparison.csv", "budget.svg", "bins.png"} <= names
    assert sum(name.startswith("heatmap") for name in names) == 2
    assert len(pd.read_csv(tmp_path / "animals.csv")) == 8
    page = results.report(tmp_path / "report.html").read_text()
    assert all(f"<h2>{title}</h2>" in page for title in ("Time budget", "Transitions", "Regions", "Groups"))
    assert "nan" not in page.lower().replace("finance", "")


def test_labels_longer_than_the_recording_are_cut_and_said(tmp_path: Path) -> None:
    poses = write_poses(tmp_path / "m.csv", 0, 1.0)
    late = check_bouts(pd.DataFrame({"start_s": [1.0, 28.0], "end_s": [2.0, 99.0], "label": "rear"}))
    result = report(poses, late)
    assert result.budget["total_s"].item() == pytest.approx(3.0)
    assert any("1 of 2 bouts end after the recording" in note for note in result.notes)
    assert result.budget["individual"].tolist() == result.measures["individual"].tolist()


def test_predictions_are_labels(tmp_path: Path) -> None:
    poses = write_poses(tmp_path / "m.csv", 0, 1.0)
    frames = pd.DataFrame({"label": ["rear"] * 100 + ["walk"] * 500, "rear": 0.5, "walk": 0.5})
    assert report(poses, frames).budget.set_index("label")["total_s"].to_dict() == {"rear": 5, "walk": 25}


def test_without_labels_there_are_lab_measures(tmp_path: Path) -> None:
    result = report(write_poses(tmp_path / "m.csv", 0, 1.0))
    assert result.budget.empty and len(result.measures) == 1
    assert "Movement" in result.report(tmp_path / "r.html").read_text()


def test_what_does_not_fit_is_refused(tmp_path: Path) -> None:
    poses = [write_poses(tmp_path / f"m{k}.csv", k, 1.0) for k in range(3)]
    one = check_bouts(pd.DataFrame({"start_s": [1.0], "end_s": [2.0], "label": "rear", "rater": "ann"}))
    with pytest.raises(InputError, match="2 labels for 3 poses"):
        report(poses, [one, one])
    with pytest.raises(InputError, match="labels of one video for 3 poses"):
        report(poses, write_annotations(one, tmp_path / "l.csv"))
    with pytest.raises(InputError, match="the labels are of ann, bo"):
        report(poses[0], pd.concat([one, one.assign(rater="bo")]))
    with pytest.raises(InputError, match="no labels of 'cy'"):
        report(poses[0], one, rater="cy")
    with pytest.raises(InputError, match="no poses are given"):
        report([])
