"""Writing poses in NWB with pynwb and ndx-pose: valid files, with data where other programs expect it."""

from __future__ import annotations

import os
import uuid
import warnings
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from superanimal.errors import FormatError, InputError, StorageError, by_caller, option
from superanimal.files import atomic_write
from superanimal.formats import record
from superanimal.formats.nwb.containers import safe_names
from superanimal.formats.nwb.times import pack
from superanimal.poses import has_own_times, space_for

SUBJECT = {
    "species": "http://purl.obolibrary.org/obo/NCBITaxon_33208",  # Metazoa: an animal
    "sex": "U",
    "age": "P0D/",  # of any age
}
"""Subject fields that NWB and DANDI require, with values that are true of every animal."""


_UNITS = {"pixels": "pixels", "m": "meters", "cm": "centimeters", "mm": "millimeters", "um": "micrometers",
          "µm": "micrometers"}  # fmt: skip


def write(
    ds: xr.Dataset,
    path: str | os.PathLike[str],
    *,
    fps: float | None = None,
    session_start: datetime | None = None,
    image_size: tuple[int, int] | None = None,
    subject: dict[str, str] | None = None,
) -> list[Path]:
    """Write one PoseEstimation container per individual.

    A file with one individual follows the usual convention: the container is named ``PoseEstimation``, and
    the file's identifier and subject are the name of the individual.

    Parameters
    ----------
    fps
        Frames per second, if the data set does not state it.
    session_start
        Start of the recording, required by NWB; 1970-01-01 means unknown.
    image_size
        Width and height of the video in pixels.
    subject
        Facts about the animal: ``species`` (Latin), ``sex`` (M, F, O, U), ``age`` (ISO 8601, ``P90D``)
        and other fields of ``pynwb.file.Subject``.

    Raises
    ------
    FormatError
        When neither the frame rate nor the frame times are known: NWB times are in seconds.
    InputError
        When the subject has an unknown field.
    """
    from pynwb import NWBHDF5IO

    nwb = _file(ds, Path(path), fps, session_start, image_size, subject or {})
    with atomic_write(path) as temporary, NWBHDF5IO(str(temporary), "w") as io:
        io.write(nwb)
    return [Path(path)]


def write_each(
    ds: xr.Dataset,
    path: str | os.PathLike[str],
    *,
    fps: float | None = None,
    session_start: datetime | None = None,
    image_size: tuple[int, int] | None = None,
    subject: dict[str, str] | None = None,
    overwrite: bool = False,
) -> list[Path]:
    """Write one file per individual, ``<name>_<individual>.nwb``, as movement and DANDI expect.

    Parameters as for :func:`write`; ``overwrite`` replaces files of these names.

    Raises
    ------
    FormatError, InputError
        As for :func:`write`.
    StorageError
        When one of the files already exists.
    """
    individuals = [str(name) for name in ds["individual"].values]
    names = safe_names(individuals)
    targets = {name: Path(path).with_name(f"{Path(path).stem}_{names[name]}.nwb") for name in individuals}
    taken = [] if overwrite else [target.name for target in targets.values() if target.exists()]
    if taken:
        raise StorageError(
            f"{', '.join(taken)} in {Path(path).parent} already exists",
            "existing files are not replaced",
            "choose another name, or "
            + by_caller("replace them (overwrite=True)", "replace them (--overwrite)", "move them away"),
        )
    options: dict[str, Any] = {"fps": fps, "session_start": session_start, "image_size": image_size}
    if not individuals:
        return write(ds, path, **options, subject=subject)  # raises if something is missing
    return [
        written
        for name, target in targets.items()
        for written in write(ds.sel(individual=[name]), target, **options, subject=subject)
    ]


def _file(
    ds: xr.Dataset,
    path: Path,
    fps: float | None,
    session_start: datetime | None,
    image_size: tuple[int, int] | None,
    subject: dict[str, str],
) -> Any:
    """Return the ``pynwb.NWBFile`` of a data set."""
    from ndx_pose import PoseEstimation, PoseEstimationSeries, Skeleton, Skeletons
    from pynwb import NWBFile

    fps = fps or ds.attrs.get("fps")
    keypoints = [str(name) for name in ds["keypoint"].values]
    individuals = [str(name) for name in ds["individual"].values]
    if not keypoints or not individuals:
        raise FormatError(
            f"{path}: {len(individuals)} individuals with {len(keypoints)} keypoints",
            "NWB needs at least one of each",
            "save as movement netCDF instead",
        )
    frames, own_times = ds["frame"].values, has_own_times(ds)
    clock = _clock(ds["time"].values if own_times else frames, None if own_times else fps, path)
    alone = len(individuals) == 1
    nwb = NWBFile(
        session_description="animal poses estimated from video",
        identifier=individuals[0] if alone else str(uuid.uuid4()),
        session_start_time=session_start or datetime(1970, 1, 1, tzinfo=UTC),
        notes=record.dump(
            ds,
            **({"fps": float(fps)} if fps else {}),
            individuals=individuals,
            keypoints=keypoints,
            frames=pack(frames),
            own_times=own_times,
        ),
        subject=_subject(individuals, subject),
    )
    behavior = nwb.create_processing_module("behavior", "poses estimated from video")
    skeleton = Skeleton(
        name="skeleton", nodes=keypoints, edges=_edges(keypoints), subject=nwb.subject if alone else None
    )
    behavior.add(Skeletons(skeletons=[skeleton]))
    filename = str(ds.attrs.get("video_path") or "")
    names = safe_names(keypoints)
    containers = ["PoseEstimation"] if alone else list(safe_names(individuals).values())
    position, confidence = ds["position"].values, ds["confidence"].values
    for n, (individual, safe) in enumerate(zip(individuals, containers, strict=True)):
        series = []
        for k, keypoint in enumerate(keypoints):
            series.append(
                PoseEstimationSeries(
                    name=names[keypoint],
                    description=f"{keypoint} of {individual}",
                    data=np.ascontiguousarray(position[:, :, k, n]),
                    confidence=np.ascontiguousarray(confidence[:, k, n]),
                    unit=_unit(str(ds.attrs.get("space_unit", "pixels"))),
                    reference_frame=_frame_of_reference(ds),
                    **clock,
                )
            )
            if isinstance(clock.get("timestamps"), np.ndarray):
                clock = {"timestamps": series[0]}
        with warnings.catch_warnings():
            # ndx-pose prefers an image series for the video; it requires the file and its number of frames
            warnings.filterwarnings("ignore", "The '(original_videos|dimensions)'", DeprecationWarning)
            container = PoseEstimation(
                name=safe,
                pose_estimation_series=series,
                description=f"poses of {individual}",
                original_videos=[_relative(path, filename) or filename] if filename else None,
                dimensions=np.array([image_size], dtype=np.uint16) if image_size else None,
                source_software=str(ds.attrs.get("source_software") or "napari-superanimal"),
                skeleton=skeleton,
            )
        behavior.add(container)
    return nwb


def _unit(name: str) -> str:
    """Return a unit of length as nwbinspector accepts it; the record keeps what others were called."""
    name = _UNITS.get(name.lower(), name)
    return name if name in (*_UNITS.values(), "degrees", "radians") else "n.a."


def _clock(times: np.ndarray, fps: float | None, path: Path) -> dict[str, Any]:
    """Return the times of a series as NWB expects them: a rate if they are regular.

    Parameters
    ----------
    times
        Frame numbers at ``fps``, or seconds if ``fps`` is None.
    """
    if fps is None and times.dtype.kind in "iu":
        raise FormatError(
            f"{path}: frame rate unknown",
            "NWB times are in seconds",
            f"give the frames per second{option('fps')}",
        )
    steps = np.diff(times)
    if fps is not None:
        if len(times) and (steps == 1).all():
            return {"starting_time": float(times[0] / fps), "rate": float(fps)}
        times = times / float(fps)
        steps = np.diff(times)
    if len(steps) > 1 and np.ptp(steps) < 1e-9:  # the criterion of nwbinspector
        return {"starting_time": float(times[0]), "rate": float(len(steps) / (times[-1] - times[0]))}
    return {"timestamps": times}


def _subject(individuals: list[str], known: dict[str, str]) -> Any:
    from pynwb.file import Subject

    name = "-".join(safe_names(individuals).values())
    several = f"{len(individuals)} animals in one recording: {', '.join(individuals)}"
    fields = {"subject_id": name, **SUBJECT, **({"description": several} if len(individuals) > 1 else {})}
    try:
        return Subject(**{**fields, **known})
    except (TypeError, ValueError) as error:
        raise InputError(
            f"subject={known}", f"the fields are those of pynwb.file.Subject ({error})"
        ) from error


def _edges(keypoints: list[str]) -> np.ndarray | None:
    space = space_for(keypoints)
    edges = [
        [keypoints.index(a), keypoints.index(b)]
        for a, b in (space.edges if space else ())
        if a in keypoints and b in keypoints
    ]
    return np.array(edges, dtype=np.uint8) if edges else None


def _relative(path: Path, filename: str) -> str:
    """Return the path of a video relative to the file's folder; empty if missing or on another drive."""
    if not filename or not Path(filename).exists():
        return ""
    try:
        return Path(os.path.relpath(filename, path.parent)).as_posix()
    except ValueError:
        return ""


def _frame_of_reference(ds: xr.Dataset) -> str:
    if ds.sizes["space"] == 2:
        return "(0, 0) is the centre of the top left pixel, x right, y down"
    return "x, y, z in the camera calibration used to reconstruct the poses"
