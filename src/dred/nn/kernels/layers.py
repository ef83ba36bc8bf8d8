"""Layers as compiled stages call them.

Each takes a network (`packing.pack`) and the number of a layer in it, and works on several vectors at once, the rows of
two-dimensional float32 arrays: streams, or the steps of a sequence; x has as many rows as there are vectors. An input
is the part of a row that begins at `start`, an output goes to the part that begins at `out_start`; both may lie in one
array, if they do not overlap. `work` is scratch space (`packing.workspace`) for as many rows.
"""

from collections.abc import Sequence
from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from dred.nn.kernels.activations import LINEAR
from dred.nn.kernels.layer_function import ARGUMENTS, GATE, GRU, GRU_STEPS
from dred.nn.kernels.table import (
    FUNCTION,
    GATES,
    GATES_STRIDE,
    MORE_GATES,
    NUM_COLUMNS,
    QUANTISED,
    QUANTISED_STRIDE,
    SUMS,
    SUMS_STRIDE,
)

_INDEX = types.intp
_FIELDS = {
    "quantised": QUANTISED,
    "quantised_stride": QUANTISED_STRIDE,
    "sums": SUMS,
    "sums_stride": SUMS_STRIDE,
    "gates": GATES,
    "more_gates": MORE_GATES,
    "gates_stride": GATES_STRIDE,
}
_WORD = ir.IntType(64)
_BYTE = ir.IntType(8)
_ITEM_BYTES = 4
_WORD_BYTES = 8


class _Call:
    """One call of the layer function: its arguments are filled in by name."""

    def __init__(self, context: Any, builder: ir.IRBuilder, signature: Any, args: Sequence[ir.Value]) -> None:
        self._context, self._builder = context, builder
        self._types, self._args = signature.args, args
        network, _, _ = self._take_array(0)
        # The function reads the parts of a network by types of its own.
        self._values = dict.fromkeys(("weights", "numbers", "floats", "table"), network)

    def set(self, name: str, value: ir.Value | int) -> None:
        self._values[name] = _WORD(value) if isinstance(value, int) else value

    def set_layer(self, argument: int) -> None:
        """Fill in a layer's number, and find its function."""
        layer = self._args[argument]
        self.set("layer", layer)
        row = self._builder.mul(layer, _WORD(NUM_COLUMNS * _WORD_BYTES))
        self._address = self._load(self._values["table"], self._builder.add(row, _WORD(FUNCTION * _WORD_BYTES)))

    def set_rows(self, name: str, argument: int, start: int) -> None:
        """Fill in a pointer to a part of an array's rows, and their stride; both are given as argument numbers."""
        pointer, stride, num_rows = self._take_array(argument)
        offset = self._builder.mul(self._args[start], _WORD(_ITEM_BYTES))
        self.set(name, self._at(pointer, offset))
        self.set(f"{name}_stride", self._builder.udiv(stride, _WORD(_ITEM_BYTES)))
        if name == "x":
            self.set("num_rows", num_rows)

    def finish(self, work: int) -> ir.Value:
        """Fill in the workspace and emit the call."""
        space, _, _ = self._take_array(work)
        given = dict(self._values)
        for name, field in _FIELDS.items():
            value = self._load(space, _WORD(field * _WORD_BYTES))
            given[name] = value if name.endswith("_stride") else self._at(space, value)
        for missing in ("out", "state"):
            given.setdefault(missing, given["x"])
            given.setdefault(f"{missing}_stride", given["x_stride"])
        given.setdefault("recurrent_layer", given["layer"])
        values = [given[name] for name in ARGUMENTS]
        kind = ir.FunctionType(_WORD, [value.type for value in values])
        self._builder.call(self._builder.inttoptr(self._address, kind.as_pointer()), values)
        return self._context.get_dummy_value()

    def _take_array(self, argument: int) -> tuple[ir.Value, ir.Value, ir.Value]:
        """Return an array's pointer to bytes, its first stride and its length."""
        array = self._context.make_array(self._types[argument])(self._context, self._builder, self._args[argument])
        pointer = self._builder.bitcast(array.data, _BYTE.as_pointer())
        stride, length = (cgutils.unpack_tuple(self._builder, part)[0] for part in (array.strides, array.shape))
        return pointer, stride, length

    def _at(self, pointer: ir.Value, offset: ir.Value) -> ir.Value:
        return self._builder.gep(pointer, [offset], source_etype=_BYTE)

    def _load(self, pointer: ir.Value, offset: ir.Value) -> ir.Value:
        place = self._builder.bitcast(self._at(pointer, offset), _WORD.as_pointer())
        return self._builder.load(place, typ=_WORD)


@intrinsic
def dense(_context, network, layer, x, start, out, out_start, activation, work):  # type: ignore[no-untyped-def]
    """Write activation(weight @ x + bias)."""

    def codegen(context: Any, builder: ir.IRBuilder, signature: Any, args: Sequence[ir.Value]) -> ir.Value:
        call = _Call(context, builder, signature, args)
        call.set_layer(1)
        call.set_rows("x", 2, 3)
        call.set_rows("out", 4, 5)
        call.set("operation", args[6])
        return call.finish(7)

    return types.void(network, _INDEX, x, _INDEX, out, _INDEX, _INDEX, work), codegen


def _make_layer(operation: int, description: str) -> Any:
    def layer_call(_context, network, layer, x, start, out, out_start, work):  # type: ignore[no-untyped-def]
        def codegen(context: Any, builder: ir.IRBuilder, signature: Any, args: Sequence[ir.Value]) -> ir.Value:
            call = _Call(context, builder, signature, args)
            call.set_layer(1)
            call.set_rows("x", 2, 3)
            call.set_rows("out", 4, 5)
            call.set("operation", operation)
            return call.finish(6)

        return types.void(network, _INDEX, x, _INDEX, out, _INDEX, work), codegen

    layer_call.__doc__ = description
    return intrinsic(layer_call)


affine = _make_layer(LINEAR, "Write weight @ x + bias.")
glu = _make_layer(GATE, "Write x * sigmoid(weight @ x + bias).")


@intrinsic
def gru(  # type: ignore[no-untyped-def]
    _context, network, input_layer, recurrent_layer, x, start, state, state_start, work
):
    """Advance the GRU state in each row of `state` by one step."""

    def codegen(context: Any, builder: ir.IRBuilder, signature: Any, args: Sequence[ir.Value]) -> ir.Value:
        call = _Call(context, builder, signature, args)
        call.set_layer(1)
        call.set("recurrent_layer", args[2])
        call.set_rows("x", 3, 4)
        call.set_rows("state", 5, 6)
        call.set("operation", GRU)
        return call.finish(7)

    return types.void(network, _INDEX, _INDEX, x, _INDEX, state, _INDEX, work), codegen


@intrinsic
def gru_steps(  # type: ignore[no-untyped-def]
    _context, network, input_layer, recurrent_layer, x, start, state, state_start, out, out_start, work
):
    """Advance the GRU state in the first row of `state` by the steps in x; each row of out gets the state behind it."""

    def codegen(context: Any, builder: ir.IRBuilder, signature: Any, args: Sequence[ir.Value]) -> ir.Value:
        call = _Call(context, builder, signature, args)
        call.set_layer(1)
        call.set("recurrent_layer", args[2])
        call.set_rows("x", 3, 4)
        call.set_rows("state", 5, 6)
        call.set_rows("out", 7, 8)
        call.set("operation", GRU_STEPS)
        return call.finish(9)

    return types.void(network, _INDEX, _INDEX, x, _INDEX, state, _INDEX, out, _INDEX, work), codegen


@intrinsic
def read_float(_context, network, index):  # type: ignore[no-untyped-def]
    """Return one of the floats of a network, by its place."""

    def codegen(context: Any, builder: ir.IRBuilder, signature: Any, args: Sequence[ir.Value]) -> ir.Value:
        array = context.make_array(signature.args[0])(context, builder, args[0])
        floats = builder.bitcast(array.data, ir.FloatType().as_pointer())
        return builder.load(builder.gep(floats, [args[1]], source_etype=ir.FloatType()), typ=ir.FloatType())

    return types.float32(network, _INDEX), codegen
