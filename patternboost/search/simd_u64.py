"""Bitmaps in registers: vectors of eight 64-bit words for kernels, and single-word bit counting.

LLVM does not vectorise loops over bitmaps that it cannot prove apart, so kernels say what they mean: `load` makes a
`<8 x i64>` value out of a uint64 array, the bitwise operations work on it, `store` writes it back. LLVM lowers them to
whatever the machine has (one AVX-512 register, two AVX2 ones, four on ARM). Without numba's compiler
(``NUMBA_DISABLE_JIT=1``) the same names are plain numpy functions on arrays of eight words.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from llvmlite import ir  # type: ignore[import-untyped]
from numba import config, types
from numba.core import cgutils
from numba.extending import intrinsic, models, register_model

#: words in a vector
LANES = 8

#: whether kernels run as plain Python
PLAIN = bool(getattr(config, "DISABLE_JIT", False))

_LLVM = ir.VectorType(ir.IntType(64), LANES)


class VectorType(types.Type):  # type: ignore[misc]
    """numba's type of a vector of eight uint64; a value of it lives only inside kernels."""

    def __init__(self) -> None:
        super().__init__(name="uint64x8")


VECTOR = VectorType()


@register_model(VectorType)
class _VectorModel(models.PrimitiveModel):  # type: ignore[misc]
    def __init__(self, manager: Any, fe_type: Any) -> None:
        super().__init__(manager, fe_type, _LLVM)


def _bitwise(arity: int, emit: Callable[..., Any], plain: Callable[..., Any]) -> Any:
    """The operation on `arity` vectors that `emit(builder, *vectors)` writes and `plain(*arrays)` computes."""

    def codegen(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return emit(builder, *arguments)

    def two(typing: Any, x: Any, y: Any) -> Any:
        return VECTOR(VECTOR, VECTOR), codegen

    def three(typing: Any, x: Any, y: Any, z: Any) -> Any:
        return VECTOR(VECTOR, VECTOR, VECTOR), codegen

    return plain if PLAIN else intrinsic(two if arity == 2 else three)


both = _bitwise(2, lambda b, x, y: b.and_(x, y), lambda x, y: x & y)
#: x and not y
without = _bitwise(2, lambda b, x, y: b.and_(x, b.not_(y)), lambda x, y: x & ~y)
#: half adder: exclusive or; full adder: sum and carry (majority); subtraction x - y - z: `parity` and borrow
differ = _bitwise(2, lambda b, x, y: b.xor(x, y), lambda x, y: x ^ y)
parity = _bitwise(3, lambda b, x, y, z: b.xor(b.xor(x, y), z), lambda x, y, z: x ^ y ^ z)
majority = _bitwise(
    3,
    lambda b, x, y, z: b.or_(b.and_(x, y), b.and_(z, b.or_(x, y))),
    lambda x, y, z: (x & y) | (z & (x | y)),
)
borrow = _bitwise(
    3,
    lambda b, x, y, z: b.or_(b.and_(y, z), b.and_(b.not_(x), b.or_(y, z))),
    lambda x, y, z: (y & z) | (~x & (y | z)),
)


def _pointer(context: Any, builder: Any, array_type: Any, array: Any, at: Any) -> Any:
    data = context.make_array(array_type)(context, builder, array).data
    return builder.bitcast(builder.gep(data, [at]), _LLVM.as_pointer())


@intrinsic  # type: ignore[untyped-decorator]
def _zeros(typing: Any) -> Any:
    def codegen(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return ir.Constant(_LLVM, None)

    return VECTOR(), codegen


@intrinsic  # type: ignore[untyped-decorator]
def _load(typing: Any, array: Any, at: Any) -> Any:
    def codegen(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.load(_pointer(context, builder, signature.args[0], *arguments), align=8)

    return VECTOR(array, types.int64), codegen


@intrinsic  # type: ignore[untyped-decorator]
def _store(typing: Any, array: Any, at: Any, vector: Any) -> Any:
    def codegen(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        pointer = _pointer(context, builder, signature.args[0], arguments[0], arguments[1])
        builder.store(arguments[2], pointer, align=8)
        return context.get_dummy_value()

    return types.void(array, types.int64, VECTOR), codegen


@intrinsic  # type: ignore[untyped-decorator]
def _some(typing: Any, vector: Any) -> Any:
    def codegen(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        lanes = builder.icmp_unsigned("!=", arguments[0], ir.Constant(_LLVM, None))
        mask = builder.bitcast(lanes, ir.IntType(LANES))
        return builder.icmp_unsigned("!=", mask, ir.IntType(LANES)(0))

    return types.boolean(VECTOR), codegen


def _call(builder: Any, name: str, result: Any, *arguments: Any) -> Any:
    function_type = ir.FunctionType(result, [a.type for a in arguments])
    return builder.call(cgutils.get_or_insert_function(builder.module, function_type, name), arguments)


@intrinsic  # type: ignore[untyped-decorator]
def _bits_in(typing: Any, vector: Any) -> Any:
    def codegen(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        counts = _call(builder, "llvm.ctpop.v8i64", _LLVM, arguments[0])
        return _call(builder, "llvm.vector.reduce.add.v8i64", ir.IntType(64), counts)

    return types.int64(VECTOR), codegen


@intrinsic  # type: ignore[untyped-decorator]
def _bit_count(typing: Any, word: Any) -> Any:
    def codegen(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.ctpop(arguments[0])

    return types.int64(types.uint64), codegen


@intrinsic  # type: ignore[untyped-decorator]
def _lowest_bit(typing: Any, word: Any) -> Any:
    def codegen(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.cttz(arguments[0], ir.IntType(1)(0))

    return types.int64(types.uint64), codegen


def _plain_store(array: Any, at: int, vector: Any) -> None:
    array[at : at + LANES] = vector


def _plain_lowest_bit(word: Any) -> int:
    return (int(word) & -int(word)).bit_length() - 1 if word else 64


if PLAIN:
    zeros: Any = lambda: np.zeros(LANES, np.uint64)  # noqa: E731
    load: Any = lambda array, at: array[at : at + LANES].copy()  # noqa: E731
    store: Any = _plain_store
    some: Any = lambda vector: bool(vector.any())  # noqa: E731
    bits_in: Any = lambda vector: sum(int(word).bit_count() for word in vector)  # noqa: E731
    bit_count: Any = lambda word: int(word).bit_count()  # noqa: E731
    lowest_bit: Any = _plain_lowest_bit
else:
    #: () -> vector of zeros; (array, at) -> vector; (array, at, vector); whether any bit is set; number of bits set
    zeros, load, store, some, bits_in = _zeros, _load, _store, _some, _bits_in
    #: bits set in one uint64; number of its lowest bit set (64 for 0)
    bit_count, lowest_bit = _bit_count, _lowest_bit
