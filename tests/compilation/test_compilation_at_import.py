"""Importing dred compiles nothing."""

import subprocess
import sys

IMPORT_ALL = """
import importlib, pkgutil
from numba.core.event import install_recorder
import dred

with install_recorder("numba:compile") as recorder:
    for module in pkgutil.walk_packages(dred.__path__, "dred."):
        if module.name != "dred.__main__":
            try:
                importlib.import_module(module.name)
            except ModuleNotFoundError as error:
                # An extra that is not installed.
                assert error.name.partition(".")[0] != "dred", error
    print("at import:", len(recorder.buffer))
    from dred.compilation import compiled
    compiled(lambda: 1)()
    print("at a call:", len(recorder.buffer) > 0)
"""


def test_importing_every_module_compiles_nothing() -> None:
    done = subprocess.run([sys.executable, "-c", IMPORT_ALL], capture_output=True, text=True, check=True)
    assert done.stdout == "at import: 0\nat a call: True\n"
