from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from superanimal.cli.gait import parse_line, parse_marks
from superanimal.errors import InputError
from superanimal.formats import save_poses
from superanimal.poses import make_poses
from superanimal.samples import sample_path
from superanimal.synth.gaits import generate

Call = Callable[..., tuple[int, str, str]]


def walk(path: Path, **how: object) -> Path:
    truth = generate("walk", fps=60, noise=0.3, strides=5, **how)  # type: ignore[arg-type]
    poses = make_poses(truth.position[..., None], keypoints=truth.keypoints, times=truth.time)
    return save_poses(poses, path)[0]


def test_a_batch_lists_what_fails_and_compares_groups(superanimal: Call, tmp_path: Path) -> None:
    folder = tmp_path / "poses"
    folder.mkdir()
    files = [walk(folder / f"{name}.nc", seed=k, period=1.0 + 0.02 * k) for k, name in enumerate("abcd")]
    save_poses(make_poses([[[[1.0]], [[2.0]]]], keypoints=["nose"], fps=30.0), folder / "e.nc")
    groups = tmp_path / "groups.csv"
    rows = "file,group\n" + "".join(f"{f.name},{'ko' if k < 2 else 'wt'}\n" for k, f in enumerate(files))
    groups.write_text(rows)
    out = tmp_path / "out"
    code, _, error = superanimal("gait", folder, "--groups", groups, "--out", out)
    assert code == 2 and "no row for e.nc" in error and not out.exists()  # before hours of work
    groups.write_text(rows + "e.nc,wt\n")
    code, said, _ = superanimal(
        "gait", folder, "--groups", groups, "--metres-per-pixel", "0.01", "--out", out
    )
    assert code == 0
    assert "4 of 5 files" in said
    assert "e.nc: no limb is recognised among the keypoints nose" in said
    strides = pd.read_csv(out / "strides.csv")
    assert set(strides["group"]) == {"ko", "wt"}
    assert (strides["length_m"] / strides["length_px"]).dropna().tolist() == pytest.approx(
        [0.01] * len(strides)
    )
    comparison = pd.read_csv(out / "comparison.csv").set_index("measure")
    assert "length_m" in comparison.index and "length_px" not in comparison.index
    phase = comparison.loc["left_fore after left_hind"]
    assert phase["mean_a"] == pytest.approx(0.23, abs=0.02) and abs(phase["difference"]) < 0.02
    assert comparison.loc["duration_s", "difference"] == pytest.approx(0.04, abs=0.01)
    report = (out / "report.html").read_text("utf-8")
    for words in ("Groups", "Left and right", "Footfalls", "Duty factor and phase"):
        assert words in report


def test_limbs_are_named_in_the_shell(superanimal: Call, tmp_path: Path) -> None:
    path = walk(tmp_path / "a.nc", limbs=("left_hind",))
    out = tmp_path / "out"
    code, _, _ = superanimal("gait", path, "--limb", "mine=left_hind_paw", "--boris", "--out", out)
    assert code == 0
    again = tmp_path / "again"
    limb = ("--limb", "mine=left_hind_paw")
    code, _, _ = superanimal("gait", path, *limb, "--events", out / "a.boris.tsv", "--out", again)
    assert code == 0
    assert set(pd.read_csv(again / "events.csv")["limb"]) == {"mine"}
    assert set(pd.read_csv(tmp_path / "out" / "events.csv")["limb"]) == {"mine"}
    code, _, error = superanimal("gait", path, "--limb", "mine", "--out", tmp_path / "x")
    assert code == 2
    assert "give it as name=keypoint" in error


@pytest.mark.slow  # a network runs over 300 frames
def test_a_video_goes_to_strides_in_one_command(superanimal: Call, tmp_path: Path) -> None:
    code, said, _ = superanimal("gait", sample_path("sideview_horse.mp4"), "--out", tmp_path)
    assert code == 0, said
    strides = pd.read_csv(tmp_path / "strides.csv")
    assert (strides["refused"].isna()).sum() >= 4
    assert (tmp_path / "report.html").is_file()


def test_ground_marks_and_lines_are_read_and_checked() -> None:
    line = parse_line("0,400,640,410")
    assert line is not None and line.tolist() == [[0, 400], [640, 410]]
    for text in ("0,400", "0,400,640,x"):
        with pytest.raises(InputError, match="x,y,x,y"):
            parse_line(text)
    assert parse_marks(["0,400,0", "300,400,1.5"]) == [[0, 400, 0], [300, 400, 1.5]]
    assert parse_marks(None) is None
    with pytest.raises(InputError, match="x,y,metres"):
        parse_marks(["300,1.5"])
