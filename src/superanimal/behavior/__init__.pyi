from .annotations import annotations_by_video as annotations_by_video
from .annotations import read_annotations as read_annotations
from .annotations import write_annotations as write_annotations
from .bouts import bouts_of as bouts_of
from .bouts import check_bouts as check_bouts
from .bouts import frames_of as frames_of
