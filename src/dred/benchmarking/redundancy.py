"""What a sender's redundancy costs, by how much of it there is."""

from collections.abc import Callable

from dred.assembly import build_encoder
from dred.benchmarking.material import Material
from dred.benchmarking.rounds import Work
from dred.sender import DredConfig
from dred.sender.redundancy import Redundancy
from dred.timebase import DOUBLE_FRAME_SAMPLES, SAMPLE_RATE_HZ

__all__ = ["DURATIONS_MS", "describing", "protecting"]

DURATIONS_MS = tuple(range(100, 1001, 100))
"""How much redundancy is tried."""

# Of libopus's voip at 16 kHz.
_LOOKAHEAD_SAMPLES = 104


def protecting(material: Material, *, duration_ms: int) -> Work:
    """Return the work of a sender's redundancy, without the main stream: samples in, one payload per 20 ms out."""
    return _redundancy(material, duration_ms=duration_ms, is_written=True)


def describing(material: Material) -> Work:
    """Return the part of it that does not depend on how much is written: samples to latents."""
    return _redundancy(material, duration_ms=DURATIONS_MS[-1], is_written=False)


def _redundancy(material: Material, *, duration_ms: int, is_written: bool) -> Work:
    config = DredConfig(duration_ms=duration_ms, version=material.version.name)
    blocks = material.speech.reshape(-1, DOUBLE_FRAME_SAMPLES, 1)

    def prepare() -> Callable[[], object]:
        encoder = build_encoder(config, material.weights)
        redundancy = Redundancy(config, encoder.tables, rate_hz=SAMPLE_RATE_HZ, lookahead_samples=_LOOKAHEAD_SAMPLES)

        def run() -> None:
            for block in blocks:
                for step in redundancy.take_in(block):
                    redundancy.remember(*encoder.encode(step))
                if is_written:
                    redundancy.write(max_bytes=config.max_bytes)

        return run

    return Work(prepare=prepare, amount=material.seconds)
