from .track import track as track
