"""Vectors of eight words: every operation against numpy, in the form this machine has and in the general one."""

import os
import subprocess
import sys

import numpy as np
import pytest
from numba import njit

from patternboost.search import simd_u64
from patternboost.search.simd_u64 import LANES

TWO = {"both": np.bitwise_and, "either": np.bitwise_or, "without": lambda x, y: x & ~y, "differ": np.bitwise_xor}
THREE = {
    "parity": lambda x, y, z: x ^ y ^ z,
    "majority": lambda x, y, z: (x & y) | (x & z) | (y & z),
    "borrow": lambda x, y, z: (~x & (y | z)) | (y & z),
}


@pytest.fixture(scope="module")
def words():
    return np.random.default_rng(1).integers(0, 2**64, 3 * LANES, np.uint64)


@pytest.mark.parametrize("name", TWO)
def test_of_two(name, words):
    operation, load, store = getattr(simd_u64, name), simd_u64.load, simd_u64.store
    out = np.zeros(LANES, np.uint64)

    @njit
    def compute(words, out):
        store(out, 0, operation(load(words, 0), load(words, LANES)))

    compute(words, out)
    assert np.array_equal(out, TWO[name](words[:LANES], words[LANES : 2 * LANES]))


@pytest.mark.parametrize("name", THREE)
def test_of_three(name, words):
    operation, load, store = getattr(simd_u64, name), simd_u64.load, simd_u64.store
    out = np.zeros(LANES, np.uint64)

    @njit
    def compute(words, out):
        store(out, 0, operation(load(words, 0), load(words, LANES), load(words, 2 * LANES)))

    compute(words, out)
    assert np.array_equal(out, THREE[name](*words.reshape(3, LANES)))


def test_one_bit():
    bit, store, some, bits_in = simd_u64.bit, simd_u64.store, simd_u64.some, simd_u64.bits_in
    out = np.zeros(LANES, np.uint64)

    @njit
    def compute(at, out):
        store(out, 0, bit(at))
        return some(bit(at)), bits_in(bit(at))

    for at in (-512, -64, -1, 0, 1, 63, 64, 300, 511, 512, 600):
        inside = 0 <= at < 64 * LANES
        assert compute(at, out) == (inside, inside)
        assert np.flatnonzero(np.unpackbits(out.view(np.uint8), bitorder="little")).tolist() == [at] * inside


def test_one_word(words):
    word, bit_count, lowest_bit = simd_u64.word, simd_u64.bit_count, simd_u64.lowest_bit

    @njit
    def compute(words, at):
        return word(words, at), bit_count(words[at]), lowest_bit(words[at])

    for at, expected in enumerate(words.tolist()):
        lowest = (expected & -expected).bit_length() - 1
        assert compute(words, at) == (expected, expected.bit_count(), lowest)


@pytest.mark.parametrize("name", ["NUMBA_ENABLE_AVX", "NUMBA_DISABLE_JIT"])
def test_on_machines_without_avx_and_without_the_compiler(name):
    """The tests of this file once more, where LLVM has to make do with less, and as plain Python."""
    value = "0" if name == "NUMBA_ENABLE_AVX" else "1"
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-n0", "-k", "of or one", __file__]
    done = subprocess.run(command, env={**os.environ, name: value}, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
