from .doubts import DOUBTFUL as DOUBTFUL
from .doubts import doubts as doubts
from .recording import track as track
