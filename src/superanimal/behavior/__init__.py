"""Behaviour: annotations, features, classifiers, motifs and results, from the poses of any model.

Names are loaded on first use.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
