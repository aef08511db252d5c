from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from mice_that_act import acting
from typer.testing import CliRunner

from superanimal import save_poses
from superanimal.behavior import bouts_of, load_model
from superanimal.cli import build_app
from superanimal.errors import InputError
from superanimal.poses import seconds

runner = CliRunner()


@pytest.fixture(scope="module")
def recordings(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("recordings")
    for seed in range(3):
        poses, labels = acting(seed)
        save_poses(poses, folder / f"m{seed}.nc")
        names = sorted(set(labels))
        holds = np.stack([labels == name for name in names], axis=1)
        bouts_of(holds, seconds(poses, None, "a test"), names).to_csv(
            folder / f"m{seed}.labels.csv", index=False
        )
    return folder


def test_features_training_and_prediction(recordings: Path, tmp_path: Path) -> None:
    app = build_app()
    poses = [str(recordings / f"m{seed}.nc") for seed in range(3)]
    labels = [text for seed in range(3) for text in ("--labels", str(recordings / f"m{seed}.labels.csv"))]
    model = str(tmp_path / "model")
    (tmp_path / "out.csv").write_text("file,start_s,end_s\nm1.nc,0,10\n")
    (tmp_path / "animals.csv").write_text("file,animal\nm0.nc,a\nm1.nc,b\nm2.nc,b\n")
    more = ["--leave-out", str(tmp_path / "out.csv"), "--groups", str(tmp_path / "animals.csv")]
    done = runner.invoke(
        app, ["behavior", "train", *poses, *labels, "--out", model, "--classifier", "logistic", *more],
        catch_exceptions=False,
    )  # fmt: skip
    assert done.exit_code == 0
    assert "walking: F1 " in done.output
    assert "Macro F1" in (tmp_path / "model" / "report.html").read_text("utf-8")
    trained = load_model(model)
    assert trained.by_group["group"].tolist() == ["a", "b"]
    assert trained.scores["frames"].sum() == 3 * 900 - 200  # ten seconds were left out
    (tmp_path / "out.csv").write_text("file,start_s,end_s\nm7.nc,0,10\n")
    with pytest.raises(InputError, match=r"row 2: 0 pose files are called m7\.nc"):
        again = ["--out", f"{model}2", *more]
        runner.invoke(app, ["behavior", "train", *poses, *labels, *again], catch_exceptions=False)
    out = tmp_path / "out"
    suggestions = str(tmp_path / "next.csv")
    done = runner.invoke(
        app, ["behavior", "suggest", model, poses[0], "--count", "3", "--out", suggestions],
        catch_exceptions=False,
    )  # fmt: skip
    assert done.output.count(" or ") == 3
    assert len(pd.read_csv(suggestions)) == 3
    runner.invoke(app, ["behavior", "predict", model, poses[0], "--out", str(out)], catch_exceptions=False)
    assert len(pd.read_csv(out / "m0.behavior.csv")) == 900
    assert set(pd.read_csv(out / "m0.bouts.csv")["label"]) == {"shaking", "standing", "walking"}
    runner.invoke(
        app, ["behavior", "features", poses[0], "--format", "csv", "--out", str(out)], catch_exceptions=False
    )
    assert "speed.nose" in pd.read_csv(out / "m0.features.csv", nrows=2)
    with pytest.raises(InputError, match="already there"):
        runner.invoke(app, ["behavior", "train", *poses, *labels, "--out", model], catch_exceptions=False)


def test_importance_and_learning_curve_are_written_beside_the_model(recordings: Path, tmp_path: Path) -> None:
    poses = [str(recordings / f"m{seed}.nc") for seed in range(2)]
    labels = [text for seed in range(2) for text in ("--labels", str(recordings / f"m{seed}.labels.csv"))]
    runner.invoke(
        build_app(), ["behavior", "train", *poses, *labels, "--out", str(tmp_path / "m"), "--classifier",
                      "majority", "--importance", "--learning-curve"],
        catch_exceptions=False,
    )  # fmt: skip
    assert pd.read_csv(tmp_path / "m" / "learning_curve.csv")["recordings"].tolist() == [1]
    assert pd.read_csv(tmp_path / "m" / "importance.csv")["loss"].abs().max() == 0
    assert "Importance of features" in (tmp_path / "m" / "report.html").read_text("utf-8")
