"""How fast labelled data sets convert, and in how much memory: 100,000 small pictures, 25 keypoints each.

    python benchmarks/convert.py [--images 100000] [--folder FOLDER]

Every conversion runs in its own process, so that its peak memory is its own. Pictures are tiny (48 x 48
JPEG), which measures the converter and the file system rather than the decoding of pictures.
"""

from __future__ import annotations

import argparse
import json
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from _report import table, write_section

COLUMN = "MackenzieMausHaus"
TARGETS = {"coco": "coco", "store": "s.labels.zarr", "sleap": "p.pkg.slp"}


def make_source(folder: Path, images: int) -> Path:
    """Write a COCO data set of that many different pictures."""
    import cv2

    from superanimal.keypoints import load_table

    rng = np.random.default_rng(0)
    names = [str(cell) for cell in load_table("topviewmouse").column(COLUMN).values()]
    pictures = [
        cv2.imencode(".jpg", rng.integers(0, 255, (48, 48, 3), dtype=np.uint8))[1].tobytes()
        for _ in range(64)
    ]
    path = folder / "labels.json"
    with path.open("w") as out:
        out.write('{"categories": ' + json.dumps([{"id": 1, "name": "mouse", "keypoints": names}]))
        out.write(', "images": [')
        for i in range(images):
            file = folder / "images" / f"{i // 1000:03d}" / f"{i:06d}.jpg"
            if i % 1000 == 0:
                file.parent.mkdir(parents=True)
            file.write_bytes(
                pictures[i % 64] + i.to_bytes(4, "little")
            )  # after the end mark: allowed, makes it differ
            image = {"id": i, "file_name": f"{i // 1000:03d}/{file.name}", "width": 48, "height": 48}
            out.write(("," if i else "") + json.dumps(image))
        out.write('], "annotations": [')
        for i in range(images):
            xyv = np.concatenate(
                [rng.uniform(0, 47, (len(names), 2)).round(2), np.full((len(names), 1), 2)], 1
            )
            animal = {
                "id": i,
                "image_id": i,
                "category_id": 1,
                "bbox": [0, 0, 48, 48],
                "keypoints": xyv.ravel().tolist(),
            }
            out.write(("," if i else "") + json.dumps(animal))
        out.write("]}")
    return path


def run_one(source: Path, dest: Path, to: str) -> None:
    """Convert in this process and print seconds, peak MiB and the number of images."""
    from superanimal.keypoints.convert import convert

    started = time.perf_counter()
    done = convert(f"{COLUMN}={source}", dest, to=to, space="topviewmouse", table="topviewmouse")
    seconds = time.perf_counter() - started
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps([seconds, peak, len(done.merged.labelled)]))


def report(rows: list[list[str]]) -> None:
    body = (
        "COCO json (48 x 48 JPEG, one animal of 25 keypoints per image) through a conversion table into\n"
        "TopViewMouse. coco links the images; store and sleap hold them. Reading the json is part of\n"
        "the time; peak memory is that of the whole process, libraries included: pictures stream, so it\n"
        "grows only with the labels and file names (some 2 KB per image).\n\n"
    )
    figures = table(["images", "to", "seconds", "images/s", "peak MiB"], rows)
    write_section("Converter", body + figures, "python benchmarks/convert.py")


def measure(scratch: Path, images: int, targets: list[str]) -> None:
    rows = []
    for count in (images // 10, images):
        folder = scratch / str(count)
        folder.mkdir(parents=True, exist_ok=True)
        source = folder / "labels.json"
        if not source.is_file():
            make_source(folder, count)
        for to in targets:
            dest = folder / TARGETS[to]
            shutil.rmtree(dest, ignore_errors=True)
            dest.unlink(missing_ok=True)
            command = [sys.executable, __file__, "--one", str(source), str(dest), to]
            said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
            seconds, peak, done = json.loads(said.splitlines()[-1])
            rows.append([f"{done:,}", to, f"{seconds:.1f}", f"{done / seconds:,.0f}", f"{peak:,.0f}"])
            print(rows[-1], flush=True)
            report(rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=100_000)
    parser.add_argument("--folder", type=Path, help="Keep the pictures here for the next run.")
    parser.add_argument("--to", choices=TARGETS, nargs="*", default=list(TARGETS))
    parser.add_argument("--one", nargs=3, metavar=("SOURCE", "DEST", "TO"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        run_one(Path(options.one[0]), Path(options.one[1]), options.one[2])
        return
    with tempfile.TemporaryDirectory() as scratch:
        measure(options.folder or Path(scratch), options.images, options.to)


if __name__ == "__main__":
    main()
