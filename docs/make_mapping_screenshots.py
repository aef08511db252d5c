"""Take the pictures of docs/mapping.md from the real widget.

    xvfb-run -a -s "-screen 0 1700x1200x24" python docs/make_mapping_screenshots.py

Rendered mice under the names of an imaginary lab, which took left for right at the shoulders and labelled an
implant that the space lacks; matched by the embedded model as any user would do it.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import napari
import numpy as np
from make_screenshots import IMAGES as PICTURES
from make_screenshots import dock, grab, settle
from PIL import Image

from superanimal.labels import LabelledSet, synthetic_labels

OWN = {
    "nose": "snout",
    "left_ear": "earL",
    "right_ear": "earR",
    "neck": "collar",
    "left_shoulder": "shoulder_right",
    "right_shoulder": "shoulder_left",
    "mid_back": "centre_of_the_back",
    "left_hip": "hipL",
    "right_hip": "hipR",
    "tail_base": "tailroot",
}
IMAGES, SHOWN = 40, 19


def lab_labels(folder: Path) -> LabelledSet:
    """Return the mice as that lab labelled them."""
    everything = synthetic_labels(folder, IMAGES, size=(400, 520), seed=11)
    keep = [everything.keypoints.index(name) for name in OWN]
    xy, seen = everything.xy[:, keep], everything.visibility[:, keep]
    ears = xy[:, [1]] / 2 + xy[:, [2]] / 2
    return everything.with_columns(
        name="ourlab",
        keypoints=(*OWN.values(), "implant"),
        xy=np.concatenate([xy, ears], axis=1),
        visibility=np.concatenate([seen, np.where(np.isfinite(ears[..., 0]), 2, 0)], axis=1),
    )


def main() -> None:
    viewer = napari.Viewer()
    viewer.window.resize(1500, 1040)
    area, widget = dock(viewer, "Keypoint mapping")
    area.setMinimumWidth(500)
    with tempfile.TemporaryDirectory() as folder:
        widget.menu.read.emit(lab_labels(Path(folder)), "ourlab")
        widget.panel.run_button.click()
        while widget.panel.running:
            settle(0.05)
        if widget.panel.job.report.state != "finished":
            raise SystemExit(f"{widget.panel.job.report} {list(widget.panel.job.log)}")
        session = widget.session
        widget.step(int(np.argmax(session.labels.image_index[session.animals] == SHOWN)))
        widget.table.choose("tailroot")
        grab(area, "mapping")
        widget.assign("implant", "neck")
        widget.names.setChecked(True)
        settle(0.5)
        grab(area, "mapping_warnings")
    viewer.close()
    for name in ("mapping", "mapping_warnings"):
        path = PICTURES / f"{name}.png"
        Image.open(path).convert("RGB").save(path.with_suffix(".jpg"), quality=90, subsampling=0)
        path.unlink()


if __name__ == "__main__":
    main()
