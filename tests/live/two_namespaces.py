"""Two network namespaces joined by a cable of their own: real sockets, nothing of this machine's network.

    here (192.0.2.1) ---- veth ---- there (192.0.2.2)

Addresses are those of RFC 5737. Whatever happens, the namespaces are gone in the end, and the cable with them.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import pytest

__all__ = ["HERE", "THERE", "Namespace", "two_namespaces"]

HERE, THERE = "192.0.2.1", "192.0.2.2"
_PREFIX_BITS = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Namespace:
    """One end.

    Attributes:
        name: As `ip netns` lists it.
        device: Its end of the cable.
    """

    name: str
    device: str

    def start(self, arguments: Sequence[object], environment: Mapping[str, str]) -> "subprocess.Popen[str]":
        """Start a Python program in it; what it prints comes line by line."""
        words = ["ip", "netns", "exec", self.name, sys.executable, *map(str, arguments)]
        pipe: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        return subprocess.Popen(words, env={**os.environ, **environment, "PYTHONUNBUFFERED": "1"}, **pipe)

    def add_netem(self, *effect: str) -> None:
        """Let the kernel delay and lose what leaves; skip the test where it cannot."""
        if shutil.which("tc") is None:
            pytest.skip("there is no tc")
        done = _try(
            "ip", "netns", "exec", self.name, "tc", "qdisc", "add", "dev", self.device, "root", "netem", *effect
        )
        if done.returncode:
            pytest.skip(f"this kernel has no netem: {' '.join(done.stderr.split())}")


@contextmanager
def two_namespaces() -> Iterator[tuple[Namespace, Namespace]]:
    """Make them; skip the test where that is not allowed."""
    if shutil.which("ip") is None:
        pytest.skip("there is no ip (iproute2)")
    if os.geteuid() != 0:
        pytest.skip("only root makes network namespaces")
    with ExitStack() as made:
        here, there = (Namespace(name=f"dred-{os.getpid()}-{end}", device=f"dred{end}") for end in ("a", "b"))
        for namespace in (here, there):
            made.callback(_try, "ip", "netns", "delete", namespace.name)
            _make("ip", "netns", "add", namespace.name)
        cable = ("type", "veth", "peer", "name", there.device, "netns", there.name)
        _make("ip", "link", "add", here.device, "netns", here.name, *cable)
        for namespace, address in ((here, HERE), (there, THERE)):
            within = ("ip", "-netns", namespace.name)
            _make(*within, "address", "add", f"{address}/{_PREFIX_BITS}", "dev", namespace.device)
            _make(*within, "link", "set", "lo", "up")
            _make(*within, "link", "set", namespace.device, "up")
        yield here, there


def _make(*words: str) -> None:
    done = _try(*words)
    if done.returncode:
        pytest.skip(f"no network namespaces here: {' '.join(done.stderr.split())}")


def _try(*words: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(words, capture_output=True, text=True, check=False)
