"""Analyse a clip in a process of its own that tells what it does, so that a test can kill it: VIDEO OUT."""

from __future__ import annotations

import sys
from pathlib import Path

from blobs import BlobDetector, BlobPose

from superanimal.inference import Analyzer
from superanimal.progress import Progress


class Telling(Progress):
    def changed(self) -> None:
        print(f"{self.done} of {self.total}", flush=True)


if __name__ == "__main__":
    video, out = sys.argv[1:]
    analyzer = Analyzer(
        BlobPose(), detector=BlobDetector(), device="cpu", batch_size=8, detector_every=3, formats=(), out=out
    )
    analyzer.run(Path(video), Telling())
    print("finished", flush=True)
