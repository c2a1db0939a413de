"""What each operation must give, in numpy: the formulas of the kernels' headers, written apart from kernels and host.

Quantizers, dequantizers, casts and random numbers must agree bit for bit (kernels/README.md, "Determinism"); sums in f32
within a bound: n additions and products err by at most n 2^-24 of the sum of magnitudes (Higham, "Accuracy and Stability
of Numerical Algorithms", section 3.1), and a result in f16 is rounded once more.
"""
import dataclasses

import numpy as np

INVERSE_127 = np.float32(float.fromhex("0x1.020408p-7"))
INVERSE_448 = np.float32(1) / np.float32(448)
INVERSE_15 = np.float32(float.fromhex("0x1.111112p-4"))


@dataclasses.dataclass
class Int4:
    """Weights of `group` columns per scale and zero point; codes: column 2b in the low nibble of byte b."""
    codes: np.ndarray
    scales: np.ndarray
    zeros: np.ndarray
    nibbles: np.ndarray
    group: int

    def per_column(self, values):
        return values.astype(np.float64).repeat(self.group, axis=1)[:, :self.nibbles.shape[1]]

    def weights(self):
        return (self.nibbles - self.per_column(self.zeros)) * self.per_column(self.scales)

    def magnitudes(self):
        """Of code and zero point apart, as kernels may sum them apart."""
        return (self.nibbles + self.per_column(self.zeros)) * self.per_column(self.scales)


def groups_of(columns, group):
    return (columns + group - 1) // group


def pack_nibbles(nibbles, beyond):
    """Two columns per byte; `beyond`: what the half of the last byte holds that no column has."""
    rows, columns = nibbles.shape
    padded = np.full((rows, (columns + 1) // 2 * 2), beyond, np.uint8)
    padded[:, :columns] = nibbles
    return padded[:, 0::2] | padded[:, 1::2] << 4


def make_int4(rng, rows, columns, group):
    nibbles = rng.integers(0, 16, (rows, columns)).astype(np.uint8)
    groups = groups_of(columns, group)
    scales = (rng.random((rows, groups)) * 0.02 + 0.001).astype(np.float16)
    return Int4(pack_nibbles(nibbles, 9), scales, rng.integers(0, 16, (rows, groups)).astype(np.float16), nibbles, group)


def group_sums(codes, group):
    """int32 sums of each row's groups."""
    return np.add.reduceat(codes.astype(np.int32), np.arange(0, codes.shape[1], group), axis=1, dtype=np.int32)


def bound_of_sum(result, magnitude, terms):
    """Largest error of an f16 that was summed in f32: of `terms` additions of total `magnitude`, then of one rounding,
    which below 2^-14 is one of 2^-25."""
    return np.abs(result) * 2.0**-11 + magnitude * (terms + 8) * 2.0**-24 + 2.0**-25


def largest(values):
    return np.abs(values.astype(np.float32)).max(axis=1, initial=0)


def round_products(values, inverses):
    """Exact products rounded to integers, ties to even: 11 and 24 bits fit an f64."""
    return np.rint(values.astype(np.float64) * inverses.astype(np.float64)[:, None]).astype(np.int64)


def quantize_activations(x):
    """(codes, scales) of each token."""
    top = largest(x)
    safe = np.where(top > 0, top, np.float32(1))
    inverse = np.where(top > 0, np.float32(127) * (np.float32(1) / safe), np.float32(1))
    scales = np.where(top > 0, top * INVERSE_127, np.float32(1)).astype(np.float32)
    return round_products(x, inverse).astype(np.int8), scales


def nearest_codes(values, table):
    """Places in an ascending table, of two as near the even one."""
    above = np.clip(np.searchsorted(table, values), 1, len(table) - 1)
    low, high = values - table[above - 1], table[above] - values
    return np.where((low < high) | ((low == high) & (above % 2 == 1)), above - 1, above)


def quantize_e4m3(x, table):
    """(codes, scales) of each token; table: the positive numbers by code."""
    top = np.minimum(largest(x), np.float32(1200))
    safe = np.where(top > 0, top, np.float32(1))
    inverse = np.where(top > 0, np.float32(448) * (np.float32(1) / safe), np.float32(1)).astype(np.float32)
    values = x.astype(np.float32) * inverse[:, None]
    codes = nearest_codes(np.abs(values).astype(np.float64), table) | np.where(np.signbit(values), 0x80, 0)
    return codes.astype(np.uint8), np.where(top > 0, top * INVERSE_448, np.float32(1)).astype(np.float32)


def f16_scale(values):
    """Rounded to f16; 1 where that gives 0."""
    scale = values.astype(np.float32).astype(np.float16)
    return np.where(scale > 0, scale, np.float16(1)).astype(np.float16)


def quantize_int8(weights):
    scales = f16_scale(largest(weights) * INVERSE_127)
    codes = round_products(weights, np.float32(1) / scales.astype(np.float32))
    return np.clip(codes, -127, 127).astype(np.int8), scales


def quantize_int4(weights, group):
    rows, columns = weights.shape
    groups = groups_of(columns, group)
    nibbles = np.zeros((rows, columns), np.uint8)
    scales, zeros = np.zeros((rows, groups), np.float16), np.zeros((rows, groups), np.float16)
    for g in range(groups):
        part = weights[:, g * group:(g + 1) * group]
        low, high = (limit(part.astype(np.float32), axis=1, initial=0) for limit in (np.min, np.max))
        scales[:, g] = f16_scale((high - low) * INVERSE_15)
        inverse = np.float32(1) / scales[:, g].astype(np.float32)
        zero = np.clip(round_products(-low[:, None], inverse), 0, 15)
        nibbles[:, g * group:(g + 1) * group] = np.clip(round_products(part, inverse) + zero, 0, 15)
        zeros[:, g] = zero[:, 0]
    return Int4(pack_nibbles(nibbles, 0), scales, zeros, nibbles, group)


def philox(counters, key):
    """Philox4x32-10 (Salmon et al., SC'11): counters [n][4], key of two words."""
    c = [counters[:, i].astype(np.uint64) for i in range(4)]
    k = [np.uint64(word) for word in key]
    low = np.uint64(0xFFFFFFFF)
    for _ in range(10):
        first, second = np.uint64(0xD2511F53) * c[0], np.uint64(0xCD9E8D57) * c[2]
        c = [second >> np.uint64(32) ^ c[1] ^ k[0], second & low, first >> np.uint64(32) ^ c[3] ^ k[1], first & low]
        k = [k[0] + np.uint64(0x9E3779B9) & low, k[1] + np.uint64(0xBB67AE85) & low]
    return np.stack(c, axis=1).astype(np.uint32)


def near_normal(count, unit, seed, tensor):
    """f32: value i from word i % 4 at counter {i / 4, 0, tensor}."""
    blocks = (count + 3) // 4
    counters = np.zeros((blocks, 4), np.uint64)
    counters[:, 0], counters[:, 2], counters[:, 3] = np.arange(blocks), tensor[0], tensor[1]
    sums = philox(counters, seed).view(np.uint8).reshape(-1, 4).sum(axis=1).astype(np.int32)
    return ((sums - 510).astype(np.float32) * np.float32(unit))[:count]
