from .read import annotations_by_video as annotations_by_video
from .read import read_annotations as read_annotations
from .write import write_annotations as write_annotations
