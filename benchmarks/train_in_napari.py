"""Fine-tuning on 10 labelled frames from inside napari: minutes, and held-out error before and after.

    xvfb-run -a -s "-screen 0 1400x1000x24 +extension GLX" python benchmarks/train_in_napari.py --write

Opens the project ``dlc-openfield`` in the dock widget *Train*, holds out 90 % of its frames, presses Start
with everything else as proposed, and waits for the result. The time of the processor tells what an idle
machine would need when others work on this one.
"""

from __future__ import annotations

import argparse
import resource
import tempfile
import time
from pathlib import Path

import napari
from _report import table, write_section
from qtpy.QtWidgets import QApplication

HELD_OUT = 90
FIGURES = {"mean_euclidean_px": "mean error (px)", "p50_px": "median error (px)", "AP": "AP"}


def wait(seconds: float = 0.1) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        QApplication.processEvents()
        time.sleep(0.01)


def processor_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--data", type=Path, default=Path("../shared/data"))
    options.add_argument("--picture", type=Path, help="save a picture of the result (real data)")
    options.add_argument("--write", action="store_true", help="write the section of RESULTS.md")
    args = options.parse_args()
    project = args.data / "dlc-openfield"
    if not project.is_dir():
        raise SystemExit(f"{project} is not there: real data lie beside the repository, see --data")
    viewer = napari.Viewer()
    area, widget = viewer.window.add_plugin_dock_widget("napari-superanimal", "Fine-tune")
    widget.menu.open(project)
    while widget.form.labels is None:
        wait()
    widget.form.share.setValue(HELD_OUT)
    while widget.form.split is None or widget.form._gauge is not None:
        wait()
    estimate, used = widget.form.length_caption.text(), processor_seconds()
    with tempfile.TemporaryDirectory() as folder:
        widget.form.set_folder(Path(folder) / "openfield")
        start = time.monotonic()
        widget.panel.run_button.click()
        while widget.job.running:
            wait()
        minutes = (time.monotonic() - start) / 60
        used = (processor_seconds() - used) / 60
        if widget.job.report.state != "finished":
            raise SystemExit(f"{widget.job.report} {list(widget.job.log)}")
        report = widget.result.result.report
        if args.picture:
            wait(0.5)
            area.grab().save(str(args.picture))
    viewer.close()
    lines = [
        [title, f"{report['before'][key]:.3g}", f"{report['after'][key]:.3g}"]
        for key, title in FIGURES.items()
    ]
    lines += [
        [f"{each['keypoint']} (px)", f"{each['before_px']:.3g}", f"{each['after_px']:.3g}"]
        for each in report["keypoints"]
    ]
    data, lost = report["data"], report["forgetting"]
    kept = f"{lost['lost']:.1%} of those sure before are not sure after"
    body = (
        f"{report['base_model']}, {report['method']}, {data['training_images']} labelled frames of "
        f"dlc-openfield to train on, {data['held_out_images']} held out (same video: easy); all else as the "
        f"widget proposes it. From Start to the result: **{minutes:.1f} minutes**, {used:.1f} minutes of "
        f"processor time. The form had said: {estimate}.\n\n"
        f"{table(['held-out frames', 'before', 'after'], lines)}\n\n"
        f"{report['verdict']} Of the other {lost['keypoints']} keypoints, {kept}."
    )
    print(body)
    if args.write:
        write_section("Training in napari", body)


if __name__ == "__main__":
    main()
