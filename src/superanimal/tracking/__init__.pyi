from .recording import track as track
