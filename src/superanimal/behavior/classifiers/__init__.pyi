from .model import BehaviorModel as BehaviorModel
from .model import bouts_of_predictions as bouts_of_predictions
from .model import predict as predict
from .saving import load_model as load_model
from .training import train as train
