from .analyzer import Analysis as Analysis
from .analyzer import Analyzer as Analyzer
from .analyzer import analyze as analyze
from .sources import find_videos as find_videos
