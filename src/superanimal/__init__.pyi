from . import behavior as behavior
from . import gait as gait
from .adaptation import adapt as adapt
from .adaptation import ensemble as ensemble
from .evaluation import evaluate as evaluate
from .formats import load_poses as load_poses
from .formats import save_poses as save_poses
from .inference import analyze as analyze
from .inference import find_videos as find_videos
from .inference import predict as predict
from .inference import stream as stream
from .keypoints import match_keypoints as match_keypoints
from .keypoints import measure_offsets as measure_offsets
from .keypoints.convert import convert as convert
from .keypoints.merge import merge as merge
from .labels import read_labels as read_labels
from .poses import load_space as load_space
from .tracking import track as track
from .training.finetuning.finetune import finetune as finetune
from .training.pretraining.pretrain import train as train
from .video import open_video as open_video
from .zoo import download as download
from .zoo import list_models as list_models
from .zoo import load_model as load_model

__version__: str
