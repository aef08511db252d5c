"""Who is who: identities of several animals from poses alone, or with the video.

Tracking is done after the fact, on the whole recording (docs/tracking.md). Names are loaded on first use.

The online part is :class:`superanimal.inference.tracking.Tracker`, which gives the animals of a running
analysis their slots frame by frame and must be resumable at every chunk. It can be wrong only in what comes
next; this room, which sees the whole recording, is therefore not a second tracker for the same moment but
the step after it.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
