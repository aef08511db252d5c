"""Take docs/images/finetune_widget.jpg from the real widget: form, curves and result of one training.

    xvfb-run -a -s "-screen 0 1700x1200x24 +extension GLX" python docs/make_finetune_widget_picture.py

Some minutes on two CPU cores. Rendered mice, labelled as in make_finetune_picture.py.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import napari
from make_finetune_picture import user_labels
from make_screenshots import IMAGES, dock, settle
from PIL import Image


def main() -> None:
    viewer = napari.Viewer()
    viewer.window.resize(1500, 960)
    area, widget = dock(viewer, "Fine-tune")
    area.setMinimumWidth(430)
    pictures = []

    def take(tab: int) -> None:
        widget.tabs.setCurrentIndex(tab)
        settle(0.5)
        shot = area.grab().toImage().convertToFormat(area.grab().toImage().Format.Format_RGB888)
        data = shot.constBits().asarray(shot.sizeInBytes())
        size = shot.width(), shot.height()
        pictures.append(Image.frombytes("RGB", size, bytes(data), "raw", "RGB", shot.bytesPerLine()))

    with tempfile.TemporaryDirectory() as folder:
        widget.menu.read.emit(user_labels(), "mice")
        widget.form.share.setValue(60)
        widget.form.length.setCurrentIndex(widget.form.length.findData("quick"))
        while widget.form._gauge is not None or widget.form.split is None:
            settle(0.1)
        widget.form.set_folder(Path(folder) / "my_mice")
        take(0)
        widget.panel.run_button.click()
        while widget.job.running and len(widget.job.rows) < 4:
            settle(0.1)
        take(1)
        while widget.job.running:
            settle(0.1)
        if widget.job.report.state != "finished":
            raise SystemExit(f"{widget.job.report} {list(widget.job.log)}")
        print(widget.result.result.report["verdict"])
        widget.result.step(5)
        take(2)
    viewer.close()
    sheet = Image.new("RGB", (sum(p.width for p in pictures), pictures[0].height))
    for n, picture in enumerate(pictures):
        sheet.paste(picture, (n * picture.width, 0))
    sheet.save(IMAGES / "finetune_widget.jpg", quality=90)


if __name__ == "__main__":
    main()
