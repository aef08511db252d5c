"""Damaged files of every format, given to every verb that reads: no traceback, no hang, nothing moved.

Files are made here, given undamaged to every verb, damaged in their structure and in their bytes by a seeded
generator, and read in this process; a sample goes through the real command line. ``match`` and ``evaluate``
compare with predictions that are already made, so no network runs.
"""

from __future__ import annotations

import argparse
import faulthandler
import os
import platform
import random
import shutil
import subprocess
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path

import cv2
import pandas as pd
from _fuzz_bouts import VERB, changed_bouts, make_bouts, read_bouts
from _fuzz_mutants import Damage, damage
from _fuzz_oracle import silent_change
from _fuzz_samples import make_samples, write_video
from _fuzz_verbs import VERBS, Hang, Whole, call, plain, whole
from _report import table, write_section

from superanimal.errors import SuperAnimalError

OUTCOMES = ("refused", "with a word", "read", "the edit itself", "traceback", "hang", "silent change")
CLI = ("info", "convert", "merge", "evaluate", "match")


@dataclass
class Tally:
    """Counts of calls by format and verb, and every fault in words.

    Attributes
    ----------
    untaken
        Why a verb does not take the undamaged file of a format; its mutants are not given to it.
    """

    mutants: Counter[str] = field(default_factory=Counter)
    outcomes: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)
    edits: list[str] = field(default_factory=list)
    slowest_s: float = 0.0
    refused: list[Path] = field(default_factory=list)
    untaken: dict[tuple[str, str], str] = field(default_factory=dict)

    def add(self, name: str, verb: str, outcome: str, fault: str = "") -> None:
        """Count a call."""
        self.outcomes[name, verb, outcome] += 1
        if fault and outcome != "the edit itself":
            self.faults.append(f"{outcome}: {name}, {verb}: {fault}")
            print(self.faults[-1], flush=True)
        elif fault:
            self.edits.append(f"{name}, {verb}: {fault}")

    def total(self, outcome: str, name: str = "", verb: str = "") -> int:
        """Return how many calls ended so."""
        return sum(
            count
            for (n, v, o), count in self.outcomes.items()
            if o == outcome and name in ("", n) and verb in ("", v)
        )


def run(root: Path, per_format: int, seed: int, verbs: tuple[str, ...] = VERBS, until: float = 1e12) -> Tally:
    """Damage every sample ``per_format`` times and give each mutant to every verb that takes the sample.

    Parameters
    ----------
    root
        Empty folder to work in; the mutants stay there.
    until
        Time (``time.monotonic``) from which on no other mutant is made.
    """
    tally = Tally()
    samples = make_samples(root / "whole")
    video = write_video(root / "clip.avi")
    known = [whole(sample, video, root / "whole-scratch", verbs) for sample in samples]
    for undamaged in known:
        tally.untaken |= {(undamaged.sample.name, verb): why for verb, why in undamaged.refusals.items()}
    for number in range(per_format):
        for undamaged in known:
            if time.monotonic() > until:
                return tally
            rng = random.Random(f"{seed}/{undamaged.sample.name}/{number}")
            folder = root / "mutants" / f"{number}-{undamaged.sample.path.parent.name}"
            shutil.copytree(undamaged.sample.path.parent, folder, copy_function=os.link)
            path = folder / undamaged.sample.path.name
            done = damage(undamaged.sample, path, rng)
            tally.mutants[undamaged.sample.name] += 1
            for verb in undamaged.results:
                _one(verb, path, undamaged, done, folder / "scratch" / verb, tally)
            shutil.rmtree(folder / "scratch", ignore_errors=True)
    return tally


def _one(verb: str, path: Path, known: Whole, done: Damage, scratch: Path, tally: Tally) -> None:
    scratch.mkdir(parents=True)

    def judged() -> tuple[str, bool, bool]:
        result, words = call(verb, path, known, scratch)
        new = {plain(word, path) for word in words} - known.words[verb]
        return (*silent_change(verb, result, words, path, known, done), bool(new))

    _count(judged, known.sample.name, verb, path, done, tally)


def _count(
    judged: Callable[[], tuple[str, bool, bool]], name: str, verb: str, path: Path, done: Damage, tally: Tally
) -> None:
    """Count a call that returns a silent change, whether the damage is that, and whether it had a word."""
    start = time.process_time()
    try:
        change, itself, word = judged()
    except SuperAnimalError:
        tally.add(name, verb, "refused")
        if verb == "read_labels":
            tally.refused.append(path)
    except Hang:
        tally.add(name, verb, "hang", f"{done.text} ({path})")
    except Exception as error:
        at = traceback.extract_tb(error.__traceback__)
        place = [frame for frame in at if "superanimal" in frame.filename or frame is at[-1]][-1]
        fault = f"{type(error).__name__}: {str(error)[:120]} at {Path(place.filename).name}:{place.lineno}"
        tally.add(name, verb, "traceback", f"{done.text}: {fault} ({path})")
    else:
        if change:
            outcome = "the edit itself" if itself else "silent change"
            tally.add(name, verb, outcome, f"{done.text}: {change} ({path})")
        else:
            tally.add(name, verb, "with a word" if word else "read")
    tally.slowest_s = max(tally.slowest_s, time.process_time() - start)


def run_bouts(root: Path, per_format: int, seed: int, tally: Tally) -> None:
    """Damage annotations of behaviour of every format ``per_format`` times and read each."""
    for sample in make_bouts(root / "whole-bouts"):
        known, said = read_bouts(sample.path)
        for number in range(per_format):
            rng = random.Random(f"{seed}/{sample.name}/{number}")
            path = root / "mutants" / f"{number}-{sample.path.parent.name}" / sample.path.name
            shutil.copytree(sample.path.parent, path.parent, copy_function=os.link)
            done = damage(sample, path, rng)
            tally.mutants[sample.name] += 1

            def judged(
                path: Path = path, known: pd.DataFrame = known, said: set[str] = said, done: Damage = done
            ) -> tuple[str, bool, bool]:
                table, words = read_bouts(path)
                new = bool(words - said)
                return (*(("", False) if new else changed_bouts(table, known, done)), new)

            _count(judged, sample.name, VERB, path, done, tally)


def through_cli(tally: Tally, root: Path, count: int, rng: random.Random) -> tuple[int, list[str]]:
    """Give an undamaged file, then refused mutants to the real command line; return how many, and faults."""
    faults = []
    source = root / "whole" / "c_json" / "c.json"
    chosen = rng.sample(tally.refused, min(count, len(tally.refused)))
    for number, path in enumerate([source] * len(CLI) + chosen):
        verb, out = CLI[number % len(CLI)], root / f"cli{number}"
        options = {
            "info": [path],
            "convert": [path, out],
            "merge": [f"good={source}", f"damaged={path}", f"{out}.labels.zarr", "--sheet", "0"],
            "evaluate": [source, path, "--out", out],
            "match": [path, "--out", out],
        }
        command = [sys.executable, "-m", "superanimal", verb, *map(str, options[verb])]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=300, cwd=root)
        except subprocess.TimeoutExpired:
            faults.append(f"{verb} {path}: hangs")
            continue
        broken = "Traceback" in done.stderr or done.returncode < 0
        refused = done.returncode and verb != "match"  # its network finds no animal on painted dots
        if broken or (path == source and refused):
            faults.append(f"{verb} {path}: {done.stderr[-300:]}")
    return len(CLI) + len(chosen), faults


def report(tally: Tally, cli: tuple[int, list[str]], seed: int, seconds: float) -> str:
    """Return the section of the results file."""
    calls = sum(tally.outcomes.values())
    rows = [[verb, *(str(tally.total(o, verb=verb)) for o in OUTCOMES)] for verb in (*VERBS, VERB)]
    formats = [
        [name, str(count), *(str(tally.total(o, name=name)) for o in OUTCOMES)]
        for name, count in tally.mutants.items()
    ]
    packages = ("numpy", "pandas", "h5py", "xarray", "zarr", "pyarrow", "sleap-io")
    versions = ", ".join(f"{name} {version(name)}" for name in packages)
    untaken = [[name, verb, why[:110]] for (name, verb), why in tally.untaken.items()]
    least = min(tally.mutants.values(), default=0)
    return "\n\n".join(
        [
            f"{sum(tally.mutants.values())} mutants of {len(tally.mutants)} formats (at least {least} each), "
            f"each given to all {len(VERBS)} verbs that take the undamaged file "
            f"(annotations of behaviour to {VERB}), {calls} calls, seed {seed}: "
            f"**{tally.total('traceback')} tracebacks, {tally.total('hang')} hangs, "
            f"{tally.total('silent change')} silent changes**. Slowest call {tally.slowest_s:.1f} CPU-s, "
            f"all of it {seconds:.0f} CPU-s. "
            f"Through the real command line: {cli[0]} calls, {len(cli[1])} with a traceback or hanging.",
            "A silent change is a point that is found, without an error, warning or note, at another frame, "
            "keypoint or animal than in the undamaged file, or with coordinates that are not in it although "
            "the damage leaves coordinates alone; a bout that has another label or animal, or a time "
            "outside any recording. Of `convert` and `merge` the written file is read back, of "
            "`evaluate` it is what was compared with what, of `match` the pairs. Where the damage is exactly "
            "that change it counts as 'the edit itself'.",
            table(["verb", *OUTCOMES], rows),
            table(["format", "mutants", *OUTCOMES], formats),
            "Verbs that refuse the undamaged file, and so got none of its mutants:",
            table(["format", "verb", "because"], untaken),
            f"{platform.platform()}, {versions}.",
        ]
    )


def main() -> None:
    """Run and write the section."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--per-format", type=int, default=60, help="mutants of each format")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--cli", type=int, default=20, help="refused mutants for the real command line")
    parser.add_argument("--minutes", type=float, default=60, help="no new mutant after so many minutes")
    parser.add_argument("--edits", action="store_true", help="list what counts as the edit itself")
    parser.add_argument("--dry", action="store_true", help="print the section instead of writing it")
    given = parser.parse_args()
    faulthandler.enable()  # a library that crashes says in which call
    cv2.setNumThreads(1)
    os.sync = os.fsync = lambda *_: None  # what a crash would leave is tested elsewhere
    until = time.monotonic() + 60 * given.minutes
    with tempfile.TemporaryDirectory() as folder:
        tally = run(Path(folder), given.per_format, given.seed, until=until)
        run_bouts(Path(folder), given.per_format, given.seed, tally)
        seconds = time.process_time()
        cli = through_cli(tally, Path(folder), given.cli, random.Random(given.seed))
    for line in [*cli[1], *(tally.edits if given.edits else ())]:
        print(line)
    body = report(tally, cli, given.seed, seconds)
    if given.dry:
        print(body)
    else:
        write_section("Damaged files", body)
    sys.exit(bool(tally.faults or cli[1]))


if __name__ == "__main__":
    main()
