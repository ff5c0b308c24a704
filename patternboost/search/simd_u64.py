"""Bitmaps in registers: vectors of eight 64-bit words for kernels, and single words.

LLVM does not vectorise loops over bitmaps that it cannot prove apart, so kernels say what they mean: `load` makes a
`<8 x i64>` value out of a uint64 array, the bitwise operations work on it, `store` writes it back. LLVM lowers them to
whatever the machine has (one AVX-512 register, two AVX2 ones, four on ARM). Only AVX-512's instruction for any function
of three bits is asked for by name, where the machine has it: LLVM makes two or three of a full adder's sum and carry.
Without numba's compiler (``NUMBA_DISABLE_JIT=1``) the same names are plain numpy functions on arrays of eight words.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from llvmlite import ir  # type: ignore[import-untyped]
from numba import config, types
from numba.core import cgutils
from numba.core.codegen import get_host_cpu_features
from numba.extending import intrinsic, models, register_model

#: words in a vector
LANES = 8

#: whether kernels run as plain Python
PLAIN = bool(getattr(config, "DISABLE_JIT", False))

_I64, _I32 = ir.IntType(64), ir.IntType(32)
_LLVM = ir.VectorType(_I64, LANES)
#: what numba compiles for, by its settings (NUMBA_CPU_FEATURES, NUMBA_ENABLE_AVX) or this machine
_SET = getattr(config, "CPU_FEATURES", None)
_ANY_OF_THREE = "+avx512f" in (get_host_cpu_features() if _SET is None else _SET).split(",")


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
    # the instruction's table lists the result for (x, y, z) = 000, 001, ..., 111, lowest bit first
    table = _I32(plain(0xF0, 0xCC, 0xAA) & 0xFF) if arity == 3 else None

    def codegen(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        if table is not None and _ANY_OF_THREE:
            return _call(builder, "llvm.x86.avx512.pternlog.q.512", _LLVM, *arguments, table)
        return emit(builder, *arguments)

    def two(typing: Any, x: Any, y: Any) -> Any:
        return VECTOR(VECTOR, VECTOR), codegen

    def three(typing: Any, x: Any, y: Any, z: Any) -> Any:
        return VECTOR(VECTOR, VECTOR, VECTOR), codegen

    return plain if PLAIN else intrinsic(two if arity == 2 else three)


def _call(builder: Any, name: str, result: Any, *arguments: Any) -> Any:
    function_type = ir.FunctionType(result, [a.type for a in arguments])
    return builder.call(cgutils.get_or_insert_function(builder.module, function_type, name), arguments)


both = _bitwise(2, lambda b, x, y: b.and_(x, y), lambda x, y: x & y)
either = _bitwise(2, lambda b, x, y: b.or_(x, y), lambda x, y: x | y)
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
def _bit(typing: Any, at: Any) -> Any:
    def every_lane(builder: Any, value: Any) -> Any:
        first = builder.insert_element(ir.Constant(_LLVM, ir.Undefined), value, _I32(0))
        return builder.shuffle_vector(first, first, ir.Constant(ir.VectorType(_I32, LANES), None))

    def codegen(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        (at,) = arguments
        lane, one = builder.lshr(at, _I64(6)), builder.shl(_I64(1), builder.and_(at, _I64(63)))
        lanes = ir.Constant(_LLVM, [_I64(i) for i in range(LANES)])
        here = builder.icmp_unsigned("==", every_lane(builder, lane), lanes)
        return builder.select(here, every_lane(builder, one), ir.Constant(_LLVM, None))

    return VECTOR(types.int64), codegen


@intrinsic  # type: ignore[untyped-decorator]
def _word(typing: Any, array: Any, at: Any) -> Any:
    def codegen(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        data = context.make_array(signature.args[0])(context, builder, arguments[0]).data
        return builder.load(builder.gep(data, [arguments[1]]))

    return array.dtype(array, types.int64), codegen


@intrinsic  # type: ignore[untyped-decorator]
def _some(typing: Any, vector: Any) -> Any:
    def codegen(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        lanes = builder.icmp_unsigned("!=", arguments[0], ir.Constant(_LLVM, None))
        mask = builder.bitcast(lanes, ir.IntType(LANES))
        return builder.icmp_unsigned("!=", mask, ir.IntType(LANES)(0))

    return types.boolean(VECTOR), codegen


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


def _plain_bit(at: int) -> Any:
    vector = np.zeros(LANES, np.uint64)
    if 0 <= at < 64 * LANES:
        vector[at >> 6] = 1 << (at & 63)
    return vector


def _plain_store(array: Any, at: int, vector: Any) -> None:
    array[at : at + LANES] = vector


def _plain_lowest_bit(word: Any) -> int:
    return (int(word) & -int(word)).bit_length() - 1 if word else 64


if PLAIN:
    zeros: Any = lambda: np.zeros(LANES, np.uint64)  # noqa: E731
    bit: Any = _plain_bit
    load: Any = lambda array, at: array[at : at + LANES].copy()  # noqa: E731
    word: Any = lambda array, at: array[at]  # noqa: E731
    store: Any = _plain_store
    some: Any = lambda vector: bool(vector.any())  # noqa: E731
    bits_in: Any = lambda vector: sum(int(word).bit_count() for word in vector)  # noqa: E731
    bit_count: Any = lambda word: int(word).bit_count()  # noqa: E731
    lowest_bit: Any = _plain_lowest_bit
else:
    #: () -> vector of zeros; (at) -> vector of bit `at` alone, of none where that is not in 0 .. 511
    zeros, bit = _zeros, _bit
    #: (array, at) -> vector; (array, at, vector); whether any bit is set; number of bits set
    load, store, some, bits_in = _load, _store, _some, _bits_in
    #: (array, at) -> array[at], at >= 0, without the look whether it is counted from the end that numba takes
    word = _word
    #: bits set in one uint64; number of its lowest bit set (64 for 0)
    bit_count, lowest_bit = _bit_count, _lowest_bit
