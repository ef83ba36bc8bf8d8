"""A folder of results, filled at once: until all files are whole, none of them shows under its name."""

import json
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from dred.audio import write_wav
from dred.errors import UsageError
from dred.evaluation.simulate import Simulation
from dred.evaluation.summary import summarise, wav_name
from dred.report.page import render_page
from dred.whole_file import write_whole_file

__all__ = ["staged_folder", "write_results"]


@contextmanager
def staged_folder(directory: Path) -> Iterator[Path]:
    """Give a hidden folder to write into; its files move into the directory when all went well, else they vanish.

    The directory is made if it is missing; its other files stay.

    Raises:
        UsageError: The directory cannot be made or written.
    """
    try:
        directory.mkdir(parents=True, exist_ok=True)
        staging = tempfile.TemporaryDirectory(prefix=".part-", dir=directory)
    except OSError as error:
        raise UsageError(f"cannot write into {directory}: {error.strerror}") from error
    with staging as name:
        yield Path(name)
        for file in sorted(Path(name).iterdir()):
            try:
                file.replace(directory / file.name)
            except OSError as error:
                raise UsageError(f"cannot write {directory / file.name}: {error.strerror}") from error


def write_results(simulation: Simulation, directory: Path, *, input_name: str) -> dict[str, Any]:
    """Write `<scheme>.wav`, `summary.json` and `report.html`; return the summary.

    Raises:
        UsageError: The directory cannot be written.
    """
    summary = summarise(simulation, input_name=input_name)
    for result in simulation.results:
        write_wav(directory / wav_name(result), result.samples, simulation.audio.rate_hz)
    write_whole_file(directory / "summary.json", (json.dumps(summary, indent=2) + "\n").encode())
    write_whole_file(directory / "report.html", render_page(simulation, summary).encode())
    return summary
