"""Sixteen float32 in a register, for the attention kernel; bfloat16 and int8 are widened as they are loaded.

As in `patternboost.search.simd_u64`, LLVM lowers the vectors to what the machine has, and without numba's compiler
(``NUMBA_DISABLE_JIT=1``) the same names are plain numpy functions.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir  # type: ignore[import-untyped]
from numba import config, types
from numba.core import cgutils
from numba.extending import intrinsic, models, register_model

LANES = 16

_FLOATS = ir.VectorType(ir.FloatType(), LANES)
_WORDS = ir.VectorType(ir.IntType(32), LANES)
_HALVES = ir.VectorType(ir.IntType(16), LANES)
_BYTES = ir.VectorType(ir.IntType(8), LANES)


class LanesType(types.Type):  # type: ignore[misc]
    """numba's type of a vector of sixteen float32; a value of it lives only inside kernels."""

    def __init__(self) -> None:
        super().__init__(name="float32x16")


VECTOR = LanesType()


@register_model(LanesType)
class _LanesModel(models.PrimitiveModel):  # type: ignore[misc]
    def __init__(self, manager: Any, fe_type: Any) -> None:
        super().__init__(manager, fe_type, _FLOATS)


def _pointer(context: Any, builder: Any, array_type: Any, array: Any, at: Any, vector: Any) -> Any:
    data = context.make_array(array_type)(context, builder, array).data
    return builder.bitcast(builder.gep(data, [at]), vector.as_pointer())


@intrinsic  # type: ignore[untyped-decorator]
def _zeros(typing: Any) -> Any:
    def codegen(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return ir.Constant(_FLOATS, None)

    return VECTOR(), codegen


@intrinsic  # type: ignore[untyped-decorator]
def _load(typing: Any, array: Any, at: Any) -> Any:
    def codegen(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        kind = signature.args[0]
        if kind.dtype == types.float32:
            return builder.load(_pointer(context, builder, kind, arguments[0], arguments[1], _FLOATS), align=4)
        if kind.dtype == types.int8:
            small = builder.load(_pointer(context, builder, kind, arguments[0], arguments[1], _BYTES), align=1)
            return builder.sitofp(builder.sext(small, _WORDS), _FLOATS)
        halves = builder.load(_pointer(context, builder, kind, arguments[0], arguments[1], _HALVES), align=2)
        upper = builder.shl(builder.zext(halves, _WORDS), ir.Constant(_WORDS, [16] * LANES))
        return builder.bitcast(upper, _FLOATS)

    return VECTOR(array, types.int64), codegen


@intrinsic  # type: ignore[untyped-decorator]
def _store(typing: Any, array: Any, at: Any, vector: Any) -> Any:
    def codegen(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        pointer = _pointer(context, builder, signature.args[0], arguments[0], arguments[1], _FLOATS)
        builder.store(arguments[2], pointer, align=4)
        return context.get_dummy_value()

    return types.void(array, types.int64, VECTOR), codegen


@intrinsic  # type: ignore[untyped-decorator]
def _add_product(typing: Any, vector: Any, factor: Any, other: Any) -> Any:
    def codegen(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        sums, factor, other = arguments
        one = builder.insert_element(ir.Constant(_FLOATS, ir.Undefined), factor, ir.IntType(32)(0))
        all_lanes = builder.shuffle_vector(one, one, ir.Constant(_WORDS, [0] * LANES))
        name, arity = "llvm.fmuladd.v16f32", ir.FunctionType(_FLOATS, [_FLOATS] * 3)
        return builder.call(cgutils.get_or_insert_function(builder.module, arity, name), [all_lanes, other, sums])

    return VECTOR(VECTOR, types.float32, VECTOR), codegen


@intrinsic  # type: ignore[untyped-decorator]
def _widen(typing: Any, x: Any) -> Any:
    def codegen(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        if signature.args[0] == types.float32:
            return arguments[0]
        upper = builder.shl(builder.zext(arguments[0], ir.IntType(32)), ir.IntType(32)(16))
        return builder.bitcast(upper, ir.FloatType())

    return types.float32(x), codegen


@intrinsic  # type: ignore[untyped-decorator]
def _power_of_two(typing: Any, k: Any) -> Any:
    def codegen(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        exponent = builder.add(arguments[0], ir.IntType(32)(127))
        return builder.bitcast(builder.shl(exponent, ir.IntType(32)(23)), ir.FloatType())

    return types.float32(types.int32), codegen


def _plain_widen(x: Any) -> Any:
    wide = np.asarray(x)
    if wide.dtype == np.uint16:
        return (wide.astype(np.uint32) << np.uint32(16)).view(np.float32)
    return wide.astype(np.float32)


def _plain_store(array: Any, at: int, vector: Any) -> None:
    array[at : at + LANES] = vector


if getattr(config, "DISABLE_JIT", False):
    zeros: Any = lambda: np.zeros(LANES, np.float32)  # noqa: E731
    load: Any = lambda array, at: _plain_widen(array[at : at + LANES].copy())  # noqa: E731
    store: Any = _plain_store
    add_product: Any = lambda vector, factor, other: vector + np.float32(factor) * other  # noqa: E731
    widen: Any = lambda x: np.float32(_plain_widen(np.atleast_1d(x))[0])  # noqa: E731
    power_of_two: Any = lambda k: np.float32(2.0**k)  # noqa: E731
else:
    #: () -> vector of zeros; (array of float32, bfloat16 or int8, at) -> vector; (float32 array, at, vector)
    zeros, load, store = _zeros, _load, _store
    #: (vector, factor, other) -> vector + factor * other
    add_product = _add_product
    #: one number as float32; 2 to the k for an int32 -127 < k < 128
    widen, power_of_two = _widen, _power_of_two
