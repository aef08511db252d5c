"""Reading a SLEAP project: the identity of each instance, and which points count.

Names and videos are read with sleap-io; the point tables are read as arrays with h5py, because one Python
object per animal and frame takes minutes for a long video.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PureWindowsPath
from typing import Any

import h5py
import numpy as np
import xarray as xr

from superanimal.errors import FormatError, InputError
from superanimal.formats import record
from superanimal.formats.choose import CHOOSE
from superanimal.formats.sleap.skeleton import distinct, free_name
from superanimal.formats.wide_table import clip_confidence
from superanimal.poses import make_poses

USER, PREDICTED = 0, 1
RECORD = "superanimal"


@dataclass(frozen=True)
class Project:
    """The tables of a project and the objects they refer to.

    Attributes
    ----------
    labels
        ``sleap_io.Labels`` with videos, skeletons, tracks and provenance; its frames are not used.
    frames, instances
        Structured arrays as stored.
    points
        Points by instance type.
    video_ids
        Id of each video in ``frames``.
    shift
        Pixels to subtract from coordinates: older files measure from the corner of the first pixel.
    """

    labels: Any
    frames: np.ndarray
    instances: np.ndarray
    points: dict[int, np.ndarray]
    video_ids: list[int]
    shift: float


def open_project(path: str | os.PathLike[str]) -> Project:
    """Read the tables of a project and check their consistency.

    Raises
    ------
    FormatError
        The file is damaged, or an instance does not fit its skeleton.
    """
    import sleap_io

    try:
        labels = sleap_io.load_slp(os.fspath(path), open_videos=False, lazy=True)
        with h5py.File(path) as file:
            frames, instances = file["frames"][:], file["instances"][:]
            points = {USER: file["points"][:], PREDICTED: file["pred_points"][:]}
            shift = 0.5 if float(file["metadata"].attrs["format_id"]) < 1.1 else 0.0
    except (OSError, KeyError, ValueError) as error:
        raise FormatError(f"{path}: not a readable SLEAP project ({error})") from error
    project = Project(labels, frames, instances, points, _video_ids(labels.videos, frames), shift)
    _check(project, path)
    return project


def read_slp(path: str | os.PathLike[str], *, video: int | str | None = None) -> xr.Dataset:
    """Read the labelled and predicted instances of one video of a SLEAP project.

    Points of instances labelled by a person are marked ``edited`` (in files of this package, only points that
    SLEAP calls complete). A correction replaces the prediction it came from, and one on the same track.
    Instances without a track are numbered by their order in the frame and named animal0, animal1, ...; the
    attribute ``untracked`` lists these names, which are not identities.
    Frames are those in the file, in order.

    Parameters
    ----------
    video
        Index of the video in the project, from 0, or its file name; required if several videos have poses.

    Raises
    ------
    FormatError
        The file is damaged, an instance does not fit its skeleton, or several videos have poses.
    InputError
        The project has no such video.
    """
    project = open_project(path)
    labels, number = project.labels, choose_video(project, video, path)
    chosen = project.frames
    if labels.videos:
        chosen = chosen[chosen["video"] == project.video_ids[number]]
    chosen = chosen[np.argsort(chosen["frame_idx"], kind="stable")]
    rows, t = _rows_of(chosen)
    instances = project.instances[rows]
    known = record.parse(labels.provenance.get(RECORD))
    source = _corrections(instances, t)
    n, individuals = _individuals(project, instances, t, source, chosen["frame_idx"], path)
    if known:  # in files of this package the corrected prediction keeps the scores
        linked = np.flatnonzero(source >= 0)
        n[source[linked]] = n[linked]

    used = np.unique(instances["skeleton"]).tolist() or range(len(labels.skeletons))
    nodes = [labels.skeletons[s].node_names if s in used else [] for s in range(len(labels.skeletons))]
    keypoints = list(dict.fromkeys(name for names in nodes for name in names))
    shape = (len(chosen), len(individuals), len(keypoints))
    xys = np.full((*shape, 3), np.nan, dtype=np.float32)
    edited = np.zeros(shape, dtype=bool)
    for s, names in enumerate(nodes):
        k = np.array([keypoints.index(name) for name in names], dtype=np.int64)
        for kind in (PREDICTED, USER):
            own = (instances["skeleton"] == s) & (instances["instance_type"] == kind) & (n >= 0)
            start = instances["point_id_start"][own].astype(np.int64)
            found = project.points[kind][start[:, None] + np.arange(len(k))]
            values = np.stack([found["x"] - project.shift, found["y"] - project.shift], axis=-1)
            values[~found["visible"].astype(bool) | np.isnan(values).any(-1)] = np.nan
            where = (t[own][:, None], n[own][:, None], k[None, :])
            if kind == PREDICTED:
                score = found["score"]
            elif known:  # files of this package mark points set by a person as complete
                by_hand = found["complete"].astype(bool)
                edited[where] = np.where(by_hand.any(1)[:, None], by_hand, np.isfinite(values[..., 0]))
                score = xys[(*where, 2)]
            else:
                edited[where] = np.isfinite(values[..., 0])
                score = np.full(found.shape, np.nan)
            xys[where] = np.concatenate([values, score[..., None]], axis=-1)
    xys[..., 2][np.isnan(xys[..., 0])] = np.nan
    fields = record.fields_of(known, "SLEAP")
    filename = labels.videos[number].filename if labels.videos else ""
    if not fields["video_path"] and isinstance(filename, str):
        fields["video_path"] = filename
    poses = make_poses(
        xys[..., :2].transpose(0, 3, 2, 1),
        clip_confidence(xys[..., 2], path).transpose(0, 2, 1),
        keypoints=keypoints,
        individuals=individuals,
        frames=chosen["frame_idx"].astype(np.int64),
        edited=edited.transpose(0, 2, 1) if edited.any() else None,
        source_file=str(path),
        **fields,
    )
    tracks = {one.name for one in labels.tracks}
    if loose := [name for name in individuals if name not in tracks]:
        poses.attrs["untracked"] = loose
    return poses


def _check(project: Project, path: str | os.PathLike[str]) -> None:
    """Raise unless every instance has the points of its skeleton and all its references are valid."""
    table, labels, frames = project.instances, project.labels, project.frames
    known = set(project.video_ids) if labels.videos else set(frames["video"].tolist())
    if unknown := sorted(set(frames["video"].tolist()) - known):
        raise FormatError(
            f"{path}: frames of video {unknown[0]}", f"the project has {len(labels.videos)} videos, from 0"
        )
    first, last = frames["instance_id_start"].astype(np.int64), frames["instance_id_end"].astype(np.int64)
    if ((first > last) | (last > len(table))).any():
        raise FormatError(f"{path}: a frame has instances outside the table", "the file is damaged")
    rows, row_frame = _rows_of(frames)
    frame_of = dict(zip(rows.tolist(), frames["frame_idx"][row_frame].tolist(), strict=True))
    sizes = np.array([len(skeleton.nodes) for skeleton in labels.skeletons], dtype=np.int64)
    start, end = table["point_id_start"].astype(np.int64), table["point_id_end"].astype(np.int64)
    stored = np.where(
        table["instance_type"] == USER, *(len(project.points[kind]) for kind in (USER, PREDICTED))
    )
    skeleton = table["skeleton"].astype(np.int64)

    def refuse(wrong: np.ndarray, what: str, rule: str, remedy: str = "") -> None:
        if wrong.any():
            i = int(np.flatnonzero(wrong)[0])
            raise FormatError(
                f"{path}: instance {table['instance_id'][i]} in frame {frame_of.get(i, '?')} {what}",
                rule,
                remedy,
            )

    strange = ~np.isin(table["instance_type"], (USER, PREDICTED))
    refuse(strange, "is neither a label nor a prediction", "SLEAP knows these two kinds")
    refuse(skeleton >= len(sizes), "has an unknown skeleton", f"the project has {len(sizes)}")
    refuse(table["track"] >= len(labels.tracks), "has an unknown track", f"there are {len(labels.tracks)}")
    refuse((start > end) | (end > stored), "has points outside the table", "the file is damaged")
    counts = end - start
    wrong = counts != sizes[skeleton] if len(table) else np.zeros(0, dtype=bool)
    if wrong.any():
        i = int(np.flatnonzero(wrong)[0])
        owner = labels.skeletons[int(skeleton[i])]
        refuse(
            wrong,
            f"holds {counts[i]} points",
            f"its skeleton {owner.name or ''!r} has {sizes[skeleton[i]]} nodes, so it is unknown which "
            "point is which (a node was added or deleted)",
            "open the project in SLEAP and save it again",
        )


def _rows_of(frames: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the rows of the instances of the given frames, and the index of the frame of each."""
    start = frames["instance_id_start"].astype(np.int64)
    counts = frames["instance_id_end"].astype(np.int64) - start
    before = np.cumsum(counts) - counts
    return np.repeat(start - before, counts) + np.arange(counts.sum()), np.repeat(
        np.arange(len(frames)), counts
    )


def _video_ids(videos: Sequence[Any], frames: np.ndarray) -> list[int]:
    """Return the id that ``frames`` uses for each video: its index, or that of its embedded images."""
    if set(frames["video"].tolist()) == set(range(len(videos))):
        return list(range(len(videos)))
    ids = []
    for place, video in enumerate(videos):
        inside = (video.backend_metadata or {}).get("dataset") or getattr(video.backend, "dataset", None)
        group = str(inside or "").partition("/")[0]
        digits = group.removeprefix("video")
        ids.append(int(digits) if group.startswith("video") and digits.isdigit() else place)
    return ids


def choose_video(project: Project, video: int | str | None, path: str | os.PathLike[str]) -> int:
    """Return the index of the requested video, or of the only one with poses."""
    names = [_video_name(found, k) for k, found in enumerate(project.labels.videos)]
    counts = [int((project.frames["video"] == known).sum()) for known in project.video_ids]
    listed = ", ".join(
        f"{k}: {name} ({c} frames)" for k, (name, c) in enumerate(zip(names, counts, strict=True))
    )
    if video is None:
        with_poses = [k for k, count in enumerate(counts) if count]
        if len(with_poses) > 1:
            raise FormatError(
                f"{path}: {len(with_poses)} videos with poses ({listed})",
                "one data set belongs to one video, given by its index or name",
                CHOOSE,
            )
        return with_poses[0] if with_poses else 0
    if isinstance(video, str) and not video.isdigit():
        wanted = PureWindowsPath(video).name
        fitting = [k for k, name in enumerate(names) if name == video] or [
            k for k, name in enumerate(names) if PureWindowsPath(name).name == wanted
        ]
        if len(fitting) == 1:
            return fitting[0]
        raise InputError(
            f"video={video!r}: {len(fitting)} videos with that name in {path}", f"it has {listed}"
        )
    if not 0 <= int(video) < len(names):
        raise InputError(f"video={video} of {path}", f"it has {listed or 'no video'}")
    return int(video)


def videos_with_poses(project: Project) -> list[str]:
    """Return the name of each video with poses; its index if several have that name."""
    names = [_video_name(found, k) for k, found in enumerate(project.labels.videos)]
    known = set(project.frames["video"].tolist())
    shown = [k for k, number in enumerate(project.video_ids) if number in known]
    return [names[k] if names.count(names[k]) == 1 else str(k) for k in shown]


def _video_name(video: Any, number: int) -> str:
    """Return the file of a video, or of the video that embedded images were taken from."""
    source = getattr(video, "source_video", None)
    name = source.filename if source is not None else video.filename
    if isinstance(name, (list, tuple)):
        name = str(Path(name[0]).parent) if name else ""
    return str(name or f"video{number}")


def _corrections(instances: np.ndarray, t: np.ndarray) -> np.ndarray:
    """Return, for each instance, the row of the prediction in its frame that it corrects; -1 for none."""
    row_of = {number: row for row, number in enumerate(instances["instance_id"].tolist())}
    source = np.full(len(instances), -1, dtype=np.int64)
    people = instances["instance_type"] == USER
    taken: set[int] = set()
    for i in np.flatnonzero(people & (instances["from_predicted"] >= 0)).tolist():
        row = row_of.get(int(instances["from_predicted"][i]), -1)
        if row >= 0 and not people[row] and t[row] == t[i] and row not in taken:
            source[i] = row
            taken.add(row)
    return source


def _individuals(
    project: Project,
    instances: np.ndarray,
    t: np.ndarray,
    source: np.ndarray,
    frame_idx: np.ndarray,
    path: str | os.PathLike[str],
) -> tuple[np.ndarray, list[str]]:
    """Return the individual of each instance (-1: replaced by another instance) and all names.

    Tracks come first. What has no track, or is the second on its track in a frame, is counted per frame and
    skeleton, people's first. In a project of one animal a label takes the place of the prediction in its
    frame; with several, nothing tells which one it stands for, and a warning says so.
    """
    track = instances["track"].astype(np.int64)
    track = np.where((track < 0) & (source >= 0), track[source], track)
    people = instances["instance_type"] == USER
    dropped = np.zeros(len(instances), dtype=bool)
    dropped[source[source >= 0]] = True
    holders: dict[tuple[int, int], int] = {}
    twice: list[int] = []
    tracked = np.flatnonzero((track >= 0) & ~dropped)
    for i in tracked[np.argsort(~people[tracked], kind="stable")].tolist():  # people's first
        holder = holders.setdefault((int(t[i]), int(track[i])), i)
        if holder != i and people[holder] and not people[i]:
            dropped[i] = True
        elif holder != i:
            twice.append(i)
    _drop_unlinked(instances, t, track, people, dropped, frame_idx, path)
    names = distinct([one.name for one in project.labels.tracks], path)
    if twice:
        where = sorted((int(frame_idx[t[i]]), names[track[i]]) for i in twice)
        more = f" (and {len(where) - 1} more)" if len(where) > 1 else ""
        warnings.warn(
            f"{path}: track {where[0][1]!r} occurs twice in frame {where[0][0]}{more}; "
            "the extra instances are read as separate individuals",
            stacklevel=3,
        )
        track[twice] = -1
    used = np.unique(track[(track >= 0) & ~dropped]).tolist() or list(range(len(names)))
    place = {old: new for new, old in enumerate(used)}
    individuals = [names[old] for old in used]
    n = np.array([place.get(one, -1) for one in track.tolist()], dtype=np.int64)
    loose = np.flatnonzero((track < 0) & ~dropped)
    for s in np.unique(instances["skeleton"][loose]).tolist():
        rows = loose[instances["skeleton"][loose] == s]
        rows = rows[np.lexsort((~people[rows], t[rows]))]
        rank = np.arange(len(rows)) - np.searchsorted(t[rows], t[rows])
        n[rows] = len(individuals) + rank
        start = len(individuals)
        for extra in range(int(rank.max()) + 1):
            individuals.append(free_name(f"animal{extra + start - len(used)}", individuals))
    n[dropped] = -1
    return n, individuals


def _drop_unlinked(
    instances: np.ndarray,
    t: np.ndarray,
    track: np.ndarray,
    people: np.ndarray,
    dropped: np.ndarray,
    frame_idx: np.ndarray,
    path: str | os.PathLike[str],
) -> None:
    """Drop predictions that must be the animal of a label, though neither track nor link connects them."""
    for s in np.unique(instances["skeleton"]).tolist():
        own = (instances["skeleton"] == s) & ~dropped
        counts = [np.bincount(t[own & kind], minlength=len(frame_idx)) for kind in (people, ~people)]
        loose = [
            np.bincount(t[own & kind & (track < 0)], minlength=len(frame_idx)) for kind in (people, ~people)
        ]
        both = (counts[0] > 0) & (counts[1] > 0) & ((loose[0] > 0) | (loose[1] > 0))
        if max(int(count.max(initial=0)) for count in counts) <= 1:
            dropped |= own & ~people & both[t]
        elif (unclear := np.flatnonzero((loose[0] > 0) & (loose[1] > 0))).size:
            warnings.warn(
                f"{path}: frame {frame_idx[unclear[0]]} has labels and predictions that neither track nor "
                "link connects"
                + (f", so have {unclear.size - 1} others" if unclear.size > 1 else "")
                + "; all are read, so an animal may stand twice",
                stacklevel=4,
            )
