from .dispatch import Outcome as Outcome
from .runs import analyze_videos as analyze_videos
from .worker import WorkerError as WorkerError
