"""Readers and writers as npe2 calls them, without a viewer."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import npe2
import numpy as np
import pytest
import sleap_io
import xarray as xr
from PIL import Image

from napari_superanimal._reader import get_poses_reader, get_video_reader, read_poses, video_layer
from napari_superanimal._writer import write_nwb_per_animal
from napari_superanimal.pose_layer.layers import layer_to_poses, poses_to_layer, poses_to_layerdata
from napari_superanimal.pose_layer.save import FORMATS
from superanimal.errors import FormatError
from superanimal.formats import load_poses, save_poses
from superanimal.poses.run_store import RunStore
from superanimal.samples import sample_path

PLUGIN = "napari-superanimal"


def test_video_reader_gives_a_lazy_rgb_layer() -> None:
    path = str(sample_path("topview_mouse.mp4"))
    reader = get_video_reader(path)
    assert reader is not None
    ((data, keywords, kind),) = reader(path)
    assert kind == "image" and keywords["rgb"] and not keywords["cache"]
    assert data.dtype == np.uint8 and data.chunks[0][:2] == (1, 1)
    metadata = keywords["metadata"]
    assert metadata["path"] == str(Path(path).resolve())
    assert len(metadata["timestamps"]) == len(data) and metadata["fps"] > 0
    np.testing.assert_array_equal(data[7].compute(), metadata["video"][7])


def test_a_folder_of_images_of_different_sizes_opens_and_says_how(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[str] = []
    monkeypatch.setattr("napari.utils.notifications.show_info", told.append)
    for k, size in enumerate([(30, 40), (30, 40), (50, 20)]):
        Image.new("RGB", size[::-1], (9 + k, 0, 0)).save(tmp_path / f"{k}.png")
    data, _, _ = video_layer(tmp_path)
    assert data.shape == (3, 50, 40, 3)
    assert np.array_equal(np.unique(data[2, :, :20].compute()), [0, 11]) and not data[2, :, 20:].any()
    assert len(told) == 1 and "2 sizes" in told[0] and "40 x 50 pixels" in told[0]
    (tmp_path / "2.png").unlink()
    video_layer(tmp_path)
    assert len(told) == 1


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("table.csv", b"a,b\n1,2\n"),
        ("data.json", b'{"hello": 1}'),
        ("noise.h5", b"\x89HDF\r\n\x1a\n" + bytes(100)),
        ("text.nc", b"not netCDF"),
        ("zero.slp", b""),
    ],
)
def test_files_that_are_not_ours_are_left_alone(tmp_path: Path, name: str, content: bytes) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    assert get_poses_reader(str(path)) is None
    assert get_poses_reader(str(tmp_path / "absent.h5")) is None
    assert get_video_reader(str(path)) is None


@pytest.mark.parametrize("format_name", [name for name, _, _ in FORMATS if name != "nwb-per-animal"])
def test_writer_honours_the_path_and_keeps_the_numbers(
    pair: xr.Dataset, tmp_path: Path, format_name: str
) -> None:
    _, title, suffix = next(f for f in FORMATS if f[0] == format_name)
    path = tmp_path / f"chosen name{suffix}"
    whole = pair.drop_vars("speed")
    whole["position"] = whole["position"].where(np.isfinite(whole["position"]).all("space"))
    layer_data = poses_to_layerdata(whole, cutoff=0.9)
    manifest = npe2.PluginManifest.from_distribution(PLUGIN)
    writer = next(w for w in manifest.contributions.writers if w.display_name == title)
    written = _call(writer.command, manifest, str(path), layer_data)
    assert str(path) in written and path.exists()
    again = load_poses(path, format=format_name)
    order = {"keypoint": whole["keypoint"], "individual": whole["individual"]}
    ours = again.reindex(**order).swap_dims(time="frame").reindex(frame=whole["frame"].values)
    np.testing.assert_allclose(ours["position"], whole["position"], rtol=1e-6)


def test_one_nwb_file_per_animal(pair: xr.Dataset, tmp_path: Path) -> None:
    data, keywords, _ = poses_to_layerdata(pair.drop_vars("speed"))
    written = write_nwb_per_animal(str(tmp_path / "clip.nwb"), data, keywords)
    names = [str(name) for name in pair["individual"].values]
    assert [Path(file).name for file in written] == [f"clip_{name}.nwb" for name in names]
    assert load_poses(written[1])["individual"].values.tolist() == names[1:]


def test_of_several_videos_the_one_that_is_open_is_chosen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    skeleton = sleap_io.Skeleton(nodes=["nose"], name="s")
    videos = [sleap_io.Video(filename=f"{name}.mp4", open_backend=False) for name in "ab"]
    frames = []
    for video, x in zip(videos, (10.0, 20.0), strict=True):
        animal = sleap_io.Instance.from_numpy(np.array([[x, 5.0]]), skeleton=skeleton)
        frames.append(sleap_io.LabeledFrame(video=video, frame_idx=0, instances=[animal]))
    path = tmp_path / "two.slp"
    sleap_io.save_slp(sleap_io.Labels(frames, videos=videos, skeletons=[skeleton]), str(path))
    with pytest.raises(FormatError) as caught:
        read_poses(str(path))
    assert "open the video of one of them first" in caught.value.text("viewer")
    told: list[str] = []
    monkeypatch.setattr("napari.utils.notifications.show_info", told.append)
    layers = [SimpleNamespace(metadata={}), SimpleNamespace(metadata={"path": "/data/b.mp4"})]
    monkeypatch.setattr("napari.current_viewer", lambda: SimpleNamespace(layers=layers))
    monkeypatch.setattr("napari_superanimal._reader.attach_when_added", lambda *_: None)
    ((data, _, _),) = read_poses(str(path))
    assert data[0, 2] == 20 and "those of b.mp4" in told[0]


def _call(command: str, manifest: npe2.PluginManifest, path: str, layer_data: Any) -> list[str]:
    name = next(c.python_name for c in manifest.contributions.commands if c.id == command)
    module, function = str(name).split(":")
    data, keywords, _ = layer_data
    written: list[str] = getattr(__import__(module, fromlist=["_"]), function)(path, data, keywords)
    return written


def test_pose_file_to_layer_and_back(pair: xr.Dataset, tmp_path: Path) -> None:
    path = tmp_path / "poses.nc"
    save_poses(pair, path, format="movement")
    reader = get_poses_reader(str(path))
    assert reader is not None
    ((data, keywords, kind),) = reader(str(path))
    assert kind == "points" and keywords["name"] == "poses"
    np.testing.assert_array_equal(layer_to_poses((data, keywords, kind))["position"], pair["position"])


def test_napari_saves_through_the_writer(pair: xr.Dataset, tmp_path: Path) -> None:
    layer = poses_to_layer(pair)
    path = tmp_path / "poses.nc"
    assert layer.save(str(path), plugin=PLUGIN) == [str(path)]
    np.testing.assert_array_equal(load_poses(path)["position"], pair["position"])


def test_run_store_opens_while_it_is_unfinished(tmp_path: Path) -> None:
    store = RunStore.create(
        tmp_path / "clip_model.poses.zarr",
        frames=np.arange(300),
        keypoints=["nose", "tail"],
        individuals=["animal0"],
    )
    ones = np.ones((256, 1, 2, 2), np.float32)
    arrays = {
        "position": ones,
        "confidence": ones[..., 0],
        "boxes": np.ones((256, 1, 4), np.float32),
        "box_confidence": ones[:, :, 0, 0],
    }
    store.write_chunk(0, arrays, {})
    reader = get_poses_reader(str(store.path))
    assert reader is not None
    ((data, keywords, _),) = reader(str(store.path))
    assert keywords["name"] == "clip_model"
    assert data.shape == (300 * 2, 3)
    assert keywords["shown"].sum() == 256 * 2
