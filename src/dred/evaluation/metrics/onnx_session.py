"""Open an ONNX model so that it gives the same figures on any number of cores, and says nothing."""

from importlib import import_module
from typing import Any

__all__ = ["open_session"]

_ERRORS_ONLY = 3


def open_session(model: str | bytes) -> Any:
    """Return an `onnxruntime.InferenceSession` of one thread.

    Args:
        model: Path of the model, or the model itself.
    """
    onnxruntime = import_module("onnxruntime")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.log_severity_level = _ERRORS_ONLY
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
