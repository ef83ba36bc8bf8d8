"""Vectors as a Numba type: 64 bytes, that is 16 float32 or 8 float64, with the arithmetic of numbers.

A kernel that loads, combines and stores them says which instructions it becomes, on any processor: LLVM splits them
where its registers are narrower. A number meets a vector as that many copies, in the vector's precision.

    total = load(x, 0) * load(w, 0) + 0.5      # two loads and one fused multiply-add
"""

import operator
from collections.abc import Callable, Sequence
from typing import Any, Final

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.core.datamodel.models import PrimitiveModel
from numba.core.typing.templates import AbstractTemplate, infer_global, signature
from numba.extending import intrinsic, lower_builtin, register_model

BYTES: Final = 64
LANES: Final = 16
"""Lanes of a vector of float32."""

_I32 = ir.IntType(32)
# A product may be fused with the sum it goes into.
_FLAGS: Final = ("contract",)


class Vector(types.Type):
    """The Numba type of 64 bytes of floats."""

    def __init__(self, element: types.Float) -> None:
        self.element = element
        self.lanes = BYTES * 8 // element.bitwidth
        super().__init__(name=f"Vector({element})")


@register_model(Vector)
class _VectorModel(PrimitiveModel):
    def __init__(self, manager: Any, vector: Vector) -> None:
        element = manager.lookup(vector.element).get_value_type()
        super().__init__(manager, vector, ir.VectorType(element, vector.lanes))  # type: ignore[no-untyped-call]


def shuffle(builder: ir.IRBuilder, first: ir.Value, second: ir.Value, lanes: Sequence[int]) -> ir.Value:
    """Emit the choice of lanes out of two vectors, the second's counted on from the first's."""
    return builder.shuffle_vector(first, second, ir.Constant(ir.VectorType(_I32, len(lanes)), list(lanes)))


def call_each(builder: ir.IRBuilder, name: str, value: ir.Value) -> ir.Value:
    """Emit the call of one of LLVM's functions on each lane."""
    kind = value.type
    suffix = {ir.FloatType(): "f32", ir.DoubleType(): "f64"}[kind.element]
    function = ir.FunctionType(kind, [kind])
    declared = cgutils.get_or_insert_function(builder.module, function, f"{name}.v{kind.count}{suffix}")
    return builder.call(declared, [value])


def spread(builder: ir.IRBuilder, value: ir.Value, lanes: int) -> ir.Value:
    """Emit a vector of copies of a number."""
    undefined = ir.Constant(ir.VectorType(value.type, lanes), ir.Undefined)
    return shuffle(builder, builder.insert_element(undefined, value, _I32(0)), undefined, [0] * lanes)


class _Binary(AbstractTemplate):
    """Vector with vector, vector with number, number with vector."""

    def generic(self, args: tuple[Any, ...], _keywords: Any) -> Any:
        first, second = args
        if isinstance(first, Vector) and (first == second or isinstance(second, types.Number)):
            return signature(first, first, second)
        if isinstance(second, Vector) and isinstance(first, types.Number):
            return signature(second, first, second)
        return None


def _values(context: Any, builder: ir.IRBuilder, signature: Any, args: Sequence[ir.Value]) -> list[ir.Value]:
    """Return the operands as vectors."""
    vector = signature.return_type
    return [
        value if kind == vector else spread(builder, context.cast(builder, value, kind, vector.element), vector.lanes)
        for kind, value in zip(signature.args, args)
    ]


def _add_operator(function: Callable[..., Any], instruction: str) -> None:
    infer_global(function)(type(f"_{function.__name__}", (_Binary,), {"key": function}))

    def lower(context: Any, builder: ir.IRBuilder, signature: Any, args: Sequence[ir.Value]) -> ir.Value:
        return getattr(builder, instruction)(*_values(context, builder, signature, args), flags=_FLAGS)

    for operands in ((Vector, Vector), (Vector, types.Number), (types.Number, Vector)):
        lower_builtin(function, *operands)(lower)


for _functions, _instruction in (
    ((operator.add, operator.iadd), "fadd"),
    ((operator.sub, operator.isub), "fsub"),
    ((operator.mul, operator.imul), "fmul"),
    ((operator.truediv, operator.itruediv), "fdiv"),
):
    for _function in _functions:
        _add_operator(_function, _instruction)


class _Unary(AbstractTemplate):
    key = operator.neg

    def generic(self, args: tuple[Any, ...], _keywords: Any) -> Any:
        (vector,) = args
        return signature(vector, vector) if isinstance(vector, Vector) else None


infer_global(operator.neg)(_Unary)


def _negate(_context: Any, builder: ir.IRBuilder, _signature: Any, args: Sequence[ir.Value]) -> ir.Value:
    return builder.fneg(*args)


lower_builtin(operator.neg, Vector)(_negate)


def _make_choice(condition: str, doc: str) -> Callable[..., Any]:
    def choice(_context, vector, other):  # type: ignore[no-untyped-def]
        def codegen(context: Any, builder: ir.IRBuilder, signature: Any, args: Sequence[ir.Value]) -> ir.Value:
            values = _values(context, builder, signature, args)
            return builder.select(builder.fcmp_ordered(condition, *values), *values)

        return vector(vector, other), codegen

    choice.__doc__ = doc
    return intrinsic(choice)


smaller = _make_choice("<", "Return the smaller of each lane and the other's, or of each lane and a number.")
larger = _make_choice(">", "Return the larger of each lane and the other's, or of each lane and a number.")


@intrinsic
def square_root(_context, vector):  # type: ignore[no-untyped-def]
    """Return the square root of each lane."""

    def codegen(_context: Any, builder: ir.IRBuilder, _signature: Any, args: Sequence[ir.Value]) -> ir.Value:
        return call_each(builder, "llvm.sqrt", args[0])

    return vector(vector), codegen


@intrinsic
def whole(_context, vector):  # type: ignore[no-untyped-def]
    """Return the greatest whole number that is not above each lane."""

    def codegen(_context: Any, builder: ir.IRBuilder, _signature: Any, args: Sequence[ir.Value]) -> ir.Value:
        return call_each(builder, "llvm.floor", args[0])

    return vector(vector), codegen
