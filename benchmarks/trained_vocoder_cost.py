"""What the vocoders of weight sets cost: CPU time per second of speech, 20 ms at a time on one core, and memory.

Pieces of work take turns (`dred.benchmarking.rounds`). Beside the sets stands LPCNet of the paper's widths with random
weights, all of the recurrent ones of GRU A and a tenth of them: what it costs does not depend on what it has learnt.
These need the extra `train`, and are left out without it.
"""

from collections.abc import Callable, Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from trained_speech import AHEAD_FRAMES, START_FRAMES, read_speech, spoken_with, vocoder, weights_of

from dred.benchmarking.rounds import Work, time_rounds
from dred.timebase import FEATURE_FRAME_SAMPLES
from dred.vocoder import START_FEATURE_FRAMES, START_SAMPLES, CompiledFargan, CompiledLpcnet
from dred.weights import COMPONENTS

Tensors = Mapping[str, np.ndarray]

NUM_ROUNDS = 7
NUM_FRAMES = 100
BLOCK = 8, 4
# Of the blocks of the gates z, r and h, beside the diagonal's. Source: Valin and Skoglund, "LPCNet", 2019.
DENSITIES = (0.05, 0.05, 0.2)


def random_lpcnet(rng: np.random.Generator, densities: Sequence[float]) -> Tensors:
    """Return int8 layers of the paper's widths, with random weights."""
    from torch import Generator

    from dred.training.layers import export_tensors
    from dred.training.lpcnet import LpcnetNetwork, LpcnetWidths
    from dred.training.rounding import with_int8_layers

    widths = LpcnetWidths()
    tensors = export_tensors(LpcnetNetwork(Generator().manual_seed(0), widths))
    outputs, inputs = widths.gru_a // BLOCK[0], widths.gru_a // BLOCK[1]
    kept = np.concatenate([rng.random((outputs, inputs)) < density for density in densities])
    mask = np.kron(kept, np.ones(BLOCK, bool))
    mask |= np.tile(np.kron(np.eye(outputs, dtype=bool), np.ones((BLOCK[0], BLOCK[0]), bool)), (len(densities), 1))
    recurrent = "lpcnet_gru_a_recurrent_weights_float"
    thinned = tensors[recurrent].reshape(mask.T.shape) * mask.T
    return with_int8_layers(tensors | {recurrent: thinned.astype(np.float32).ravel()})


def speaking(spoken_by: CompiledFargan | CompiledLpcnet, samples: np.ndarray, features: np.ndarray) -> Work:
    """Return the work of speaking a second, two frames at a time."""
    start = START_FRAMES * FEATURE_FRAME_SAMPLES
    first = START_FRAMES + AHEAD_FRAMES
    opening = features[first - START_FEATURE_FRAMES : first].copy()
    pairs = features[first : first + NUM_FRAMES].reshape(-1, 2, features.shape[1]).copy()

    def prepare() -> Callable[[], object]:
        state = spoken_by.start(opening, samples[start - START_SAMPLES : start].copy())

        def run() -> None:
            for pair in pairs:
                spoken_by.synthesise(state, pair)

        return run

    return Work(prepare=prepare, amount=NUM_FRAMES / 100)


def size_of(tensors: Tensors, component: str) -> tuple[int, int]:
    """Return the number of weights that are not zero, and the bytes of all arrays, of one network."""
    arrays = {name: array for name, array in tensors.items() if name.startswith(COMPONENTS[component])}
    num_weights = sum(int(np.count_nonzero(array)) for name, array in arrays.items() if "_weight" in name)
    return num_weights, sum(array.nbytes for array in arrays.values())


def report_vocoder_cost(names: Sequence[str], path: Path, label: Callable[[str], str]) -> None:
    """Print the table."""
    samples, features = read_speech(path)
    rng = np.random.default_rng(3)
    sizes = {label(name): size_of(weights_of(name).tensors, spoken_with(name)) for name in names}
    vocoders = {label(name): vocoder(name) for name in names}
    for density, densities in (("dense", (1, 1, 1)), ("a tenth", DENSITIES)) if find_spec("torch") else ():
        tensors = random_lpcnet(rng, densities)
        title = f"LPCNet of the paper's widths, {density}, random"
        sizes[title] = size_of(tensors, "LPCNet vocoder")
        vocoders[title] = CompiledLpcnet.from_tensors(tensors)
    works = {title: speaking(each, samples, features) for title, each in vocoders.items()}
    timings = time_rounds(works, num_rounds=NUM_ROUNDS)
    print("\n| vocoder | CPU ms per s of speech | weights that are not 0 | bytes |\n|---|---|---|---|")
    for title, (num_weights, num_bytes) in sizes.items():
        print(f"| {title} | {1000 * timings.cost(title):.1f} | {num_weights:,} | {num_bytes:,} |")
