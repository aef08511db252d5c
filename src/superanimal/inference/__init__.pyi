from .analysis import analyze as analyze
from .analyzer import Analysis as Analysis
from .analyzer import Analyzer as Analyzer
from .choosing import Analyzers as Analyzers
from .sources import find_videos as find_videos
