"""Which instructions multiply: the fastest that the processor has, or those that $DRED_KERNELS names."""

from collections.abc import Iterator, Sequence

import numpy as np
import pytest
from layer_calls import MAKERS
from numba.core import config

from dred.errors import UsageError
from dred.nn import Linear
from dred.nn.kernels import INSTRUCTION_SETS, KernelEngine, choose_instructions, pack, usable_instructions
from dred.nn.kernels.table import FUNCTION


def function_of(layers: Sequence[Linear], instructions: str | None = None) -> int:
    """The address of the function that computes packed layers: it tells the instruction set."""
    return int(pack(layers, instructions)[0, FUNCTION])


@pytest.fixture
def processor(monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    """Lets a test say what Numba compiles for; nothing may be compiled meanwhile."""
    usable_instructions.cache_clear()
    yield monkeypatch
    monkeypatch.undo()
    usable_instructions.cache_clear()


def test_every_processor_can_run_something() -> None:
    assert usable_instructions()[-1] == "portable"
    assert set(usable_instructions()) <= set(INSTRUCTION_SETS)


@pytest.mark.parametrize("value", [None, ""], ids=["unset", "empty"])
def test_without_a_name_the_fastest_is_chosen(monkeypatch: pytest.MonkeyPatch, value: str | None) -> None:
    monkeypatch.delenv("DRED_KERNELS", raising=False)
    if value is not None:
        monkeypatch.setenv("DRED_KERNELS", value)
    assert choose_instructions() == usable_instructions()[0]


def test_the_environment_chooses(monkeypatch: pytest.MonkeyPatch, rng: np.random.Generator, instructions: str) -> None:
    layer = MAKERS["int8"](rng, 7, 13)
    monkeypatch.setenv("DRED_KERNELS", instructions)
    assert choose_instructions() == instructions
    assert function_of([layer]) == function_of([layer], instructions)


def test_an_argument_goes_before_the_environment(monkeypatch: pytest.MonkeyPatch, rng: np.random.Generator) -> None:
    layer = MAKERS["int8"](rng, 7, 13)
    chosen = function_of([layer], "portable")
    monkeypatch.setenv("DRED_KERNELS", "nonsense")
    assert function_of([layer], "portable") == chosen


def test_a_network_of_large_pairs_is_not_multiplied_in_16_bits(rng: np.random.Generator) -> None:
    if "avx2" not in usable_instructions():
        pytest.skip("this processor cannot run avx2")
    small, large = (MAKERS["int8"](rng, 4, 16) for _ in range(2))
    large.integers[0, :2] = [127, 3]
    avx2, portable = (function_of([small], name) for name in ("avx2", "portable"))
    assert avx2 != portable
    assert function_of([small, large], "avx2") == portable


def test_an_unknown_name_is_refused_with_the_choices(monkeypatch: pytest.MonkeyPatch, rng: np.random.Generator) -> None:
    monkeypatch.setenv("DRED_KERNELS", "neon")
    for refused in (
        choose_instructions,
        lambda: KernelEngine().glu(MAKERS["int8"](rng, 3, 3), np.zeros(3, np.float32)),
    ):
        with pytest.raises(UsageError, match="neon") as caught:
            refused()
        assert all(name in str(caught.value) for name in ("DRED_KERNELS", *INSTRUCTION_SETS))


def test_a_name_that_the_processor_cannot_run_is_refused(processor: pytest.MonkeyPatch) -> None:
    processor.setattr(config, "CPU_FEATURES", "+avx2,-avxvnni")
    processor.setenv("DRED_KERNELS", "avx_vnni")
    with pytest.raises(UsageError, match=r"must be one of avx2, portable here .* not 'avx_vnni'"):
        choose_instructions()


@pytest.mark.parametrize(
    ("features", "usable"),
    [
        ("", ["portable"]),
        ("+sse4.1,+avx,-avx2", ["portable"]),
        ("+avx,+avx2", ["avx2", "portable"]),
        ("+avx2,+avxvnni", ["avx_vnni", "avx2", "portable"]),
        ("+avx2,+avx512f,+avx512vl,+avx512bw", ["avx2", "portable"]),
        # Its dot product has a 256-bit form as well.
        ("+avx2,+avx512f,+avx512vl,+avx512bw,+avx512vnni", list(INSTRUCTION_SETS)),
    ],
)
def test_what_numba_compiles_for_says_what_is_usable(
    processor: pytest.MonkeyPatch, features: str, usable: list[str]
) -> None:
    processor.setattr(config, "CPU_FEATURES", features)
    assert usable_instructions() == tuple(usable)


def test_code_for_any_processor_is_portable(processor: pytest.MonkeyPatch) -> None:
    processor.setattr(config, "CPU_FEATURES", None)
    processor.setattr(config, "CPU_NAME", "generic")
    assert usable_instructions() == ("portable",)
