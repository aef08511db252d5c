"""What if there are ten thousand videos? The analysis of each, spread over the workers of a dask cluster."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
