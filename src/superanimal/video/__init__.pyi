from .base import Video as Video
from .base import VideoWarning as VideoWarning
from .open import VIDEO_SUFFIXES as VIDEO_SUFFIXES
from .open import open_video as open_video
from .overlay import render_overlay as render_overlay
from .pictures import IMAGE_SUFFIXES as IMAGE_SUFFIXES
from .writer import VideoWriter as VideoWriter
