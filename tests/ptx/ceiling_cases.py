"""Rows for the kernels of probe/ceilings.cl: what their loops compute, round by round, with the numbers (-D) that host and
kernels share. Two groups of 128 items; every item has values of its own."""
import numpy as np

import matrix_unit
from arithmetic import dot_bytes, fused

SIZES = ((256, 1, 1), (128, 1, 1))
ITEMS = np.arange(256, dtype=np.uint32)
ROUNDS = 2
PASSES = 3


def item_word(which):
    """A word of each item that looks random; overflow is meant."""
    word = (ITEMS * np.uint32(64) + np.uint32(which)) * np.uint32(0x9E3779B1)
    word = (word ^ word >> np.uint32(15)) * np.uint32(0x85EBCA6B)
    return word ^ word >> np.uint32(13)


def masked(which, kept, put):
    return item_word(which) & np.uint32(kept) | np.uint32(put)


def run_rounds(program, chains, start, step):
    """The chains after all rounds: step(chain's number, its value)."""
    values = [start(j) for j in range(chains)]
    for _ in range(ROUNDS * program.define("STEPS")):
        values = [step(j, value) for j, value in enumerate(values)]
    return values


def in_turn(operation, values):
    total = values[0]
    for value in values[1:]:
        total = operation(total, value)
    return total


def read_bandwidth(program, rng):
    """The xor of what each item reads; in pass p that of the item p * 97 groups further on."""
    words = rng.integers(0, 2**32, (1000, 4), dtype=np.uint32)
    folded = np.bitwise_xor.reduce(words, axis=1)
    own = np.array([np.bitwise_xor.reduce(folded[item::256]) for item in range(256)], np.uint32)
    return [words], in_turn(np.bitwise_xor, [np.roll(own, -p * 97 * 128) for p in range(PASSES)]), [1000, PASSES]


def copy_bandwidth(program, rng):
    words = rng.integers(0, 2**32, (1000, 4), dtype=np.uint32)
    return [words], words.copy(), [1000]


def fma_rate(program, rng):
    width = program.define("WIDTH")
    lanes = lambda which, kept, put: np.stack([masked(which * 16 + l, kept, put) for l in range(width)]).view(np.float32)
    added = [lanes(which, 0x000FFFFF, 0xBFE00000) for which in (1, 2)]
    acc = run_rounds(program, program.define("FMA_CHAINS"), lambda j: lanes(j + 3, 0x807FFFFF, 0x3F000000),
                     lambda j, value: fused(value, value, added[j % 2], np.float32))
    return [], in_turn(np.add, list(in_turn(np.add, acc))), [ROUNDS]


def half2_rate(program, rng):
    halves = lambda words: words.view(np.float16)
    addends = [halves(masked(which, 0x007F007F, 0xBF00BF00)) for which in (0, 1)]
    x = run_rounds(program, program.define("HALF2_CHAINS"), lambda j: halves(masked(j + 2, 0x83FF83FF, 0x38003800)),
                   lambda j, value: fused(value, value, addends[j % 2], np.float16))
    return [], in_turn(np.bitwise_xor, [value.view(np.uint32) for value in x]), [ROUNDS]


def int8_rate(program, rng):
    factors = (item_word(0), item_word(1))
    x = run_rounds(program, program.define("DOT_CHAINS"), lambda j: item_word(j + 2),
                   lambda j, value: dot_bytes(value, factors[j % 2], value.view(np.int32)).view(np.uint32))
    return [], in_turn(np.bitwise_xor, x), [ROUNDS]


def matrix_rate(program, shape, fragment, start, fold):
    """Parts of 16 x 16: two products of eight columns of B, the lower half of its registers and the upper."""
    a, b = ([fragment(which * 8 + word) for word in range(4)] for which in (0, 1))

    def part(j, c):
        left, right = (b, a) if j % 2 else (a, b)
        return [*shape.multiply(left, right[:2], c[:4]), *shape.multiply(left, right[2:], c[4:])]
    sums = run_rounds(program, program.define("MATRIX_CHAINS"), lambda j: [start(j).view(np.uint32)] * 8, part)
    return in_turn(fold, [value.view(shape.result) for chain in sums for value in chain])


F16, INT8 = matrix_unit.MMA.values()


def matrix_f16_rate(program, rng):
    fragment = lambda which: masked(which, 0x83FF83FF, 0x3C003C00)
    start = lambda j: masked(j + 16, 0xFFFF, 0).astype(np.float32)
    return [], matrix_rate(program, F16, fragment, start, lambda total, value: total + value), [ROUNDS]


def matrix_int8_rate(program, rng):
    out = matrix_rate(program, INT8, item_word, lambda j: item_word(j + 16), np.bitwise_xor)
    return [], out.view(np.uint32), [ROUNDS]


ROWS = (read_bandwidth, copy_bandwidth, fma_rate, half2_rate, int8_rate, matrix_f16_rate, matrix_int8_rate)
