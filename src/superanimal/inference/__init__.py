"""Pose estimation in videos: detector, crops, networks, decoding, identities, run stores.

Names are loaded on first use: reading a run store needs no torch.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
