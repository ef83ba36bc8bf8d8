"""Last features to next features, when neither packet nor redundancy covers the time.

`Predictor` guesses feature frames; `fade` lets long guesses die away.
"""

from dred.concealment.compiled import CompiledPredictor
from dred.concealment.fade import fade
from dred.concealment.predictor import Predictor, PredictorState

__all__ = ["CompiledPredictor", "Predictor", "PredictorState", "fade"]
