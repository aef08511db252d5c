from .analysis import analyze as analyze
from .analyzer import Analysis as Analysis
from .analyzer import Analyzer as Analyzer
from .choosing import Analyzers as Analyzers
from .live import predict as predict
from .live import stream as stream
from .sources import find_videos as find_videos
