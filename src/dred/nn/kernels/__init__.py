"""Layers compiled for this processor: int8 products by its widest instructions, several vectors at once.

    layers --pack--> network, one flat array, --> compiled stages call dense, gru, glu, conv1d, conv2d

`choose_instructions` says which instructions; `KernelEngine` runs single layers.
"""

from dred.nn.kernels.activations import LINEAR, SIGMOID, TANH, sigmoid, tanh
from dred.nn.kernels.convolutions import conv1d, conv1d_steps, conv2d
from dred.nn.kernels.engine import KernelEngine
from dred.nn.kernels.instructions import INSTRUCTION_SETS, choose_instructions, usable_instructions
from dred.nn.kernels.layers import affine, dense, glu, gru, gru_steps, read_float
from dred.nn.kernels.packing import Network, Workspace, layer_rows, pack, workspace
from dred.nn.kernels.rows import copy_part
from dred.nn.kernels.scratch import Scratch

__all__ = [
    "INSTRUCTION_SETS",
    "LINEAR",
    "SIGMOID",
    "TANH",
    "KernelEngine",
    "Network",
    "Scratch",
    "Workspace",
    "affine",
    "choose_instructions",
    "conv1d",
    "conv1d_steps",
    "conv2d",
    "copy_part",
    "dense",
    "glu",
    "gru",
    "gru_steps",
    "layer_rows",
    "pack",
    "read_float",
    "sigmoid",
    "tanh",
    "usable_instructions",
    "workspace",
]
