"""Many videos on many machines: the analysis of each video, spread over the workers of a dask cluster."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__, submod_attrs={"dispatch": ["Outcome"], "runs": ["analyze_videos"]}
)
