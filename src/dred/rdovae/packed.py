"""One half of the RDO-VAE as its compiled form sees it: packed layers, the plan of its blocks, scratch space."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Int64

from dred.nn import Linear
from dred.nn.kernels import Network, Scratch, pack
from dred.rdovae.blocks import Block
from dred.rdovae.kernels import ABSENT


@dataclass(frozen=True, slots=True, kw_only=True)
class PackedHalf:
    """The layers of the encoder or of the decoder.

    Attributes:
        network: The layers: input, heads, then those of the blocks.
        plan: Where the blocks' layers are.
        scratch: Room for calls.
        memory_size: Floats that one stream's memory takes.
    """

    network: Network
    plan: Int64[np.ndarray, "blocks 6"]
    scratch: Scratch
    memory_size: int

    @classmethod
    def from_layers(
        cls,
        first: Linear,
        blocks: Sequence[Block],
        heads: Sequence[Linear],
        instructions: str | None,
        activation_bytes: int = 2,
    ) -> "PackedHalf":
        """Pack the layers, for an instruction set or the processor's fastest, with activations of 1 or 2 bytes."""
        layers = [first, *heads]
        plan = []
        for block in blocks:
            row = []
            for layer in (block.gru.input, block.gru.recurrent, block.glu, block.squeeze, block.conv):
                row.append(ABSENT if layer is None else len(layers))
                if layer is not None:
                    layers.append(layer)
            plan.append([*row, block.dilation])
        network = pack(layers, instructions, activation_bytes=activation_bytes)
        joined = first.num_outputs + sum(block.num_outputs for block in blocks)
        widest = max(max(layer.num_inputs, layer.num_outputs) for layer in layers)
        return cls(
            network=network,
            plan=np.array(plan, np.int64),
            scratch=Scratch(network, [max(joined, widest), widest, widest]),
            memory_size=sum(block.gru.num_units + block.dilation * (block.conv.num_inputs // 2) for block in blocks),
        )
