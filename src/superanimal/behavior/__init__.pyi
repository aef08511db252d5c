from .bouts import bouts_of as bouts_of
from .bouts import check_bouts as check_bouts
from .bouts import frames_of as frames_of
