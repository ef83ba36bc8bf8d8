"""Last features to next features, when neither packet nor redundancy covers the time.

`Predictor` guesses feature frames; `fade` lets long guesses die away.
"""

from .fade import fade
from .predictor import Predictor, PredictorState

__all__ = ["Predictor", "PredictorState", "fade"]
