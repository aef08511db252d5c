from __future__ import annotations

from pathlib import Path

import pytest

from superanimal.errors import InputError
from superanimal.inference.naming import check_distinct, results_name, set_aside, store_path


def test_a_folder_keeps_its_dots_and_a_file_loses_its_ending(tmp_path: Path) -> None:
    for name in ("fr.v1", "fr.v2", "v.zarr"):
        (tmp_path / name).mkdir()
    assert results_name(tmp_path / "fr.v1", "_m") == "fr.v1_m"
    assert results_name(tmp_path / "fr.v2", "_m") == "fr.v2_m"
    assert results_name(tmp_path / "v.zarr", "_m") == "v_m"
    assert results_name(tmp_path / "cam.0.mp4", "_m") == "cam.0_m"


@pytest.mark.parametrize("letter", ["a", "\u00e9"])
def test_long_names_fit_the_disk_and_stay_different(tmp_path: Path, letter: str) -> None:
    long = letter * (240 // len(letter.encode()))
    one, two = (store_path(tmp_path / f"{long}{k}.mp4", "mini_topviewmouse") for k in "12")
    assert one != two
    one.mkdir()
    Path(f"{one}.lightning-pose.csv.provenance.json").touch()
    assert set_aside(set_aside(one)).is_dir()


def test_videos_of_one_name_are_told_apart(tmp_path: Path) -> None:
    videos = [tmp_path / "a" / "cam0.mp4", tmp_path / "b" / "cam0.mp4", tmp_path / "a" / "cam0.avi"]
    for video in videos:
        video.parent.mkdir(exist_ok=True)
        video.write_bytes(b"x")

    def beside(video: Path) -> Path:
        return store_path(video, "m")

    check_distinct(videos[:2], beside)
    with pytest.raises(InputError, match=r"cam0\.mp4 and .*cam0\.avi would both be written"):
        check_distinct(videos, beside)
    with pytest.raises(InputError, match="different output folders"):
        check_distinct(videos[:2], lambda video: store_path(video, "m", tmp_path))
    (tmp_path / "c").mkdir()
    (tmp_path / "c" / "cam0.mp4").symlink_to(videos[0])
    check_distinct([videos[0], tmp_path / "c" / "cam0.mp4"], lambda video: store_path(video, "m", tmp_path))


def test_names_that_some_disks_take_for_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.platform", "darwin")
    videos = [
        tmp_path / "Clip.mp4",
        tmp_path / "clip.mp4",
        tmp_path / "ma\u0308use.mp4",
        tmp_path / "m\u00e4use.mp4",
    ]
    for video in videos:
        video.write_bytes(b"x")
    for pair in (videos[:2], videos[2:]):
        with pytest.raises(InputError, match="would both be written"):
            check_distinct(pair, lambda video: store_path(video, "m", tmp_path))
