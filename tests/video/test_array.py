"""A video is an array: indices, slices, dask, pickles, and no accidents."""

from __future__ import annotations

import itertools
import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from superanimal.errors import InputError
from superanimal.video import open_video
from superanimal.video.cache import ByteLRU

FRAMES = 60
numbers = st.none() | st.integers(-80, 80)


@pytest.fixture(scope="module")
def video(clip):
    return open_video(clip)


@pytest.fixture(scope="module")
def truth(video):
    return np.stack([frame for _, frame in video.frames()])


@settings(max_examples=60, deadline=None)
@given(start=numbers, stop=numbers, step=numbers.filter(lambda step: step != 0))
def test_slices_are_numpy_slices(video, truth, start, stop, step):
    wanted = slice(start, stop, step)
    assert np.array_equal(video[wanted], truth[wanted])


@settings(max_examples=60, deadline=None)
@given(start=numbers, stop=numbers, step=st.none() | st.integers(1, 30))
def test_walks_are_slices(video, truth, start, stop, step):
    walked = list(video.frames(start, stop, step))
    assert [k for k, _ in walked] == list(range(FRAMES))[start:stop:step]
    assert all(np.array_equal(frame, truth[k]) for k, frame in walked)


@pytest.mark.parametrize(
    "key",
    [
        0, -1, np.int64(7), (3,), (5, slice(10, 20)), (5, slice(None), slice(None), 0), (..., 1), (4, ...),
        (slice(2, 9, 3), slice(None, None, -1), 5), [1, 50, -1], np.array([3, 3]), (slice(5, 5), 0), ...,
        (slice(0, 2), ..., slice(0, 1)), np.arange(FRAMES) % 20 == 0, (8, None),
    ],
    ids=str,
)  # fmt: skip
def test_any_index_is_what_numpy_gives(video, truth, key):
    assert np.array_equal(video[key], truth[key])
    assert video[key].dtype == np.uint8


@pytest.mark.parametrize("key", [FRAMES, -FRAMES - 1, [0, FRAMES], (0, 0, 0, 0, 0), (..., ...), [True]])
def test_index_out_of_range(video, key):
    with pytest.raises(IndexError):
        video[key]


def test_index_that_is_no_index(video):
    with pytest.raises(TypeError, match=r"1\.5"):
        video[1.5]


def test_iteration_ends(video, truth):
    assert sum(1 for _ in video) == len(video) == FRAMES
    assert np.array_equal(next(iter(video)), truth[0])


def test_walk_goes_forward_only(video):
    with pytest.raises(InputError, match="step=-1"):
        video.frames(10, 0, -1)


def test_walks_run_side_by_side(video):
    one, two = video.frames(), video.frames(30)
    pairs = list(itertools.islice(zip(one, two, strict=False), 10))
    assert [(a, b) for (a, _), (b, _) in pairs] == [(k, k + 30) for k in range(10)]


def test_frames_handed_out_are_the_callers(video, truth):
    frame = video[3]
    frame[:] = 0
    assert np.array_equal(video[3], truth[3])


def test_dask(video, truth):
    array = video.dask()
    assert array.shape == video.shape and array.dtype == np.uint8
    assert array.chunks[0] == (1,) * FRAMES
    assert array.name == video.dask().name
    assert np.array_equal(array[17].compute(), truth[17])
    assert np.array_equal(array[5:50:9, 3].compute(scheduler="threads"), truth[5:50:9, 3])


def test_long_videos_are_cheap_to_describe(video):
    """One hundred thousand chunks: the graph has one task each and nothing is decoded."""
    assert len(video.dask().__dask_graph__()) == FRAMES


def test_pickle_opens_again(video, truth):
    copy = pickle.loads(pickle.dumps(video))
    assert copy.shape == video.shape and copy is not video
    assert np.array_equal(copy[30], truth[30])


def test_pickle_keeps_options(clip):
    copy = pickle.loads(pickle.dumps(open_video(clip, 1000, fps=99)))
    assert copy.fps == 99


def test_small_videos_become_arrays(video, truth):
    assert np.array_equal(np.asarray(video), truth)


def test_large_videos_do_not(video, monkeypatch):
    monkeypatch.setattr("superanimal.video.base.LOADABLE_BYTES", video.nbytes - 1)
    with pytest.raises(InputError, match="would take"):
        np.asarray(video)


def test_description(video):
    assert video.ndim == 4 and video.size == video.nbytes == FRAMES * 64 * 96 * 3
    assert "60 frames, 96 x 64, 30 fps" in repr(video)
    assert video.name == "clip.mp4"


@pytest.mark.parametrize("options", [{"fps": 0}, {"fps": -1}, {"fps": float("nan")}, {"cache_bytes": -1}])
def test_options_without_sense(clip, options):
    with pytest.raises(InputError):
        open_video(clip, **options)


def test_stepping_back_decodes_nothing(clip, monkeypatch):
    video = open_video(clip)
    entry = int(np.argmax(np.diff(video._index.keys)))
    first, last = video._index.keys[entry], video._index.keys[entry + 1] - 1
    assert last - first >= 6
    video[last]
    monkeypatch.setattr(video._decoder, "read", lambda *_: pytest.fail("decoded again"))
    for k in range(last - 1, first - 1, -1):
        video[k]


def test_cache_stays_within_its_bytes(clip):
    video = open_video(clip, cache_bytes=100_000)
    for _ in range(2):
        video[:]
    assert 0 < video._cache.used <= 100_000


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 40)), max_size=60))
def test_lru_is_bounded_and_forgets_the_oldest(puts):
    cache: ByteLRU[str] = ByteLRU(50)
    recent: list[int] = []
    sizes: dict[int, int] = {}
    for key, nbytes in puts:
        cache.put(key, str(key), nbytes)
        recent = [other for other in recent if other != key] + [key]
        sizes[key] = nbytes
        while sum(sizes[other] for other in recent) > 50:
            recent.pop(0)
    assert {key for key in range(10) if cache.get(key) is not None} == set(recent)
    assert cache.used == sum(sizes[key] for key in recent) <= 50


def test_lru_does_not_keep_what_cannot_fit():
    cache: ByteLRU[str] = ByteLRU(10)
    cache.put(1, "one", 4)
    cache.put(2, "big", 11)
    assert cache.get(2) is None and cache.get(1) == "one"
