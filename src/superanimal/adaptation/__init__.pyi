from .adapt import AdaptResult as AdaptResult
from .adapt import adapt as adapt
from .ensemble import ensemble as ensemble
