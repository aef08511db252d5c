"""Do other programs read our files? Each is asked in its own environment, on files of a real run.

    python benchmarks/clients.py --deeplabcut VENV [--movement VENV] [--out FOLDER] [--frames 60]

An environment is a virtual environment with the program inside, given by option or by a variable such as
``SUPERANIMAL_CLIENT_DEEPLABCUT``. A program without one is skipped, and the table says so. The exit code is
the number of calls that failed.

    python -m venv VENV; VENV/bin/pip install deeplabcut==3.0.2
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import superanimal
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


def deeplabcut(python: Path, folder: Path, frames: int) -> Iterator[Answer]:
    """Let DeepLabCut draw, filter, plot and refine single- and multi-animal results of ours."""
    video = Path(shutil.copy(sample_path("topview_mouse.mp4"), folder))
    script = "_deeplabcut_client.py"
    options = {"model": MODEL, "frames": f"0:{frames}"}

    poses = superanimal.analyze(video, **options, out=folder / "plain")
    said = ask(python, script, "use", "", video, folder / "plain", "--model", MODEL)
    yield from _answers(said, "no project")
    keypoints = [str(name) for name in poses["keypoint" if "keypoint" in poses.dims else "keypoints"].values]
    for title, animals in (("single animal", 1), ("multi-animal", 2)):
        individuals = [f"animal{n}" for n in range(animals)] if animals > 1 else []
        out = folder / title.replace(" ", "-")
        named = ("--keypoints", *keypoints, "--individuals", *individuals)
        made = ask(python, script, "project", out / "project", video, *named)
        known = json.loads(made[-1])
        superanimal.analyze(
            video, **options, max_individuals=animals, scorer=known["scorer"], out=out / "results"
        )
        said = ask(python, script, "use", known["config"], video, out / "results")
        yield from _answers(said, title)


def _answers(lines: list[str], title: str) -> list[Answer]:
    said = [json.loads(line.removeprefix("CALL ")) for line in lines if line.startswith("CALL ")]
    return [Answer(f"{call} ({title})", good, text) for call, good, text in said]


PROGRAMS: dict[str, Callable[[Path, Path, int], Iterator[Answer]]] = {"deeplabcut": deeplabcut}
"""Each takes the interpreter of its environment, a folder to work in and a number of frames."""


def interpreter(environment: str | None, name: str) -> Path | None:
    """Return the Python of the environment given for a program, or None."""
    place = environment or os.environ.get(f"SUPERANIMAL_CLIENT_{name.upper()}")
    if not place:
        return None
    python = Path(place) / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    if not python.is_file():
        raise SystemExit(f"{name}: no Python at {python}")
    return python


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name in PROGRAMS:
        parser.add_argument(f"--{name}", metavar="VENV", help=f"environment with {name} inside")
    parser.add_argument("--out", type=Path, help="keep the files here; a temporary folder by default")
    parser.add_argument("--frames", type=int, default=60)
    args = parser.parse_args()
    failed = 0
    with tempfile.TemporaryDirectory() as temporary:
        for name, check in PROGRAMS.items():
            python = interpreter(getattr(args, name), name)
            if python is None:
                print(
                    f"{name}: skipped, no environment given (--{name} or SUPERANIMAL_CLIENT_{name.upper()})"
                )
                continue
            folder = (args.out or Path(temporary)) / name
            folder.mkdir(parents=True, exist_ok=True)
            for answer in check(python, folder.resolve(), args.frames):
                failed += not answer.good
                print(
                    f"{name}: {'good' if answer.good else 'BAD '}  {answer.call}: {answer.said}", flush=True
                )
    return failed


if __name__ == "__main__":
    sys.exit(main())
