"""A package of two compiled functions in two files, and processes that call it."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dred

_SOURCES = {
    "__init__.py": "",
    "sizes.py": "FACTOR = 2\n",
    "callee.py": """
from dred.compilation import compiled
from small.sizes import FACTOR

@compiled
def scaled(x):
    return FACTOR * x
""",
    "caller.py": """
from dred.compilation import compiled
from small import (
    callee,
)

scaled = callee.scaled

@compiled
def scaled_and_one(x):
    return scaled(x) + 1
""",
    "bystander.py": "",
}
_CALL = """
import json
from small.caller import scaled_and_one
result = scaled_and_one(10)
print(json.dumps([result, sum(scaled_and_one.stats.cache_hits.values()), scaled_and_one.stats.cache_path]))
"""


@dataclass(frozen=True)
class Called:
    """What a process saw: 10 scaled and one, whether the code came from disk, and the folder that it is kept in."""

    result: int
    came_from_disk: bool
    folder: str | None


class SmallPackage:
    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.package = folder / "small"
        self.cache = folder / "cache"
        self.package.mkdir(parents=True)
        for name, source in _SOURCES.items():
            (self.package / name).write_text(source)

    def start(self, **environment: str) -> subprocess.Popen[str]:
        """Start a process that calls the outer function."""
        command = [sys.executable, "-B", "-W", "error", "-c", _CALL]
        places = [str(self._folder), str(Path(dred.__file__).parents[1])]
        return subprocess.Popen(
            command,
            env=clean_environment() | {"PYTHONPATH": os.pathsep.join(places)} | environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def call(self, **environment: str) -> Called:
        """Call the outer function in a process; compiled code is kept beside the package unless told otherwise."""
        return outcome(self.start(**({"NUMBA_CACHE_DIR": str(self.cache)} | environment)))


def outcome(process: subprocess.Popen[str]) -> Called:
    out, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    result, hits, folder = json.loads(out)
    return Called(result, bool(hits), folder)


def clean_environment() -> dict[str, str]:
    """The environment without a say about where compiled code is kept."""
    return {key: value for key, value in os.environ.items() if key != "NUMBA_CACHE_DIR"}


def nowhere_to_write(blocker: Path) -> Mapping[str, Any]:
    """An environment whose caches all lie below a file, which stops even the superuser."""
    blocker.write_text("a file where folders are looked for")
    places = ("NUMBA_CACHE_DIR", "HOME", "XDG_CACHE_HOME", "LOCALAPPDATA")
    return {name: str(blocker / name) for name in places}
