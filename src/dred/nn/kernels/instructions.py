"""Which instructions multiply int8 weights on this processor: chosen once, by what it can do.

    avx512_vnni   64 products per instruction
    avx_vnni      32
    avx2          32 in three instructions; pairs of products must fit 16 bits
    portable      vectors of plain arithmetic, for any processor

All of them sum the same integers, so that every choice gives the same numbers.
"""

import os
from functools import cache
from typing import Final

from dred.errors import UsageError

ENVIRONMENT_VARIABLE: Final = "DRED_KERNELS"

# What each needs, in LLVM's names; fastest first.
_NEEDED: Final = {
    "avx512_vnni": ("avx512f", "avx512vl", "avx512bw", "avx512vnni"),
    "avx_vnni": ("avx2", "avxvnni"),
    "avx2": ("avx2",),
    "portable": (),
}
INSTRUCTION_SETS: Final = tuple(_NEEDED)


@cache
def usable_instructions() -> tuple[str, ...]:
    """Return the instruction sets that this processor can run, fastest first."""
    features = _target_features()
    # The 256-bit dot product has two encodings; the compiler takes the one that there is.
    if all(features.get(name) for name in _NEEDED["avx512_vnni"]):
        features = features | {"avxvnni": True}
    return tuple(name for name, needed in _NEEDED.items() if all(features.get(feature) for feature in needed))


def choose_instructions(named: str | None = None) -> str:
    """Return the instruction set of a name, else the one that $DRED_KERNELS names, else the fastest usable one.

    Raises:
        UsageError: There is none of that name, or this processor cannot run it.
    """
    usable = usable_instructions()
    name = named or os.environ.get(ENVIRONMENT_VARIABLE) or usable[0]
    if name not in usable:
        source = "instructions" if named else f"${ENVIRONMENT_VARIABLE}"
        known = ", ".join(INSTRUCTION_SETS)
        raise UsageError(f"{source} must be one of {', '.join(usable)} here (of {known}), not {name!r}")
    return name


def _target_features() -> dict[str, bool]:
    """Return the features that Numba compiles for: the processor's, or what $NUMBA_CPU_FEATURES says instead."""
    from llvmlite import binding
    from numba.core import config

    settings = vars(config)
    if settings["CPU_FEATURES"] is not None:
        flags = [flag.strip() for flag in settings["CPU_FEATURES"].split(",")]
        return {flag[1:]: flag.startswith("+") for flag in flags if flag}
    if settings["CPU_NAME"] == "generic":
        return {}
    return dict(binding.get_host_cpu_features())
