"""What waits when a process begins, by the wall clock, and what its streams take: asked in fresh processes."""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from dred.benchmarking.fresh import FIRST_AUDIO, MEMORY, UNPRIMED_MEMORY
from dred.benchmarking.material import Material
from dred.weights import save

__all__ = ["StartUp", "StreamMemory", "measure_fresh_processes"]

_ENOUGH_PACKETS = 120


@dataclass(frozen=True, slots=True, kw_only=True)
class StartUp:
    """Milliseconds from the start of a process, medians, with compiled code on disk.

    Attributes:
        help_ms: Until `dred --help` is done.
        import_ms: Until a process that imports the sender and the receiver is done.
        first_audio_ms: Until the first recovered samples of a stream are there.
    """

    help_ms: float
    import_ms: float
    first_audio_ms: float


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamMemory:
    """Resident bytes that a running receiver adds, None where the system does not tell."""

    primed: int | None
    unprimed: int | None


def measure_fresh_processes(material: Material, *, num_starts: int) -> tuple[StartUp, StreamMemory]:
    """Start processes, each kind once to warm up and then so many times."""
    with tempfile.TemporaryDirectory() as folder:
        save(material.weights, directory=Path(folder))
        packets = Path(folder) / "packets.json"
        packets.write_text(json.dumps([packet.hex() for packet in material.packets[:_ENOUGH_PACKETS]]))
        environment = os.environ | {"DRED_WEIGHTS": folder}

        def ask(question: str) -> Any:
            words = ["-m", "dred.benchmarking.fresh", question, material.weights.name, str(packets)]
            return json.loads(_run(words, environment))

        def until_done(*words: str) -> float:
            start = time.perf_counter()
            _run(words, environment)
            return time.perf_counter() - start

        def until_first_audio() -> float:
            start = time.time()
            return float(ask(FIRST_AUDIO)) - start

        rounds = [
            (until_done("-m", "dred", "--help"), until_done("-c", "import dred.assembly"), until_first_audio())
            for _ in range(num_starts + 1)
        ][1:]
        help_ms, import_ms, first_audio_ms = (1e3 * median(times) for times in zip(*rounds))
        start_up = StartUp(help_ms=help_ms, import_ms=import_ms, first_audio_ms=first_audio_ms)
        return start_up, StreamMemory(primed=ask(MEMORY), unprimed=ask(UNPRIMED_MEMORY))


def _run(words: Sequence[str], environment: dict[str, str]) -> str:
    done = subprocess.run([sys.executable, *words], env=environment, stdout=subprocess.PIPE, text=True, check=True)
    return done.stdout
