"""One undamaged file of every format, all with the same poses; every point tells where it belongs."""

from __future__ import annotations

import json
import pickle
import shutil
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import xarray as xr

from superanimal.formats import save_poses
from superanimal.labels import materialize, read_labels
from superanimal.poses import make_poses
from superanimal.poses.run_store import RunStore

KEYPOINTS = ["nose", "left_ear", "tail"]
FRAMES = np.array([3, 4, 5, 9, 12, 13])
SIZE = (128, 112)
"""Width and height of the images in pixels."""


@dataclass(frozen=True)
class Sample:
    """An undamaged file.

    Attributes
    ----------
    name
        Name of the format.
    path
        File or folder, alone in its folder but for what belongs to it.
    kind
        How to damage it: ``text``, ``json``, ``hdf5``, ``parquet``, ``pickle``, ``npy`` or ``folder``.
    options
        Of ``load_poses``, where the file cannot be read without.
    """

    name: str
    path: Path
    kind: str
    options: dict[str, Any] = field(default_factory=dict)

    @property
    def identified(self) -> bool:
        """Whether the file tells its animals apart; else they are numbered in every image."""
        return self.name not in ("label-studio", "dlc-pickle")


def points(count: int = 2) -> np.ndarray:
    """Return (T, 2, K, N) pixels; no two points share a place."""
    t, k, n = np.meshgrid(np.arange(len(FRAMES)), np.arange(3), np.arange(count), indexing="ij")
    return np.stack([8 + 14 * t + 4 * k, 8 + 50 * n + 5 * t + 2 * k], axis=1).astype(np.float32)


def poses(count: int = 2, *, confidence: bool = True, images: list[str] | None = None) -> xr.Dataset:
    """Return the poses of ``count`` animals."""
    shape = (len(FRAMES), len(KEYPOINTS), count)
    sure = np.linspace(0.5, 0.99, int(np.prod(shape))).reshape(shape).astype(np.float32)
    return make_poses(
        points(count),
        sure if confidence else None,
        keypoints=KEYPOINTS,
        individuals=["ada", "bo"][:count],
        fps=10.0,
        frames=FRAMES,
        images=images,
        edited=None if confidence else np.ones(shape, dtype=bool),
        source_software="superanimal",
        video_path="clip.avi",
    )


def write_video(path: Path) -> Path:
    """Write the video that the frames belong to."""
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 10, SIZE)
    for shade in range(15):
        writer.write(np.full((SIZE[1], SIZE[0], 3), 10 * shade, np.uint8))
    writer.release()
    return path


def write_images(folder: Path) -> list[str]:
    """Write one image per frame and return their names."""
    folder.mkdir(parents=True, exist_ok=True)
    for t, frame in enumerate(FRAMES):
        picture = np.full((SIZE[1], SIZE[0], 3), 20 * t + 1, np.uint8)
        cv2.imwrite(str(folder / f"img{frame:04d}.png"), picture)
    return [f"{folder.name}/img{frame:04d}.png" for frame in FRAMES]


def make_samples(root: Path) -> list[Sample]:
    """Write a file of every format that is read, each into its own folder below ``root``."""
    root.mkdir(parents=True, exist_ok=True)
    found = []

    def add(name: str, file: str, kind: str, write: Callable[[Path], Any], **options: Any) -> None:
        folder = root / file.replace(".", "_")
        folder.mkdir()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            write(folder / file)
        for sidecar in folder.glob("*.provenance.json"):  # it would have a word about every changed table
            sidecar.unlink()
        found.append(Sample(name, folder / file, kind, options))

    for name, file, kind in (
        ("dlc-h5", "v.h5", "hdf5"),
        ("dlc-csv", "v.csv", "text"),
        ("movement", "v.nc", "hdf5"),
        ("csv", "tidy.csv", "text"),
        ("parquet", "v.parquet", "parquet"),
        ("slp", "v.slp", "hdf5"),
        ("sleap-analysis-h5", "v.analysis.h5", "hdf5"),
        ("nwb", "v.nwb", "hdf5"),
    ):
        add(name, file, kind, lambda path, name=name: save_poses(poses(), path, name))
    write_video(root / "v_slp" / "clip.avi")
    add("lightning-pose", "lp.csv", "text", lambda path: save_poses(poses(1), path, "lightning-pose"))
    add("dlc-labels csv", "CollectedData_me.csv", "text", _deeplabcut_labels)
    add("dlc-labels h5", "CollectedData_me.h5", "hdf5", _deeplabcut_labels)
    add("coco", "c.json", "json", _coco)
    add("label-studio", "export.json", "json", _label_studio)
    add("dlc-pickle", "vDLC_full.pickle", "pickle", _full_pickle)
    add("superanimal-json", "v_before_adapt.json", "json", _before_adapt)
    add("array", "v.npy", "npy", _array, keypoints=KEYPOINTS, individuals=["ada", "bo"])
    add("superanimal-zarr", "v.poses.zarr", "folder", _run)
    add("label store", "s.labels.zarr", "folder", lambda path: _materialized(path, "store"))
    add("sleap package", "p.pkg.slp", "hdf5", lambda path: _materialized(path, "sleap"))
    return found


def _deeplabcut_labels(path: Path) -> None:
    names = write_images(path.parent / "labeled-data" / "clip")
    labels = poses(confidence=False, images=[f"labeled-data/{name}" for name in names])
    save_poses(labels, path.parent / "CollectedData_me.h5", "dlc-labels")
    for file in path.parent.glob("CollectedData*"):
        if file.suffix != path.suffix:
            file.unlink()


def _coco(path: Path) -> None:
    names = write_images(path.parent / "images")
    save_poses(poses(confidence=False, images=names), path, "coco")


def _materialized(path: Path, to: str) -> None:
    source = path.parent / "source" / "c.json"
    source.parent.mkdir()
    _coco(source)
    materialize(read_labels(source), path, to, images="copy")
    shutil.rmtree(source.parent)


def _label_studio(path: Path) -> None:
    tasks = []
    for t, name in enumerate(write_images(path.parent / "images")):
        result = []
        for n in range(2):
            size = {"original_width": SIZE[0], "original_height": SIZE[1]}
            box = {"x": 0, "y": 50 * n, "width": 100, "height": 50, "rectanglelabels": ["mouse"]}
            result.append({"id": f"r{n}", "type": "rectanglelabels", **size, "value": box})
            for k, keypoint in enumerate(KEYPOINTS):
                x, y = (points()[t, :, k, n] + 0.5) * 100 / SIZE
                value = {"x": float(x), "y": float(y), "width": 1, "keypointlabels": [keypoint]}
                result.append(
                    {"id": f"k{n}{k}", "type": "keypointlabels", "parentID": f"r{n}", **size, "value": value}
                )
        tasks.append({"id": t + 1, "data": {"image": name}, "annotations": [{"id": t, "result": result}]})
    path.write_text(json.dumps(tasks))


def _full_pickle(path: Path) -> None:
    content: dict[str, Any] = {"metadata": {"all_joints_names": KEYPOINTS, "nms radius": 5}}
    for t, frame in enumerate(FRAMES):
        content[f"frame{frame:03d}"] = {
            "coordinates": ([points()[t, :, k].T.copy() for k in range(3)],),
            "confidence": [np.full((2, 1), 0.9, np.float32) for _ in range(3)],
            "costs": {},
        }
    path.write_bytes(pickle.dumps(content))


def _before_adapt(path: Path) -> None:
    sure = np.full((len(FRAMES), 1, 3, 2), 0.9, np.float32)
    values = np.concatenate([points(), sure], axis=1).transpose(0, 3, 2, 1)
    boxes = [[0, 0, 60, 50], [0, 50, 60, 50]]
    frames = [{"bodyparts": v.tolist(), "bboxes": boxes, "bbox_scores": [0.9, 0.8]} for v in values]
    path.write_text(json.dumps(frames))


def _array(path: Path) -> None:
    np.save(path, points().transpose(0, 3, 2, 1))


def _run(path: Path) -> None:
    store = RunStore.create(
        path, frames=FRAMES, keypoints=KEYPOINTS, individuals=["ada", "bo"], fps=10.0, video_path="clip.avi",
        identity={"settings": {"mode": "enhanced"}}, provenance={"software": "fuzz"},
    )  # fmt: skip
    shape = (len(FRAMES), 2)
    arrays = {
        "position": points().transpose(0, 3, 2, 1),
        "confidence": np.full((*shape, 3), 0.9, np.float32),
        "boxes": np.full((*shape, 4), 40, np.float32),
        "box_confidence": np.full(shape, 0.9, np.float32),
    }
    store.write_chunk(0, arrays, {})
