"""What compiles a problem's rules and measures, and the exact integer helpers that they may call."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from typing import Any

import numpy as np
from numba import njit, types
from numba.core.errors import NumbaError
from numpy.typing import NDArray

from patternboost.problem import kernel_cache
from patternboost.problem.errors import RuleError
from patternboost.problem.ground import IntArray

kernel_cache.use_own_cache()  # before the first kernel is compiled: every room with kernels imports this module

_RULE_SIGNATURE = types.int64(types.int64, types.int64[::1], types.int64[::1])
#: The compiled type every rule has. Kernels take rules as values of this type, so one compiled (and cached) kernel
#: serves all problems.
RULE_TYPE = types.FunctionType(_RULE_SIGNATURE)

_UPDATE_SIGNATURE = types.void(types.int64, types.int64[::1], types.int64, types.int64, types.int32[::1])
#: The compiled type of every conflict update.
UPDATE_TYPE = types.FunctionType(_UPDATE_SIGNATURE)

_MEASURE_SIGNATURE = types.int64(types.int64, types.int64[::1], types.int64)
#: The compiled type of every measure: the value of a set, or how far it is from one that counts.
MEASURE_TYPE = types.FunctionType(_MEASURE_SIGNATURE)

_DIFFERENCE_SIGNATURE = types.int64(types.int64, types.int64[::1], types.int64, types.int64)
#: The compiled type of every difference of values.
DIFFERENCE_TYPE = types.FunctionType(_DIFFERENCE_SIGNATURE)

Rule = Callable[[int, IntArray, IntArray], int]
Measure = Callable[[int, IntArray, int], int]
Difference = Callable[[int, IntArray, int, int], int]
Update = Callable[[int, IntArray, int, int, NDArray[np.int32]], None]

#: Module name prefix of problem files loaded by their path.
FILE_MODULE_PREFIX = "_patternboost_file_"


def _compiled(function: Callable[..., Any], signature: Any, parameters: str) -> Any:
    name, named = function.__name__, ", ".join(inspect.signature(function).parameters)
    if named.count(",") != parameters.count(","):
        raise RuleError(f"{name}({named}) must take {parameters.count(',') + 1} arguments: {name}({parameters})")
    cache = kernel_cache.is_kept(function.__module__)
    try:
        return njit(signature, cache=cache, nogil=True)(function)
    except NumbaError as error:
        lines = [line.strip() for line in str(error).splitlines() if line.strip()]
        place = re.search(r"\((\d+)\)$", next((line for line in lines if line.startswith("During: typing of")), ""))
        where = f", line {place[1]}" if place else ""
        reason = lines[min(1, len(lines) - 1)]
        if reason.endswith(":"):  # "No implementation of function ... for signature:", which the next line gives
            reason += " " + lines[2].removeprefix(">>> ") if len(lines) > 2 else ""
        raise RuleError(f"{name} cannot be compiled{where}: {reason}") from error


def rule(function: Rule) -> Rule:
    """Compile a completion rule: int64 n, int64[k-1] chosen elements, int64[] out -> int64 count. Raises RuleError."""
    compiled: Rule = _compiled(function, _RULE_SIGNATURE, "n, chosen, out")
    return compiled


def update(function: Update) -> Update:
    """Compile a conflict update: int64 n, int64[m] members, int64 element (no member), int64 sign, int32[] counts.

    Raises RuleError.
    """
    compiled: Update = _compiled(function, _UPDATE_SIGNATURE, "n, members, element, sign, counts")
    return compiled


def measure(function: Measure) -> Measure:
    """Compile a measure of sets: int64 n, int64[] members in no order, int64 count of them -> int64, 0 or more.

    Only members[:count] are to be read. Raises RuleError.
    """
    compiled: Measure = _compiled(function, _MEASURE_SIGNATURE, "n, members, count")
    return compiled


def difference(function: Difference) -> Difference:
    """Compile a change of value: int64 n, int64[] members, int64 count, int64 element (no member) -> int64.

    It is the value of the members with the element, less that of the members without it. Raises RuleError.
    """
    compiled: Difference = _compiled(function, _DIFFERENCE_SIGNATURE, "n, members, count, element")
    return compiled


_GCD = np.gcd.outer(np.arange(256), np.arange(256)).astype(np.uint8)


@njit(types.int64(types.int64, types.int64), cache=True, nogil=True)
def gcd(a: int, b: int) -> int:
    """Greatest common divisor of |a| and |b|, for use inside rules (a table for differences on a grid)."""
    a, b = abs(a), abs(b)
    if a < 256 and b < 256:
        return int(_GCD[a, b])
    while b:
        a, b = b, a % b
    return a


@njit(types.int64(types.int64), cache=True, nogil=True)
def square_root(x: int) -> int:
    """The whole part of the square root of x >= 0, for use inside rules."""
    root = int(np.sqrt(x))
    while root * root > x:
        root -= 1
    while (root + 1) * (root + 1) <= x:
        root += 1
    return root


@njit(types.int64(types.int64), cache=True, nogil=True)
def height(n: int) -> int:
    """The rows of the board of size n, for use inside rules on boards that need not be square."""
    return n if n < 65536 else n >> 16


@njit(types.int64(types.int64), cache=True, nogil=True)
def width(n: int) -> int:
    """The columns of the board of size n: element e is the cell in row e // width(n) and column e % width(n)."""
    return n if n < 65536 else n & 65535


@njit(types.int64(types.int64, types.int64, types.int64), cache=True, nogil=True)
def join(n: int, u: int, v: int) -> int:
    """The element of the edge between vertices u != v of n, for use inside rules on `EDGES`."""
    low, high = min(u, v), max(u, v)
    return low * (2 * n - low - 1) // 2 + high - low - 1


@njit(types.Tuple((types.int64, types.int64))(types.int64, types.int64), cache=True, nogil=True)
def ends(n: int, element: int) -> tuple[int, int]:
    """The two vertices u < v of an edge, for use inside rules on `EDGES`."""
    u = (2 * n - 1 - square_root((2 * n - 1) ** 2 - 8 * element)) // 2
    while u * (2 * n - u - 1) // 2 > element:
        u -= 1
    while (u + 1) * (2 * n - u - 2) // 2 <= element:
        u += 1
    return u, element - u * (2 * n - u - 1) // 2 + u + 1
