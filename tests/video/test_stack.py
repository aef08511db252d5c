"""Folders of images, TIFF stacks and zarr arrays are videos too."""

from __future__ import annotations

import gc
import json
import pickle

import cv2
import numpy as np
import pytest
import tifffile
import zarr
from PIL import Image

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


@pytest.mark.parametrize("damage", ["no header", "cut off"])
def test_unfit_image_is_a_bad_frame(folder, pictures, damage):
    path = folder / "img5.png"
    path.write_bytes(b"\x89PNG and then nothing" if damage == "no header" else path.read_bytes()[:100])
    video = open_video(folder)
    with pytest.warns(VideoWarning, match=r"img5\.png \(frame 5\) cannot be decoded"):
        assert np.array_equal(video[5], pictures[4])
    assert np.array_equal([frame for _, frame in video.frames()][5], pictures[4])
    assert video.bad_frames == (5,)
    assert video.frame_size(5) == (64, 96)


def test_images_of_different_sizes_keep_their_size_and_lie_at_the_top_left(folder, pictures):
    cv2.imwrite(str(folder / "img5.png"), pictures[5][:32, :, ::-1])
    cv2.imwrite(str(folder / "img6.png"), pictures[6][:, :50, ::-1])
    cv2.imwrite(
        str(folder / "img7.png"), np.pad(pictures[7], ((0, 6), (0, 4), (0, 0)), mode="edge")[..., ::-1]
    )
    video = open_video(folder)
    assert video.shape == (FRAMES, 70, 100, 3)
    assert [video.frame_size(k) for k in (4, 5, 6, 7)] == [(64, 96), (32, 96), (64, 50), (70, 100)]
    for k in range(FRAMES):
        height, width = video.frame_size(k)
        assert np.array_equal(video[k][:64, :96][:height, :width], pictures[k][:height, :width])
        assert not video[k][height:].any() and not video[k][:, width:].any()
    assert video.bad_frames == ()
    assert np.array_equal(video.dask()[6].compute(), video[6])


@pytest.mark.parametrize("suffix", ["png", "jpg", "webp", "tif"])
def test_the_size_of_a_turned_image_is_that_of_what_is_shown(tmp_path, pictures, suffix):
    image = Image.fromarray(pictures[3])
    exif = image.getexif()
    exif[274] = 6  # a quarter turn
    image.save(tmp_path / f"a.{suffix}", exif=exif)
    Image.fromarray(pictures[3]).save(tmp_path / f"b.{suffix}")
    video = open_video(tmp_path)
    assert [video.frame_size(k) for k in (0, 1)] == [(96, 64), (64, 96)]
    turned = video[0][:, :64].astype(int)
    assert np.abs(turned - np.rot90(pictures[3], -1)).mean() < 6
    assert video.bad_frames == ()


@pytest.mark.parametrize("suffix", ["png", "tif"])
@pytest.mark.parametrize("colour", [False, True])
def test_twelve_bits_get_one_stretch_for_the_whole_folder(tmp_path, suffix, colour):
    ramp = np.linspace(0, 1, 20)
    for k, level in enumerate(ramp):
        value = np.full((8, 8, 3) if colour else (8, 8), 100 + 3900 * level, np.uint16)
        if colour:
            value[..., 0] = 100  # blue of OpenCV
        cv2.imwrite(str(tmp_path / f"{k}.{suffix}"), value)
    video = open_video(tmp_path)
    assert np.abs(video[:, 0, 0, 0].astype(float) - 255 * ramp).max() <= 1
    assert np.abs(video[:, 0, 0, 2].astype(float) - (0 if colour else 255 * ramp)).max() <= 1


def test_eight_bits_beside_twelve_stay_as_they_are(folder, pictures):
    deep = np.linspace(0, 4095, 64 * 96).reshape(64, 96).astype(np.uint16)
    for k in range(12, 40):
        cv2.imwrite(str(folder / f"img{k}.png"), pictures[0])
    cv2.imwrite(str(folder / "img1.png"), deep)  # not among evenly spaced ones
    video = open_video(folder)
    assert np.array_equal(video[2:12], pictures[2:])
    assert np.abs(video[1][..., 0] - np.linspace(0, 255, deep.size).reshape(deep.shape)).max() <= 1


@pytest.mark.parametrize("kind", ["grey", "colour", "imagej", "lzw", "12 bits", "ome"])
def test_a_folder_of_tiffs_has_all_pages_of_all_files_in_order_of_names(tmp_path, pictures, kind):
    colour = kind in ("colour", "lzw")
    data = pictures if colour else grey_of(pictures)
    if kind == "12 bits":
        data = data.astype(np.uint16) * 16
    parts = {"a2.tif": slice(0, 5), "a3.tif": slice(5, 6), "a10.tif": slice(6, 12)}
    for name, part in parts.items():
        if kind == "lzw":
            first, *others = [Image.fromarray(frame) for frame in data[part]]
            first.save(tmp_path / name, save_all=True, append_images=others, compression="tiff_lzw")
        else:
            options = {"imagej": {"imagej": True, "metadata": {"axes": "TYX"}}, "ome": {"ome": True}}
            photometric = "rgb" if colour else "minisblack"
            tifffile.imwrite(tmp_path / name, data[part], photometric=photometric, **options.get(kind, {}))
    video = open_video(tmp_path)
    expected = pictures if colour else np.repeat(grey_of(pictures)[..., None], 3, -1)
    if kind == "12 bits":
        expected = np.where(expected > 128, 255, 0)  # blocks of 30 and 225
    assert video.shape == pictures.shape
    assert np.array_equal(video[:], expected)
    assert [path.name for path in video.paths] == ["a2.tif"] * 5 + ["a3.tif"] + ["a10.tif"] * 6
    assert np.array_equal(pickle.loads(pickle.dumps(video))[7], expected[7])


def test_pages_of_different_sizes_are_all_there(tmp_path, pictures):
    with tifffile.TiffWriter(tmp_path / "mixed.tif") as writer:
        for k in range(6):
            writer.write(pictures[k][: 64 if k < 4 else 40], photometric="rgb", contiguous=False)
    video = open_video(tmp_path / "mixed.tif")
    assert [video.frame_size(k)[0] for k in range(len(video))] == [64] * 4 + [40] * 2
    assert np.array_equal(video[:4], pictures[:4]) and np.array_equal(video[5][:40], pictures[5][:40])


def test_more_tiffs_than_are_kept_open(tmp_path, pictures):
    for k in range(0, FRAMES):
        tifffile.imwrite(tmp_path / f"{k}.tif", pictures[[k, k]], photometric="rgb")
    video = open_video(tmp_path, cache_bytes=0)
    assert np.array_equal(video[:], np.repeat(pictures, 2, axis=0))
    assert np.array_equal(video[::-3], np.repeat(pictures, 2, axis=0)[::-3])
    video.close()


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
    with pytest.raises(VideoError, match=r"notes\.tif is not a readable TIFF"):
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
    with pytest.raises(VideoError, match="cannot be identified"):
        open_video(tmp_path / "x.zarr")


@pytest.mark.parametrize("damage", ["chunk shape", "frame rate", "data type"])
def test_damaged_zarr_is_a_video_error(tmp_path, damage):
    path = tmp_path / "x.zarr"
    zarr.save_array(str(path), np.zeros((3, 4, 5), np.uint8), zarr_format=3)
    content = json.loads((path / "zarr.json").read_text())
    if damage == "chunk shape":
        content["chunk_grid"]["configuration"]["chunk_shape"] = ["", 4, 5]
    elif damage == "frame rate":
        content["attributes"] = {"fps": "fast"}
    else:
        content["data_type"] = "x"
    (path / "zarr.json").write_text(json.dumps(content))
    with pytest.raises(VideoError, match=r"x\.zarr is not a readable zarr store"):
        open_video(path)


def test_foreign_folders_in_a_zarr_group_are_passed_over(tmp_path, capfd):
    group = zarr.open_group(tmp_path / "g.zarr", mode="w")
    group.create_array("only", data=np.zeros((3, 4, 5), np.uint8))
    (tmp_path / "g.zarr" / ".notes").mkdir()
    with open_video(tmp_path / "g.zarr") as video:
        assert video.shape == (3, 4, 5, 3)
    gc.collect()
    assert "Traceback" not in capfd.readouterr().err
