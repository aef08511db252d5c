"""DeepLabCut's half of ``benchmarks/clients.py``; runs in DeepLabCut's own environment, without our code.

_deeplabcut_client.py project FOLDER --keypoints a b c --individuals x y   # prints config and scorer
_deeplabcut_client.py use CONFIG VIDEO FOLDER [--model NAME]               # prints one JSON line per call
"""

from __future__ import annotations

import argparse
import json
import os
import traceback
from itertools import pairwise
from pathlib import Path

os.environ.setdefault("MPLBACKEND", "Agg")
os.environ.setdefault("DLClight", "True")

import deeplabcut
import numpy as np
import pandas as pd
from deeplabcut.pose_estimation_pytorch.config import PoseConfig
from deeplabcut.utils import auxiliaryfunctions


def project(folder: Path, video: Path, keypoints: list[str], individuals: list[str]) -> None:
    """Make a project with one shuffle whose snapshots are empty files: only their names are asked for."""
    config = Path(
        deeplabcut.create_new_project(
            "mouse",
            "me",
            [str(video)],
            working_directory=str(folder),
            copy_videos=False,
            multianimal=bool(individuals),
        )
    )
    points = {"multianimalbodyparts": keypoints} if individuals else {"bodyparts": keypoints}
    named = {"individuals": individuals, "uniquebodyparts": []} if individuals else {}
    edges = [list(pair) for pair in pairwise(keypoints)]
    auxiliaryfunctions.edit_config(str(config), {**points, **named, "skeleton": edges})
    cfg = auxiliaryfunctions.read_config(str(config))
    shuffle = config.parent / auxiliaryfunctions.get_model_folder(
        cfg["TrainingFraction"][0], 1, cfg, engine=deeplabcut.Engine.PYTORCH
    )
    (shuffle / "train").mkdir(parents=True)
    PoseConfig.build(
        cfg, shuffle / "train" / "pytorch_config.yaml", net_type="resnet_50", top_down=True, save=True
    )
    for name in ("snapshot-100.pt", "snapshot-detector-50.pt"):
        (shuffle / "train" / name).touch()
    scorer, _ = auxiliaryfunctions.get_scorer_name(
        cfg, 1, cfg["TrainingFraction"][0], engine=deeplabcut.Engine.PYTORCH
    )
    print(json.dumps({"config": str(config), "scorer": scorer}))


def use(config: str, video: Path, folder: Path, model: str) -> None:
    """Call what draws, plots, filters and refines, on the files in ``folder``, and say what came of each."""
    clip, there = [str(video)], {"destfolder": str(folder)}
    cut = {"automatic": True, "copy_videos": False, "extractionalgorithm": "uniform", **there}

    def drawn() -> str:
        made = max(folder.glob("*_labeled.mp4"), key=lambda path: path.stat().st_mtime_ns)
        return made.name

    def extracted() -> str:
        (labels,) = (Path(config).parent / "labeled-data" / video.stem).glob("machinelabels*.h5")
        return f"{len(pd.read_hdf(labels))} machine labels"

    def bones(values: dict) -> str:
        (frame,) = values.values()
        return f"{frame.shape[1] // 3} bones, {int(np.isfinite(frame.to_numpy()).all(1).sum())} frames"

    calls = {
        "create_labeled_video": lambda: (deeplabcut.create_labeled_video(config, clip, **there), drawn())[1],
        "create_labeled_video(fastmode=False, draw_skeleton=True)": lambda: (
            deeplabcut.create_labeled_video(
                config, clip, fastmode=False, draw_skeleton=True, overwrite=True, **there
            ),
            drawn(),
        )[1],
        "create_labeled_video(keypoints_only=True)": lambda: (
            deeplabcut.create_labeled_video(config, clip, keypoints_only=True, overwrite=True, **there),
            drawn(),
        )[1],
        "filterpredictions": lambda: (
            deeplabcut.filterpredictions(config, clip, **there),
            next(folder.glob("*_filtered.h5")).name,
        )[1],
        "create_labeled_video(filtered=True)": lambda: (
            deeplabcut.create_labeled_video(config, clip, filtered=True, **there),
            drawn(),
        )[1],
        "plot_trajectories": lambda: (
            deeplabcut.plot_trajectories(config, clip, **there),
            f"{len(list((folder / 'plot-poses' / video.stem).glob('*.png')))} figures",
        )[1],
        "analyzeskeleton": lambda: bones(deeplabcut.analyzeskeleton(config, clip, return_data=True, **there)),
        "extract_outlier_frames('jump')": lambda: (
            deeplabcut.extract_outlier_frames(config, clip, outlieralgorithm="jump", epsilon=1, **cut),
            extracted(),
        )[1],
        "extract_outlier_frames('uncertain')": lambda: (
            deeplabcut.extract_outlier_frames(
                config, clip, outlieralgorithm="uncertain", p_bound=0.999, **cut
            ),
            extracted(),
        )[1],
        "analyze_videos_converth5_to_csv": lambda: (
            deeplabcut.analyze_videos_converth5_to_csv(str(folder), videotype=video.suffix),
            f"{len(list(folder.glob('*DLC_*.csv')))} csv",
        )[1],
    }
    if model:
        calls = {
            f"create_labeled_video('', superanimal_name=..., init_weights={model!r})": lambda: (
                deeplabcut.create_labeled_video(
                    "", clip, superanimal_name="superanimal_topviewmouse", init_weights=model, **there
                ),
                drawn(),
            )[1]
        }
    for name, call in calls.items():
        try:
            print("CALL " + json.dumps([name, True, call()]), flush=True)
        except Exception as error:
            traceback.print_exc()
            print("CALL " + json.dumps([name, False, f"{type(error).__name__}: {error}"]), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser()
    verbs = parser.add_subparsers(dest="verb", required=True)
    making = verbs.add_parser("project")
    making.add_argument("folder", type=Path)
    making.add_argument("video", type=Path)
    making.add_argument("--keypoints", nargs="+", required=True)
    making.add_argument("--individuals", nargs="*", default=[])
    using = verbs.add_parser("use")
    using.add_argument("config")
    using.add_argument("video", type=Path)
    using.add_argument("folder", type=Path)
    using.add_argument("--model", default="")
    given = vars(parser.parse_args())
    {"project": project, "use": use}[given.pop("verb")](**given)


if __name__ == "__main__":
    main()
