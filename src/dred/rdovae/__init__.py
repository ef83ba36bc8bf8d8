"""Acoustic features to latents and initial states, and back.

`RdovaeEncoder` runs forward in time and yields one latent and one state per 20 ms; `RdovaeDecoder` runs backward from
a state, 40 ms per latent.
"""

from dred.rdovae.blocks import BlockState
from dred.rdovae.compiled import CompiledDecoder, CompiledEncoder
from dred.rdovae.decoder import RdovaeDecoder
from dred.rdovae.encoder import RdovaeEncoder

__all__ = ["BlockState", "CompiledDecoder", "CompiledEncoder", "RdovaeDecoder", "RdovaeEncoder"]
