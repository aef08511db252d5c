"""Writing a SLEAP project: one track per individual, predictions and their corrections by a person."""

from __future__ import annotations

import os
from pathlib import Path

import h5py
import numpy as np
import xarray as xr

from superanimal.files import atomic_write
from superanimal.formats import record
from superanimal.formats.sleap.project import PREDICTED, RECORD, USER
from superanimal.formats.sleap.skeleton import skeleton_in


def write_slp(ds: xr.Dataset, path: str | os.PathLike[str]) -> list[Path]:
    """Write a SLEAP project.

    Every animal becomes a predicted instance. An animal with an edited point also becomes a labelled
    instance, which SLEAP shows instead of the linked prediction: points set by a person are marked complete,
    and the prediction keeps the scores.
    """
    import sleap_io

    skeleton = skeleton_in(ds, path)
    labels = sleap_io.Labels(
        videos=[sleap_io.Video(filename=str(ds.attrs.get("video_path") or "video.mp4"), open_backend=False)],
        skeletons=[skeleton.for_sleap()],
        tracks=[sleap_io.Track(str(name)) for name in ds["individual"].values],
        provenance={RECORD: record.dump(ds)},
    )
    position = ds["position"].values.transpose(0, 3, 2, 1).astype(np.float64)  # (T, N, K, 2)
    score = ds["confidence"].values.transpose(0, 2, 1).astype(np.float64)
    edited = np.zeros(score.shape, dtype=bool)
    if "edited" in ds:
        edited |= ds["edited"].values.transpose(0, 2, 1)
    with atomic_write(path) as temporary:
        temporary.unlink()
        sleap_io.save_slp(labels, os.fspath(temporary), verbose=False)
        with h5py.File(temporary, "r+") as file:
            for name, table in _tables(file, ds["frame"].values, position, score, edited).items():
                del file[name]
                file.create_dataset(name, data=table)
    return [Path(path)]


def _tables(
    file: h5py.File, frame: np.ndarray, position: np.ndarray, score: np.ndarray, edited: np.ndarray
) -> dict[str, np.ndarray]:
    """Return the four tables of a project, instances in order of frame, track and kind.

    Parameters
    ----------
    frame
        (T,) frame numbers.
    position, score, edited
        (T, N, K, 2), (T, N, K) and (T, N, K).
    """
    visible = np.isfinite(position).all(axis=-1)
    keypoints = visible.shape[2]
    present = visible.any(axis=-1)
    user = present & edited.any(axis=-1)
    predicted = present & (~user | np.isfinite(score).any(axis=-1))
    t, n, kind = np.nonzero(np.stack([predicted, user], axis=-1))  # the prediction before its correction
    is_user = kind == 1
    instances = np.zeros(len(t), dtype=file["instances"].dtype)
    instances["instance_id"] = np.arange(len(t))
    instances["instance_type"] = np.where(is_user, USER, PREDICTED)
    instances["frame_id"], instances["track"] = t, n
    instances["from_predicted"] = np.where(is_user & predicted[t, n], np.arange(len(t)) - 1, -1)
    tables = {"instances": instances}
    for name, own in (("points", is_user), ("pred_points", ~is_user)):
        start = (np.cumsum(own) - 1) * keypoints
        instances["point_id_start"][own] = start[own]
        instances["point_id_end"][own] = start[own] + keypoints
        points = np.zeros(int(own.sum()) * keypoints, dtype=file[name].dtype)
        where = (t[own], n[own])
        points["x"], points["y"] = position[where].reshape(-1, 2).T
        points["visible"] = visible[where].ravel()
        if name == "points":
            points["complete"] = edited[where].ravel()
        else:  # the predicted position of a moved point is no longer known
            points["visible"] &= ~edited[where].ravel()
            points["x"][~points["visible"]] = points["y"][~points["visible"]] = np.nan
            points["score"] = score[where].ravel()
            scores = score[where]
            known = np.isfinite(scores)
            instances["score"][own] = np.where(known, scores, 0).sum(1) / np.maximum(known.sum(1), 1)
        tables[name] = points
    frames = np.zeros(len(frame), dtype=file["frames"].dtype)
    frames["frame_id"], frames["frame_idx"] = np.arange(len(frame)), frame
    ends = np.cumsum(np.bincount(t, minlength=len(frame)))
    frames["instance_id_start"][1:], frames["instance_id_end"] = ends[:-1], ends
    tables["frames"] = frames
    return tables
