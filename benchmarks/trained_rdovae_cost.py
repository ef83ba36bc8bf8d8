"""What an RDO-VAE costs here: time of one stream's calls on one core, and stored bytes."""

import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from trained_speech import read_speech, weights_of

from dred.rdovae import CompiledDecoder, CompiledEncoder
from dred.weights import RDOVAE

NUM_LATENTS = 26
# Short rounds, and many, so that one of them has the core to itself.
NUM_STEPS = 50
NUM_ROUNDS = 100
LEVEL = 4


def rate_rdovae_cost(task: tuple[str, Path]) -> dict[str, float]:
    """Return microseconds of the fastest of some rounds, and what is stored, in thousands."""
    name, path = task
    weights = weights_of(name)
    dims = {"latent_dim": weights.latent_dim, "state_dim": weights.state_dim}
    encoder = CompiledEncoder.from_tensors(weights.tensors, **dims)
    decoder = CompiledDecoder.from_tensors(weights.tensors, **dims)
    pairs = read_speech(path)[1].reshape(-1, 2, 20)[: 2 * NUM_STEPS]
    latents, states = encoder.encode_steps(encoder.initial_state(), pairs)
    pairs = pairs[-NUM_STEPS:]
    state, newest = states[-1].copy(), latents[::-2][:NUM_LATENTS].copy()
    levels = np.full(len(newest), LEVEL)

    def encode() -> None:
        memory = encoder.initial_state()
        for pair in pairs:
            encoder.encode(memory, pair)

    layers = [layer for layer in weights.layers if layer.component in RDOVAE]
    prefixes = tuple(f"{layer.name}_" for layer in layers)
    return {
        "us per 20 ms encoded": fastest(encode) / len(pairs),
        f"us per {NUM_LATENTS} latents decoded": fastest(lambda: decoder.decode(state, newest, levels)),
        "thousand weights": sum(layer.num_weights for layer in layers) / 1000,
        "kB": sum(array.nbytes for key, array in weights.tensors.items() if key.startswith(prefixes)) / 1000,
    }


def fastest(work: Callable[[], object]) -> float:
    times = []
    for _ in range(NUM_ROUNDS):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return 1e6 * min(times)
