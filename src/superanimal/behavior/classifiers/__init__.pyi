from .model import BehaviorModel as BehaviorModel
from .model import load_model as load_model
from .predicting import bouts_of_predictions as bouts_of_predictions
from .predicting import predict as predict
from .training import train as train
