"""SuperAnimal in napari. Every button of the widgets has a function of the same name here, for the console.

>>> from napari_superanimal import open_video, estimate_poses
>>> open_video(viewer, "clip.mp4")
>>> run = estimate_poses(viewer, model="mini_topviewmouse")
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
