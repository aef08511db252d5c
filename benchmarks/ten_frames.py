"""What ten labelled frames bring, and what they cost: the command of docs/finetune.md, as it stands there.

    python benchmarks/ten_frames.py [--data ../shared/data]

``superanimal finetune dlc-openfield --held-out 0.9`` trains on ten of the 96 frames and measures the other
86, on the same crops before and after. They chose the best weights too, so that the error after is a little
too small. The figures are those of ``report.json``, the time is that of the process, imports included.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from _report import table, write_section

TITLE = "Ten labelled frames"
LENGTHS = ("standard", "quick")
FIGURES = (("mean_euclidean_px", ".2f"), ("p50_px", ".2f"), ("AP", ".3f"))
HEAD = [
    "length", "steps", "processor seconds (clock)", "mean before, px", "mean after", "median before",
    "median after", "AP before", "AP after", "change of the mean",
]  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", type=Path, default=Path(__file__).parents[2] / "shared" / "data")
    options = parser.parse_args()
    project = options.data / "dlc-openfield"
    if not project.is_dir():
        sys.exit(f"{project} is not here: name its folder with --data")
    reports, spent = {}, {}
    for length in LENGTHS:
        reports[length], spent[length] = finetuned(project, length)
    first = reports[LENGTHS[0]]
    rows = [
        [
            f"`--length {length}`",
            f"{report['training']['steps']}",
            f"**{spent[length][0]:.0f}** ({spent[length][1]:.0f})",
            *(f"{report[when][name]:{digits}}" for name, digits in FIGURES for when in ("before", "after")),
            change_of(report["change_px"]),
        ]
        for length, report in reports.items()
    ]
    body = (
        f"`superanimal finetune dlc-openfield --held-out 0.9`: {first['base_model']}, {first['method']}, "
        f"{first['data']['training_images']} frames to train on, {first['data']['held_out_images']} held out "
        "(same video: easy; they also chose the weights). Imports, detection and both evaluations are "
        "included.\n\n" + table(HEAD, rows)
    )
    print(body)
    write_section(TITLE, body)


def finetuned(project: Path, length: str) -> tuple[dict[str, Any], tuple[float, float]]:
    """Run the command; return its report, and its seconds of the processor and by the clock."""
    with tempfile.TemporaryDirectory() as name:
        out = Path(name) / "ten"
        command = [sys.executable, "-m", "superanimal", "finetune", str(project), "--held-out", "0.9"]
        before, start = cpu(), time.monotonic()
        subprocess.run(
            [*command, "--length", length, "--out", str(out)],
            env={**os.environ, "OMP_NUM_THREADS": "1"},
            check=True,
        )
        spent = cpu() - before, time.monotonic() - start
        return json.loads((out / "report.json").read_text("utf-8")), spent


def cpu() -> float:
    """Return the processor seconds of all child processes so far."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def change_of(change: dict[str, Any]) -> str:
    """Describe the change of the mean error with its interval."""
    return f"{change['value']:+.2f} ({change['level']:.0%}: {change['low']:+.2f} to {change['high']:+.2f})"


if __name__ == "__main__":
    main()
