"""Take docs/images/adapt.png from the real viewer: the dock after an adaptation, both poses on the video.

    xvfb-run -a -s "-screen 0 1700x1200x24 +extension GLX +render -noreset" python docs/make_adapt_picture.py

Some minutes on two CPU cores; ``--folder`` keeps the adaptation, which a second call reads.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import napari
import numpy as np
from make_screenshots import dock, settle, window

import napari_superanimal as plugin


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--sample", default="sideview_horse")
    parser.add_argument("--model", default="mini_quadruped")
    choices = parser.parse_args()
    viewer = napari.Viewer()
    viewer.window.resize(1400, 900)
    settle()
    video = viewer.open_sample("napari-superanimal", choices.sample)[0]
    for layer in list(viewer.layers):
        if layer is not video:
            viewer.layers.remove(layer)
    _, widget = dock(viewer, "Adapt to video")
    widget.model.choose(choices.model)
    widget.out.set_folder(choices.folder or Path(tempfile.mkdtemp()))
    widget.panel.run_button.click()
    while widget.panel.running:
        settle(0.1)
    if not widget.result:
        raise SystemExit(f"{widget.panel.job.report} {list(widget.panel.job.log)}")
    print(widget.result)
    _, after = plugin.compare_adaptation(viewer, widget.result["folder"])
    widget.out.set_folder(None)
    points = np.asarray(after.data)
    here = points[points[:, 0] == viewer.dims.current_step[0]]
    viewer.scene.camera.zoom = 2.0
    viewer.scene.camera.center = (0, video.data.shape[1] / 2, float(np.nanmedian(here[:, 2])))
    settle(1.0)
    window(viewer, "adapt")
    viewer.close()


if __name__ == "__main__":
    main()
