"""Models and weights: the catalogue, downloads, and networks ready for inference.

The public names are loaded on first use, so that looking at the catalogue does not load torch.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
