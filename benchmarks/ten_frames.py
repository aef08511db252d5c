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

from _report import table, write_section

TITLE = "Ten labelled frames"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", type=Path, default=Path(__file__).parents[2] / "shared" / "data")
    options = parser.parse_args()
    project = options.data / "dlc-openfield"
    if not project.is_dir():
        sys.exit(f"{project} is not here: name its folder with --data")
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    with tempfile.TemporaryDirectory() as name:
        out = Path(name) / "ten"
        command = ["-m", "superanimal", "finetune", str(project), "--held-out", "0.9", "--out", str(out)]
        start = time.monotonic()
        subprocess.run([sys.executable, *command], env=environment, check=True)
        wall = time.monotonic() - start
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        report = json.loads((out / "report.json").read_text("utf-8"))
    change, data = report["change_px"], report["data"]
    interval = f"{change['level']:.0%} interval {change['low']:+.2f} to {change['high']:+.2f} px"
    before, after = report["before"], report["after"]
    body = (
        f"`superanimal finetune dlc-openfield --held-out 0.9`: {report['base_model']}, {report['method']}, "
        f"{data['training_images']} frames to train on, {data['held_out_images']} held out (same video: "
        f"easy; they also chose the weights), {report['training']['steps']} steps. It took "
        f"**{used.ru_utime + used.ru_stime:.0f} processor seconds** ({wall:.0f} s by the clock).\n\n"
        + table(
            ["held-out frames", "before", "after"],
            [
                ["mean error (px)", *(f"{x['mean_euclidean_px']:.2f}" for x in (before, after))],
                ["median error (px)", *(f"{x['p50_px']:.2f}" for x in (before, after))],
                ["AP", *(f"{x['AP']:.3f}" for x in (before, after))],
            ],
        )
        + f"\n\nChange of the mean error {change['value']:+.2f} px, {interval}."
    )
    print(body)
    write_section(TITLE, body)


if __name__ == "__main__":
    main()
