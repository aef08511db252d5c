from .moseq import read_moseq as read_moseq
from .moseq import write_moseq as write_moseq
from .segment import Motifs as Motifs
from .segment import segment as segment
