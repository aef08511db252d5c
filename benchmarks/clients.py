"""What other programs do with our files. Each is asked in its own environment, on files of a real run.

    python benchmarks/clients.py --deeplabcut PY --movement PY --nwbinspector PY --sleap-io PY
        --keypoint-moseq PY --simba PY [--out FOLDER] [--frames 60] [--dry]

PY is the Python of an environment with the program inside, such as ``venv/bin/python`` after ``python -m
venv venv; venv/bin/pip install deeplabcut==3.0.2``. A program without one is skipped, and the table says so.
The exit code is the number of calls that failed. What DeepLabCut does with models of ours is in
``deeplabcut_snapshot.py``.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterator
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import numpy as np
from _report import table, write_section

import superanimal
from superanimal.formats import save_poses
from superanimal.poses import make_poses
from superanimal.progress import Progress
from superanimal.samples import sample_path

HERE = Path(__file__).resolve().parent
MODEL = "mini_topviewmouse"


class Answer(NamedTuple):
    """What one call of a program came to."""

    call: str
    good: bool
    said: str


def ask(python: Path, script: str, *arguments: object) -> list[str]:
    """Run a script of this folder in a program's environment and return the lines it prints."""
    command = [str(python), str(HERE / script), *map(str, arguments)]
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}\n{done.stdout[-2000:]}\n{done.stderr[-4000:]}")
    return done.stdout.splitlines()


def analyse(out: Path, frames: int, animals: int, **options: object) -> Path:
    """Analyse the sample video into a new folder, copied there; return the video."""
    out.mkdir(parents=True)
    video = Path(shutil.copy(sample_path("topview_mouse.mp4"), out))
    superanimal.analyze(
        video, model=MODEL, frames=f"0:{frames}", max_individuals=animals, out=out, progress=Progress(),
        formats=("dlc-h5", "dlc-csv"), **options,
    )  # fmt: skip
    return video


def make_files(folder: Path, frames: int) -> None:
    """Write the poses of two animals in every format, and runs of two animals and of one with their video.

    The mini model finds one mouse in the sample; the second animal is the same one, half a second late.
    """
    analyse(folder / "run", frames, 2)
    video = analyse(folder / "run_one", frames, 1)
    (result,) = video.parent.glob("*DLC_*.h5")
    one = superanimal.load_poses(result, fps=30.0)
    two = one.roll(time=15, roll_coords=False)
    names = [str(name) for name in one["keypoint"].values]
    poses = make_poses(
        np.concatenate([one["position"].values, two["position"].values], axis=-1),
        np.concatenate([one["confidence"].values, two["confidence"].values], axis=-1),
        keypoints=names, individuals=["ada", "bo"], fps=30.0, video_path=str(video),
    )  # fmt: skip
    values = np.concatenate([poses["position"].values, poses["confidence"].values[:, None]], axis=1)
    np.savez(
        folder / "poses.npz", values=values.transpose(0, 2, 3, 1), keypoints=names, individuals=["ada", "bo"]
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for ending in ("nc", "h5", "csv", "slp", "analysis.h5", "nwb"):
            save_poses(poses, folder / f"poses.{ending}")
        save_poses(poses, folder / "poses.nwb", "nwb-per-animal")


def deeplabcut(python: Path, folder: Path, frames: int) -> Iterator[Answer]:
    """Let DeepLabCut draw, filter, plot and refine single- and multi-animal results of ours."""
    script = "_deeplabcut_client.py"
    video = analyse(folder / "plain", frames, 1)
    yield from answers(
        ask(python, script, "use", "", video, folder / "plain", "--model", MODEL), "no project"
    )
    (result,) = video.parent.glob("*DLC_*.h5")
    keypoints = [str(name) for name in superanimal.load_poses(result)["keypoint"].values]
    for title, animals in (("single animal", 1), ("multi-animal", 2)):
        individuals = [f"animal{n}" for n in range(animals)] if animals > 1 else []
        out = folder / title.replace(" ", "-")
        named = ("--keypoints", *keypoints, "--individuals", *individuals)
        made = ask(python, script, "project", out / "project", video, *named)
        known = json.loads(made[-1])
        analyse(out / "results", frames, animals, scorer=known["scorer"])
        said = ask(python, script, "use", known["config"], video, out / "results")
        yield from answers(said, title)


def movement(python: Path, folder: Path, frames: int) -> Iterator[Answer]:
    """Let movement read our files, and check, filter, measure, plot and write our data set."""
    make_files(folder, frames)
    yield from answers(ask(python, "_movement_client.py", folder))


def with_files(program: str) -> Callable[[Path, Path, int], Iterator[Answer]]:
    """Return the check of a program of ``_files_client.py``."""

    def check(python: Path, folder: Path, frames: int) -> Iterator[Answer]:
        make_files(folder, frames)
        yield from answers(ask(python, "_files_client.py", program, folder))

    return check


def answers(lines: list[str], title: str = "") -> list[Answer]:
    """Return what the lines that a script printed say."""
    said = [json.loads(line.removeprefix("CALL ")) for line in lines if line.startswith("CALL ")]
    return [Answer(f"{call} ({title})" if title else call, good, text) for call, good, text in said]


PROGRAMS: dict[str, Callable[[Path, Path, int], Iterator[Answer]]] = {
    "deeplabcut": deeplabcut,
    "movement": movement,
    "nwbinspector": with_files("nwbinspector"),
    "sleap-io": with_files("sleap-io"),
    "keypoint-moseq": with_files("keypoint-moseq"),
    "simba": with_files("simba"),
}
"""Each takes the interpreter of its environment, a folder to work in and a number of frames."""
DISTRIBUTION = {"simba": "simba-uw-tf-dev"}


def version_of(python: Path, program: str) -> str:
    """Return the version of a program in its environment."""
    code = f"from importlib.metadata import version; print(version({DISTRIBUTION.get(program, program)!r}))"
    return subprocess.run(
        [str(python), "-c", code], capture_output=True, text=True, check=True
    ).stdout.strip()


def main() -> int:
    """Ask every program that has an environment; return how many calls failed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name in PROGRAMS:
        parser.add_argument(f"--{name}", metavar="PY", type=Path, help=f"Python with {name} inside")
    parser.add_argument("--out", type=Path, help="keep the files here; a temporary folder by default")
    parser.add_argument("--frames", type=int, default=60)
    parser.add_argument("--dry", action="store_true", help="print the table, write no results")
    args = parser.parse_args()
    rows, failed = [], 0
    with tempfile.TemporaryDirectory() as temporary:
        for name, check in PROGRAMS.items():
            python = getattr(args, name.replace("-", "_"))
            if python is None:
                rows.append([name, "", "skipped", f"no Python given (--{name})"])
                continue
            folder = ((args.out or Path(temporary)) / name).resolve()
            program = f"{name} {version_of(python, name)}"
            try:
                for answer in check(python, folder, args.frames):
                    failed += not answer.good
                    said = answer.said.replace("|", "/").replace("\n", " ")
                    rows.append([program, answer.call, "good" if answer.good else "**fails**", said])
                    print(*rows[-1], sep="  ", flush=True)
            except Exception as error:  # the others are asked all the same
                failed += 1
                rows.append([program, "", "**fails**", f"{type(error).__name__}: {str(error)[-300:]!r}"])
                print(*rows[-1], sep="  ", flush=True)
    calls = sum(row[2] != "skipped" for row in rows)
    body = (
        f"{args.frames} frames of `topview_mouse.mp4` with `{MODEL}`, superanimal "
        f"{version('napari-superanimal')}: {calls} calls, **{failed} fail**.\n\n"
        + table(["program", "call", "", "what came of it"], rows)
    )
    if args.dry or all(row[2] == "skipped" for row in rows):
        print(body)
    else:
        write_section("Our files in other programs", body)
    return failed


if __name__ == "__main__":
    sys.exit(main())
