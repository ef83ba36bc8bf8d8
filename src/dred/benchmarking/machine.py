"""Where and with what was measured."""

import os
import platform
import subprocess
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import dred
from dred.nn.kernels import choose_instructions
from dred.opus import load_libopus

__all__ = ["Setting", "describe_setting"]

_CPUINFO = Path("/proc/cpuinfo")


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """The machine and the versions.

    Attributes:
        cpu: The processor's name.
        cores: How many there are; one is used.
        instructions: What the kernels multiply with.
        commit: Of dred, where it runs from a git checkout; "+" behind it if files were changed. Empty elsewhere.
    """

    cpu: str
    cores: int
    platform: str
    instructions: str
    python: str
    numba: str
    numpy: str
    libopus: str
    dred: str
    commit: str


def describe_setting() -> Setting:
    """Look around.

    Raises:
        UsageError: $DRED_KERNELS names what this processor cannot run.
        LibopusError: There is no libopus.
    """
    return Setting(
        cpu=_cpu_name(),
        cores=os.cpu_count() or 1,
        platform=platform.platform(),
        instructions=choose_instructions(),
        python=platform.python_version(),
        numba=version("numba"),
        numpy=version("numpy"),
        libopus=load_libopus().capabilities.version,
        dred=dred.__version__,
        commit=_commit(),
    )


def _cpu_name() -> str:
    if _CPUINFO.exists():
        for line in _CPUINFO.read_text().splitlines():
            key, _, value = line.partition(":")
            if key.strip() == "model name":
                return value.strip()
    return platform.processor() or platform.machine()


def _commit() -> str:
    project = Path(dred.__file__).resolve().parents[2]
    if not (project / ".git").exists():
        return ""
    command = ("git", "-C", str(project), "describe", "--always", "--exclude=*", "--dirty=+")
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        # No git here, or not our owner's checkout.
        return ""
