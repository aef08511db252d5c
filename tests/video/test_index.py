"""The index of a video is kept between sessions, outside the data folder, and never believed blindly."""

from __future__ import annotations

import shutil

import numpy as np
import pytest

from superanimal.progress import Progress
from superanimal.video import open_video
from superanimal.video.index import build_index, cache_file, load_index


@pytest.fixture
def copy(clip, tmp_path):
    folder = tmp_path / "data"
    folder.mkdir()
    return shutil.copy(clip, folder / "copy.mp4")


def test_index_is_kept_in_the_cache_folder_only(copy):
    open_video(copy)
    assert cache_file(copy).exists()
    assert [path.name for path in copy.parent.iterdir()] == ["copy.mp4"]


def test_kept_index_equals_a_new_one(copy):
    load_index(copy)
    again, fresh = load_index(copy), build_index(copy)
    for name, value in fresh.stored().items():
        assert np.array_equal(value, again.stored()[name]), name
        assert type(value) is type(again.stored()[name]), name


def test_second_opening_does_not_index(copy, monkeypatch):
    open_video(copy)
    monkeypatch.setattr("superanimal.video.index.build_index", lambda *_: pytest.fail("indexed again"))
    assert len(open_video(copy)) == 60


def test_changed_file_is_indexed_again(copy, tools):
    assert len(open_video(copy)) == 60
    tools.film(copy, range(20))
    video = open_video(copy)
    assert len(video) == 20 and tools.number(video[19]) == 19


@pytest.mark.parametrize("damage", [b"", b"not an archive", b"PK\x03\x04 but no more"])
def test_damaged_index_is_built_again(copy, damage):
    open_video(copy)
    cache_file(copy).write_bytes(damage)
    assert len(open_video(copy)) == 60


def test_no_place_for_the_cache(copy, tmp_path, monkeypatch):
    blocker = tmp_path / "file"
    blocker.write_text("in the way")
    monkeypatch.setenv("SUPERANIMAL_CACHE", str(blocker))
    assert len(open_video(copy)) == 60


def test_packets_are_not_decoded_for_the_index(tmp_path, tools, monkeypatch):
    """Of a long video only the first frames and the last group are decoded."""
    import superanimal.video.index as module

    path = tools.film(tmp_path / "long.mp4", range(600), gop=20)
    decoded, count = module.decoded, []

    def counted(*args):
        for frame in decoded(*args):
            count.append(frame)
            yield frame

    monkeypatch.setattr(module, "decoded", counted)
    monkeypatch.setattr("superanimal.video.decode.decoded", counted)
    assert len(build_index(path)) == 600
    assert len(count) < 100


def test_file_without_times_is_scanned_with_progress(tools, tmp_path):
    progress = Progress()
    path = tools.film(tmp_path / "raw.h264", range(40), container="h264")
    assert len(open_video(path, progress=progress)) == 40
    assert progress.done == 40
    again = Progress()
    open_video(path, progress=again)
    assert again.done == 0


def test_misnumbered_avi_is_found_out(tools, tmp_path):
    """H.264 with B-frames in avi: its packets carry times in the order of storage."""
    index = build_index(tools.film(tmp_path / "b.avi", range(40)))
    assert not index.counted
    assert list(index.stamps) != sorted(index.stamps)
    np.testing.assert_allclose(index.times, np.arange(40) / 30, atol=1e-6)
