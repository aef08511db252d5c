from __future__ import annotations

from pathlib import Path

import pytest

from superanimal.errors import InputError, NotFoundError
from superanimal.inference.sources import find_videos


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("b.mp4", "a.AVI", "notes.txt", ".hidden.mp4", "sub/c.mov"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"x")
    return tmp_path


def names(paths: list[Path]) -> list[str]:
    return [path.name for path in paths]


def test_a_file_a_folder_and_globs(folder: Path) -> None:
    assert find_videos(folder / "b.mp4") == [folder / "b.mp4"]
    assert names(find_videos(folder)) == ["a.AVI", "b.mp4"]
    assert names(find_videos(str(folder / "*.mp4"))) == ["b.mp4"]
    assert names(find_videos(str(folder / "*"))) == ["a.AVI", "b.mp4"]
    assert names(find_videos(str(folder / "**" / "*.mov"))) == ["c.mov"]
    assert names(find_videos([folder / "b.mp4", folder])) == ["b.mp4", "a.AVI"]


def test_images_and_zarr_are_one_source(tmp_path: Path) -> None:
    (tmp_path / "frames").mkdir()
    (tmp_path / "frames" / "img1.png").write_bytes(b"x")
    (tmp_path / "v.zarr").mkdir()
    (tmp_path / "v.zarr" / "zarr.json").write_text("{}")
    assert find_videos(tmp_path / "frames") == [tmp_path / "frames"]
    assert find_videos(tmp_path / "v.zarr") == [tmp_path / "v.zarr"]


def test_a_name_with_brackets_that_exists_is_no_glob(tmp_path: Path) -> None:
    (tmp_path / "clip[1].mp4").write_bytes(b"x")
    assert names(find_videos(tmp_path / "clip[1].mp4")) == ["clip[1].mp4"]


def test_what_is_not_there_is_said(folder: Path) -> None:
    with pytest.raises(NotFoundError, match=r"b\.mp3: no such file") as error:
        find_videos(folder / "b.mp3")
    assert "b.mp4" in error.value.remedy
    with pytest.raises(NotFoundError, match="no video matches"):
        find_videos(str(folder / "*.mkv"))
    (folder / "empty").mkdir()
    with pytest.raises(NotFoundError, match="no video and no images"):
        find_videos(folder / "empty")
    with pytest.raises(InputError, match="no video was given"):
        find_videos([])


def test_labelled_videos_are_left_out_unless_named(tmp_path: Path) -> None:
    drawn = (
        "clip_mini_labeled.mp4",
        "v_labeled_before_adapt.mp4",
        "clipDLC_net_p60_labeled.mp4",
        "a_Labelled.avi",
    )
    for name in ("clip.mp4", "unlabeled.mp4", *drawn):
        (tmp_path / name).write_bytes(b"x")
    for source in (tmp_path, str(tmp_path / "*.*")):
        with pytest.warns(UserWarning, match="skipped unless named") as caught:
            assert names(find_videos(source)) == ["clip.mp4", "unlabeled.mp4"]
        assert all(name in str(caught[0].message) for name in drawn)
    assert names(find_videos([tmp_path / drawn[0]])) == [drawn[0]]


def test_an_image_folder_with_its_labelled_video_stays_one(tmp_path: Path) -> None:
    for name in ("img1.png", "frames_mini_labeled.mp4"):
        (tmp_path / name).write_bytes(b"x")
    assert find_videos(tmp_path) == [tmp_path]


def test_only_labelled_videos_is_said(tmp_path: Path) -> None:
    (tmp_path / "clip_labeled.mp4").write_bytes(b"x")
    with pytest.raises(NotFoundError, match=r"only labelled videos \(clip_labeled\.mp4\)"):
        find_videos(tmp_path)


def test_one_file_by_two_names_is_one_video(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    assert find_videos(["b.mp4", folder / "b.mp4"]) == [Path("b.mp4")]
