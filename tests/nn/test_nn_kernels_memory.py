"""Compiled layers read and write what they are told to and nothing else; scratch space is nobody else's."""

import numpy as np
import pytest
from layer_calls import LAYERS, MAKERS, activations, call_gru, call_gru_steps, random_gru, run

from dred.nn.kernels import Network, Scratch, Workspace, pack, workspace

NUM_ROWS = 7
# Room around what a layer reads and writes.
BEFORE, BEHIND = 5, 3
UNTOUCHED = np.float32(77)

each_maker = pytest.mark.parametrize("maker", MAKERS)
each_layer = pytest.mark.parametrize("name", LAYERS)
SIZES = (7, 33, 64, 130)


def guarded(values: np.ndarray) -> np.ndarray:
    """An array with the values in its midst, and room around them."""
    return np.pad(values, ((0, 2), (BEFORE, BEHIND)), constant_values=UNTOUCHED)


def midst(values: np.ndarray) -> np.ndarray:
    """The midst of such an array."""
    return values[:-2, BEFORE:-BEHIND]


def assert_guards_hold(values: np.ndarray) -> None:
    around = values.copy()
    midst(around)[:] = UNTOUCHED
    np.testing.assert_array_equal(around, UNTOUCHED)


def guarded_workspace(network: Network, num_rows: int) -> tuple[Workspace, np.ndarray]:
    """A workspace, and the memory right behind it."""
    work = workspace(network, num_rows)
    memory = np.full(work.size + 32, UNTOUCHED, work.dtype)
    start = -memory.ctypes.data % 64 // work.itemsize
    guarded_work = memory[start : start + work.size]
    guarded_work[:] = work
    return guarded_work, memory[start + work.size :]


@each_layer
@each_maker
def test_a_layer_writes_its_outputs_only(rng: np.random.Generator, instructions: str, name: str, maker: str) -> None:
    for size in SIZES:
        layer, x = MAKERS[maker](rng, size, size), activations(rng, NUM_ROWS, size)
        network = pack([layer], instructions)
        work, behind = guarded_workspace(network, NUM_ROWS)
        source, out = guarded(x), guarded(np.zeros((NUM_ROWS, size), np.float32))
        LAYERS[name](network, source[:NUM_ROWS], BEFORE, out, BEFORE, work)
        np.testing.assert_array_equal(midst(out), run(name, layer, x, instructions))
        assert_guards_hold(out)
        np.testing.assert_array_equal(source, guarded(x))
        assert (behind == UNTOUCHED).all()


@each_layer
@each_maker
def test_input_and_output_may_be_parts_of_the_same_rows(
    rng: np.random.Generator, instructions: str, name: str, maker: str
) -> None:
    size = 57
    layer, x = MAKERS[maker](rng, size, size), activations(rng, NUM_ROWS, size)
    network = pack([layer], instructions)
    expected = run(name, layer, x, instructions)
    for start, out_start in ((0, size), (size, 0), (2, size + 2)):
        rows = np.zeros((NUM_ROWS, 2 * size + 4), np.float32)
        rows[:, start : start + size] = x
        LAYERS[name](network, rows, start, rows, out_start, workspace(network, NUM_ROWS))
        np.testing.assert_array_equal(rows[:, out_start : out_start + size], expected)
        np.testing.assert_array_equal(rows[:, start : start + size], x)


@each_maker
def test_a_gru_writes_its_states_only(rng: np.random.Generator, instructions: str, maker: str) -> None:
    for size in SIZES:
        unit = random_gru(rng, maker, size, size)
        network = pack([unit.input, unit.recurrent], instructions)
        x, state = activations(rng, NUM_ROWS, size), activations(rng, NUM_ROWS, size)
        work, behind = guarded_workspace(network, NUM_ROWS)
        source, states, plain = guarded(x), guarded(state), state.copy()
        call_gru(network, source[:NUM_ROWS], BEFORE, states, BEFORE, work)
        call_gru(network, x, 0, plain, 0, workspace(network, NUM_ROWS))
        np.testing.assert_array_equal(midst(states), plain)
        assert_guards_hold(states)
        np.testing.assert_array_equal(source, guarded(x))
        assert (behind == UNTOUCHED).all()


@each_maker
def test_the_steps_of_a_gru_write_their_states_only(rng: np.random.Generator, instructions: str, maker: str) -> None:
    for size in SIZES:
        unit = random_gru(rng, maker, size, size)
        network = pack([unit.input, unit.recurrent], instructions)
        x, state = activations(rng, NUM_ROWS, size), activations(rng, 1, size)
        work, behind = guarded_workspace(network, NUM_ROWS)
        source, states, out = guarded(x), guarded(state), guarded(np.zeros_like(x))
        call_gru_steps(network, source[:NUM_ROWS], BEFORE, states, BEFORE, out, BEFORE, work)
        np.testing.assert_array_equal(midst(states), midst(out)[-1:])
        assert not np.array_equal(midst(states), state)
        for values in (states, out):
            assert_guards_hold(values)
        np.testing.assert_array_equal(source, guarded(x))
        assert (behind == UNTOUCHED).all()


@each_layer
@each_maker
def test_no_rows_are_no_work(rng: np.random.Generator, instructions: str, name: str, maker: str) -> None:
    layer = MAKERS[maker](rng, 7, 7)
    assert run(name, layer, np.zeros((0, 7), np.float32), instructions).shape == (0, 7)


def test_networks_and_scratch_begin_where_vectors_may_be_loaded(rng: np.random.Generator, instructions: str) -> None:
    # An aligned load of 64 bytes anywhere else would end the process.
    for num_inputs, num_outputs in ((1, 1), (7, 13), (130, 57)):
        network = pack([make(rng, num_inputs, num_outputs) for make in MAKERS.values()], instructions)
        assert network.ctypes.data % 64 == 0
        assert all(workspace(network, num_rows).ctypes.data % 64 == 0 for num_rows in range(1, 5))


def test_layers_of_one_network_do_not_mix(rng: np.random.Generator, instructions: str) -> None:
    unit = random_gru(rng, "int8", 13, 20)
    others = [make(rng, 33, 57) for make in MAKERS.values()]
    x, state = activations(rng, 3, 13), activations(rng, 3, 20)
    states = []
    for layers in ([unit.input, unit.recurrent], [unit.input, unit.recurrent, *others]):
        network = pack(layers, instructions)
        states.append(state.copy())
        call_gru(network, x, 0, states[-1], 0, workspace(network, 3))
    np.testing.assert_array_equal(*states)


def test_two_calls_at_once_share_no_scratch_space(rng: np.random.Generator) -> None:
    scratch = Scratch(pack([MAKERS["int8"](rng, 7, 13)]), [5, 9])
    scratch.give_back(scratch.borrow(3))
    spaces = [scratch.borrow(3), scratch.borrow(3)]
    arrays = [[work, *rows] for work, rows in spaces]
    assert all([row.shape[1] for row in rows] == [5, 9] for _, rows in spaces)
    assert not any(np.shares_memory(one, other) for one in arrays[0] for other in arrays[1])


def test_scratch_space_is_made_once_and_grows_with_the_batch(rng: np.random.Generator) -> None:
    network = pack([MAKERS["int8"](rng, 7, 13)])
    scratch = Scratch(network, [5])
    first = scratch.borrow(3)
    scratch.give_back(first)
    assert scratch.borrow(2) is first
    scratch.give_back(first)
    larger = work, (rows,) = scratch.borrow(4)
    assert len(rows) >= 4
    assert work.size >= workspace(network, 4).size > workspace(network, 3).size
    scratch.give_back(larger)
    assert scratch.borrow(1) is larger
