"""Other programs' half of ``benchmarks/clients.py``; runs in their environments, without our code.

    _files_client.py PROGRAM FOLDER    # prints one JSON line per call

PROGRAM is nwbinspector, sleap-io, keypoint-moseq or simba. FOLDER holds the same poses as ``poses.npz``
(x, y and confidence by individual and keypoint) and in files of ours, see ``make_files`` there.
"""

from __future__ import annotations

import json
import sys
import traceback
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

Calls = dict[str, Callable[[], str]]


class Ours:
    """What we wrote: names, and arrays (time, keypoint, individual, x y confidence)."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        with np.load(folder / "poses.npz") as stored:
            self.values = stored["values"]
            self.keypoints, self.individuals = (
                list(map(str, stored[n])) for n in ("keypoints", "individuals")
            )

    def same(self, xy: Any, sure: Any, individual: str, keypoints: list[str], shift: float = 0.0) -> str:
        """Refuse (T, K, 2) points or (T, K) scores that are not those of an individual."""
        order = [self.keypoints.index(name) for name in keypoints]
        mine = self.values[:, order, self.individuals.index(individual)]
        far = float(np.nanmax(np.abs(np.asarray(xy, float) + shift - mine[..., :2])))
        far_sure = float(np.nanmax(np.abs(np.asarray(sure, float) - mine[..., 2])))
        missing = (np.isnan(np.asarray(xy, float)[..., 0]) != np.isnan(mine[..., 0])).sum()
        if far > 1e-2 or far_sure > 1e-4 or missing:
            raise ValueError(f"points differ by {far:g} px, scores by {far_sure:g}, {missing} missing")
        return f"{len(mine)} frames, largest difference {far:.1g} px"


def nwbinspector(ours: Ours) -> Calls:
    """Inspect every NWB file: nothing CRITICAL, no violation of best practices."""
    from nwbinspector import Importance, inspect_nwbfile

    def inspected(file: Path) -> str:
        found = list(inspect_nwbfile(nwbfile_path=str(file)))
        low = (Importance.BEST_PRACTICE_SUGGESTION,)
        if bad := [
            f"{one.importance.name} {one.check_function_name}" for one in found if one.importance not in low
        ]:
            raise ValueError("; ".join(bad))
        return f"nothing critical, no violation, {len(found)} suggestions"

    return {f"inspect_nwbfile({f.name})": lambda f=f: inspected(f) for f in sorted(ours.folder.glob("*.nwb"))}


def sleap_io(ours: Ours) -> Calls:
    """Read our files, save the project again and as NWB."""
    import sleap_io as sio

    def read(labels: Any, shift: float = 0.0) -> str:
        nodes = labels.skeletons[0].node_names
        values = labels.numpy(return_confidence=True)[: len(ours.values)]  # (T, animals, K, 3)
        tracks = [track.name for track in labels.tracks]
        said = [
            ours.same(values[:, n, :, :2], values[:, n, :, 2], name, nodes, shift)
            for n, name in enumerate(tracks)
        ]
        if set(tracks) != set(ours.individuals):
            raise ValueError(f"tracks {tracks}")
        return said[0]

    def again() -> str:
        target = ours.folder / "theirs.slp"
        sio.save_slp(sio.load_slp(str(ours.folder / "poses.slp")), str(target))
        return read(sio.load_slp(str(target)))

    def as_nwb() -> str:
        target = ours.folder / "theirs_sleap.nwb"
        sio.save_nwb(sio.load_slp(str(ours.folder / "poses.slp")), str(target))
        return f"{len(sio.load_nwb(str(target)))} frames"

    return {
        "load_slp": lambda: read(sio.load_slp(str(ours.folder / "poses.slp"))),
        "save_slp": again,
        "save_nwb of our slp": as_nwb,
        "load_analysis_h5": lambda: read(sio.load_file(str(ours.folder / "poses.analysis.h5"))),
    }


def keypoint_moseq(ours: Ours) -> Calls:
    """Load with its own loaders and find the video by the names of the recordings."""
    import keypoint_moseq as kpms
    from keypoint_moseq.util import find_matching_videos

    def load(file: str, kind: str) -> str:
        xy, sure, keypoints = kpms.load_keypoints(str(ours.folder / file), kind)
        if isinstance(
            keypoints, set
        ):  # its loader of several animals loses the order; the arrays have the file's
            keypoints = ours.keypoints
        stem = Path(file).stem
        said = ""
        for n, name in enumerate(ours.individuals):
            keys = [stem, f"{stem}_{name}", f"{stem}_track{n}"]
            if kind == "nwb":
                name, keys = stem.split("_")[-1], [stem]
            key = next(key for key in keys if key in xy)
            seen = slice(len(ours.values))  # a .slp counts all frames of its video
            said = ours.same(xy[key][seen], sure[key][seen], name, keypoints)
        return said

    def linked() -> str:
        (result,) = ours.folder.glob("run/*DLC_*.h5")
        xy, _, _ = kpms.load_keypoints(str(result), "deeplabcut")
        found = find_matching_videos(list(xy), str(ours.folder / "run"), as_dict=True)
        return ", ".join(sorted({Path(video).name for video in found.values()}))

    calls: Calls = {
        "load_keypoints(h5, 'deeplabcut')": lambda: load("poses.h5", "deeplabcut"),
        "load_keypoints(csv, 'deeplabcut')": lambda: load("poses.csv", "deeplabcut"),
        "load_keypoints(slp, 'sleap')": lambda: load("poses.slp", "sleap"),
        "load_keypoints(analysis.h5, 'sleap')": lambda: load("poses.analysis.h5", "sleap"),
        "find_matching_videos(names of our h5)": linked,
    }
    for name in ours.individuals:
        calls[f"load_keypoints(one animal, {name}, 'nwb')"] = lambda n=name: load(f"poses_{n}.nwb", "nwb")
    return calls


def simba(ours: Ours) -> Calls:
    """Import our csv of one animal into a project and look what it is called."""
    import matplotlib as mpl

    # gone since matplotlib 3.9; SimBA pins an older one
    mpl.cm.get_cmap = lambda name, lut=None: mpl.colormaps[name].resampled(lut or 256)
    from simba.pose_importers.dlc_importer_csv import import_dlc_csv
    from simba.utils.config_creator import ProjectConfigCreator

    def imported() -> str:
        (result,) = ours.folder.glob("run_one/*DLC_*.csv")
        project = ours.folder / "simba"
        project.mkdir()
        config = ProjectConfigCreator(
            project_path=str(project), project_name="p", target_list=["still"],
            pose_estimation_bp_cnt="user_defined", body_part_config_idx=0, animal_cnt=1, file_type="csv",
        ).config_path  # fmt: skip
        (file,) = import_dlc_csv(config, str(result))
        video = next(ours.folder.glob("run_one/*.mp4"))
        if Path(file).stem != video.stem:
            raise ValueError(f"it is called {Path(file).name}, the video {video.name}")
        return f"{Path(file).name} for {video.name}"

    return {"import_dlc_csv": imported}


PROGRAMS = {
    "nwbinspector": nwbinspector,
    "sleap-io": sleap_io,
    "keypoint-moseq": keypoint_moseq,
    "simba": simba,
}


def main() -> None:
    """Make every call of a program and print what came of it."""
    program, folder = sys.argv[1:]
    warnings.simplefilter("ignore")
    for name, call in PROGRAMS[program](Ours(Path(folder))).items():
        try:
            print("CALL " + json.dumps([name, True, call()]), flush=True)
        except Exception as error:
            traceback.print_exc()
            print(
                "CALL " + json.dumps([name, False, f"{type(error).__name__}: {str(error)[:300]}"]), flush=True
            )


if __name__ == "__main__":
    main()
