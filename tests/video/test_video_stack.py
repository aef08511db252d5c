"""Folders of images, TIFF stacks and zarr arrays are videos too."""

from __future__ import annotations

import pickle

import cv2
import numpy as np
import pytest
import tifffile
import zarr

from superanimal.errors import InputError, VideoError
from superanimal.video import VideoWarning, open_video

FRAMES = 12


@pytest.fixture(scope="module")
def pictures(tools):
    return np.stack([tools.picture(k, 96, 64) for k in range(FRAMES)])


@pytest.fixture
def folder(tmp_path, pictures):
    for k, frame in enumerate(pictures):
        cv2.imwrite(str(tmp_path / f"img{k}.png"), frame[..., ::-1])
    (tmp_path / "CollectedData.csv").write_text("not an image")
    (tmp_path / "._img3.png").write_text("litter of another system")
    return tmp_path


def test_folder_is_in_natural_order(folder, pictures):
    video = open_video(folder)
    assert video.shape == pictures.shape
    assert np.array_equal(video[:], pictures)
    assert [k for k, _ in video.frames(1, None, 4)] == [1, 5, 9]
    assert video.fps is None
    assert list(video.timestamps) == list(range(FRAMES))


def test_rate_of_a_folder(folder):
    video = open_video(folder, fps=10)
    assert video.timestamps[5] == 0.5


def test_list_of_images(folder, pictures):
    video = open_video([folder / "img7.png", folder / "img2.png"])
    assert np.array_equal(video[:], pictures[[7, 2]])
    assert np.array_equal(pickle.loads(pickle.dumps(video))[0], pictures[7])
    assert np.array_equal(video.dask()[1].compute(), pictures[2])


def test_one_image(folder, pictures):
    assert np.array_equal(open_video(folder / "img4.png")[:], pictures[4:5])


@pytest.mark.parametrize("damage", ["broken", "other size"])
def test_unfit_image_is_a_bad_frame(folder, pictures, damage):
    if damage == "broken":
        (folder / "img5.png").write_bytes(b"\x89PNG and then nothing")
    else:
        cv2.imwrite(str(folder / "img5.png"), pictures[5][:32])
    video = open_video(folder)
    with pytest.warns(VideoWarning):
        assert np.array_equal(video[5], pictures[4])
    assert np.array_equal([frame for _, frame in video.frames()][5], pictures[4])
    assert video.bad_frames == (5,)


def test_images_that_are_none(tmp_path):
    (tmp_path / "a.png").write_text("text")
    with pytest.raises(VideoError, match="none of the 1 images"):
        open_video(tmp_path)


def test_folder_without_images(tmp_path):
    with pytest.raises(VideoError, match="no images"):
        open_video(tmp_path)


def test_empty_list():
    with pytest.raises(InputError, match="empty list"):
        open_video([])


def grey_of(pictures):
    return pictures[..., 0]


@pytest.mark.parametrize("kind", ["grey", "colour", "imagej", "page by page"])
def test_tiff(tmp_path, pictures, kind):
    path = tmp_path / "stack.tif"
    if kind == "grey":
        tifffile.imwrite(path, grey_of(pictures), photometric="minisblack")
    elif kind == "imagej":
        tifffile.imwrite(path, grey_of(pictures), imagej=True, metadata={"axes": "TYX"})
    elif kind == "page by page":
        with tifffile.TiffWriter(path) as writer:
            for page in grey_of(pictures):
                writer.write(page, contiguous=False, compression="zlib")
    else:
        tifffile.imwrite(path, pictures, photometric="rgb")
    expected = pictures if kind == "colour" else np.repeat(grey_of(pictures)[..., None], 3, -1)
    video = open_video(path)
    assert np.array_equal(video[:], expected)
    assert np.array_equal(video[-1], expected[-1])
    assert np.array_equal(pickle.loads(pickle.dumps(video))[3], expected[3])
    video.close()


def test_single_page_tiff(tmp_path, pictures):
    path = tmp_path / "one.tiff"
    tifffile.imwrite(path, pictures[3], photometric="rgb")
    assert np.array_equal(open_video(path)[:], pictures[3:4])


def test_text_named_as_tiff(tmp_path):
    path = tmp_path / "notes.tif"
    path.write_text("not a tiff at all")
    with pytest.raises(VideoError, match=r"notes\.tif is not a TIFF"):
        open_video(path)


@pytest.mark.parametrize("dtype", [np.uint16, np.float32, bool])
def test_deep_pixels_are_stretched_over_the_range_of_the_stack(tmp_path, dtype):
    path = tmp_path / "deep.tif"
    ramp = np.linspace(0, 1, FRAMES)[:, None, None] * np.ones((1, 8, 8))
    data = ramp > 0.5 if dtype is bool else (100 + 3900 * ramp).astype(dtype)
    tifffile.imwrite(path, data, photometric="minisblack", metadata={"axes": "TYX"})
    video = open_video(path)
    expected = np.where(ramp[:, 0, 0] > 0.5, 255, 0) if dtype is bool else 255 * ramp[:, 0, 0]
    assert np.abs(video[:, 0, 0, 0].astype(float) - expected).max() <= 1


@pytest.mark.parametrize("version", [2, 3])
@pytest.mark.parametrize("layout", ["TYX", "TYXC", "TCYX", "TCZYX", "group"])
def test_zarr(tmp_path, pictures, version, layout):
    path = tmp_path / "frames.zarr"
    data = {
        "TYX": grey_of(pictures),
        "TYXC": pictures,
        "TCYX": np.moveaxis(pictures, -1, 1),
        "TCZYX": np.moveaxis(pictures, -1, 1)[:, :, None],
        "group": pictures,
    }[layout]
    if layout == "group":
        group = zarr.open_group(path, mode="w", zarr_format=version)
        group.create_array("0", data=data)
        group.attrs["fps"] = 25
    else:
        zarr.save_array(str(path), data, zarr_format=version)
    expected = np.repeat(grey_of(pictures)[..., None], 3, -1) if layout == "TYX" else pictures
    video = open_video(path)
    assert np.array_equal(video[:], expected)
    assert video.fps == (25 if layout == "group" else None)
    assert np.array_equal(video.dask()[7].compute(), expected[7])


@pytest.mark.parametrize("shape", [(5,), (5, 4), (3, 2, 5, 7), (0, 4, 4)])
def test_zarr_that_holds_no_frames(tmp_path, shape):
    zarr.save_array(str(tmp_path / "x.zarr"), np.zeros(shape, np.uint8))
    with pytest.raises(VideoError, match="shape"):
        open_video(tmp_path / "x.zarr")


def test_zarr_group_without_frames(tmp_path):
    group = zarr.open_group(tmp_path / "x.zarr", mode="w")
    group.create_array("position", data=np.zeros((4, 4, 4)))
    group.create_array("confidence", data=np.zeros((4, 4)))
    with pytest.raises(VideoError, match="without one array"):
        open_video(tmp_path / "x.zarr")
