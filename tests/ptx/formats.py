"""Number formats of the frames in numpy, written from their layouts (host/format, kernels/format) and apart from both.

FORMATS[code](rng, rows, columns, program) gives the parts in the order of a kernel's parameters, with any bits that a
quantizer may leave, and per weight its scale, code and shift: w = scale * code + shift.
"""
import dataclasses

import numpy as np


@dataclasses.dataclass
class Weights:
    parts: list
    codes: np.ndarray  # float64, as the others, [row][column]
    scales: np.ndarray
    shifts: np.ndarray

    def weights(self):
        return self.scales * self.codes + self.shifts

    def rounded(self):
        """To f32 once and then to f16, as kernels do."""
        return self.weights().astype(np.float32).astype(np.float16)

    def magnitudes(self):
        """Of code and shift apart, as kernels may sum them apart."""
        return np.abs(self.scales * self.codes) + np.abs(self.shifts)


def unshifted(parts, codes, scales):
    """Added to a product of either sign of zero, -0 leaves it as it is."""
    return Weights(parts, codes, scales, np.full_like(codes, -0.0))


def blocks_of(columns, block):
    return (columns + block - 1) // block


def per_column(values, block, columns):
    """[row][block] to [row][column]."""
    return values.astype(np.float64).repeat(block, axis=1)[:, :columns]


def random_scales(rng, *shape):
    return (rng.choice([-1, 1], shape) * (rng.random(shape) * 0.02 + 0.001)).astype(np.float16)


def split_nibbles(codes):
    """[row][step][16] bytes to [row][column] nibbles: byte j holds column j in its low and j + 16 in its high nibble."""
    return np.concatenate([codes & 15, codes >> 4], axis=2).reshape(codes.shape[0], -1)


def random_nibbles(rng, rows, steps):
    return rng.integers(0, 256, (rows, steps, 16)).astype(np.uint8)


def split_pairs(codes):
    """[row][step][8] bytes to [row][step][32]: byte j holds columns j, j + 8, j + 16 and j + 24 from its lowest bits on."""
    return np.concatenate([codes >> shift & 3 for shift in (0, 2, 4, 6)], axis=2)


E2M1 = np.array([0, 0.5, 1, 1.5, 2, 3, 4, 6, -0.0, -0.5, -1, -1.5, -2, -3, -4, -6])
# Four bits of exponent with bias 7, three of mantissa, then the same below zero; 0x7F and 0xFF are NaN.
E4M3 = np.array([sign * ((8 + code % 8) * 2.0 ** (code // 8 - 10) if code >= 8 else code / 512)
                 for sign in (1, -1) for code in range(128)])
NF4 = np.array([-1, -0.6961928009986877, -0.5250730514526367, -0.39491748809814453, -0.28444138169288635, -0.18477343022823334,
                -0.09105003625154495, 0, 0.07958029955625534, 0.16093020141124725, 0.24611230194568634, 0.33791524171829224,
                0.44070982933044434, 0.5626170039176941, 0.7229568362236023, 1])


def make_q8_0(rng, rows, columns, program):
    blocks = blocks_of(columns, 32)
    codes = rng.integers(-128, 128, (rows, blocks, 32)).astype(np.int8)
    scales = random_scales(rng, rows, blocks)
    values = codes.reshape(rows, -1)[:, :columns].astype(np.float64)
    return unshifted([codes, scales], values, per_column(scales, 32, columns))


def make_q4_0(rng, rows, columns, program):
    blocks = blocks_of(columns, 32)
    codes, scales = random_nibbles(rng, rows, blocks), random_scales(rng, rows, blocks)
    wide = per_column(scales, 32, columns)
    return Weights([codes, scales], split_nibbles(codes)[:, :columns].astype(np.float64), wide, -8 * wide)


def make_q4_1(rng, rows, columns, program):
    blocks = blocks_of(columns, 32)
    codes = random_nibbles(rng, rows, blocks)
    scales, minima = random_scales(rng, rows, blocks), random_scales(rng, rows, blocks)
    return Weights([codes, scales, minima], split_nibbles(codes)[:, :columns].astype(np.float64),
                   per_column(scales, 32, columns), per_column(minima, 32, columns))


def packed_six_bits(low, high):
    """Two arrays [row][block][8] of numbers below 64 in 12 bytes: the first four of each with two high bits of the others
    above them, then the low four bits of the others, side by side."""
    first, second = low[..., :4] | low[..., 4:] >> 4 << 6, high[..., :4] | high[..., 4:] >> 4 << 6
    return np.concatenate([first, second, low[..., 4:] & 15 | (high[..., 4:] & 15) << 4], axis=2).astype(np.uint8)


def make_q4_k(rng, rows, columns, program):
    blocks = blocks_of(columns, 256)
    codes = random_nibbles(rng, rows, 8 * blocks)
    scales, minima = random_scales(rng, rows, blocks), random_scales(rng, rows, blocks)
    own_scales, own_minima = rng.integers(0, 64, (2, rows, blocks, 8))
    wide_scales = (scales.astype(np.float64)[:, :, None] * own_scales).reshape(rows, -1)
    wide_minima = (minima.astype(np.float64)[:, :, None] * own_minima).reshape(rows, -1)
    return Weights([codes, scales, minima, packed_six_bits(own_scales, own_minima)],
                   split_nibbles(codes)[:, :columns].astype(np.float64), per_column(wide_scales, 32, columns),
                   -per_column(wide_minima, 32, columns))


def make_q6_k(rng, rows, columns, program):
    blocks = blocks_of(columns, 256)
    codes = rng.integers(0, 256, (rows, 8 * blocks, 24)).astype(np.uint8)
    low = split_nibbles(codes[:, :, :16])
    high = split_pairs(codes[:, :, 16:]).reshape(rows, -1)
    scales, own = random_scales(rng, rows, blocks), rng.integers(-128, 128, (rows, blocks, 16)).astype(np.int8)
    wide = per_column((scales.astype(np.float64)[:, :, None] * own).reshape(rows, -1), 16, columns)
    return Weights([codes, scales, own], (low | high << 4)[:, :columns].astype(np.float64), wide, -32 * wide)


def make_nf4(rng, rows, columns, program):
    blocks = blocks_of(columns, 64)
    codes, scales = random_nibbles(rng, rows, 2 * blocks), (rng.random((rows, blocks)) * 0.1 + 0.01).astype(np.float32)
    values = NF4.astype(np.float32).astype(np.float64)[split_nibbles(codes)[:, :columns]]
    return unshifted([codes, scales], values, per_column(scales, 64, columns))


def make_mxfp4(rng, rows, columns, program):
    blocks = blocks_of(columns, 32)
    codes, exponents = random_nibbles(rng, rows, blocks), rng.integers(118, 125, (rows, blocks)).astype(np.uint8)
    values = E2M1[split_nibbles(codes)[:, :columns]]
    scales = per_column(2.0 ** (exponents.astype(np.float64) - 127), 32, columns)
    return unshifted([codes, exponents], values, scales)


def random_e4m3(rng, *shape):
    codes = rng.integers(0, 254, shape)
    return (codes + (codes >= 0x7F)).astype(np.uint8)  # all but 0x7F and 0xFF


def make_nvfp4(rng, rows, columns, program):
    steps = blocks_of(columns, 32)
    codes, own = random_nibbles(rng, rows, steps), random_e4m3(rng, rows, steps, 2)
    tensor = np.array([1e-3], np.float32)
    products = (np.float64(tensor[0]) * E4M3[own]).astype(np.float32).reshape(rows, -1)
    values = E2M1[split_nibbles(codes)[:, :columns]]
    return unshifted([codes, tensor, own], values, per_column(products, 16, columns))


def make_fp8(rng, rows, columns, program):
    codes, scales = random_e4m3(rng, rows, blocks_of(columns, 32) * 32), (rng.random(rows) * 1e-3 + 1e-4).astype(np.float32)
    values = E4M3[codes[:, :columns]]
    return unshifted([codes, scales], values, per_column(scales[:, None], columns, columns))


def grouped(rng, codes, values, columns, group, top):
    """Of int2 and int3: an f16 scale and an integer zero point per group."""
    groups = blocks_of(columns, group)
    scales = np.abs(random_scales(rng, codes.shape[0], groups))
    zeros = rng.integers(0, top + 1, (codes.shape[0], groups)).astype(np.float16)
    wide = per_column(scales, group, columns)
    return Weights([codes, scales, zeros], values.reshape(codes.shape[0], -1)[:, :columns].astype(np.float64), wide,
                   -wide * per_column(zeros, group, columns))


def make_i3(rng, rows, columns, program):
    group = program.define("GROUP")
    codes = rng.integers(0, 256, (rows, blocks_of(columns, group) * group // 32, 12)).astype(np.uint8)
    third = np.unpackbits(codes[:, :, 8:], axis=2, bitorder="little")
    return grouped(rng, codes, split_pairs(codes[:, :, :8]) | third << 2, columns, group, 7)


def make_i2(rng, rows, columns, program):
    group = program.define("GROUP")
    codes = rng.integers(0, 256, (rows, blocks_of(columns, group) * group // 32, 8)).astype(np.uint8)
    return grouped(rng, codes, split_pairs(codes), columns, group, 3)


FORMATS = {"q8_0": make_q8_0, "q4_0": make_q4_0, "q4_1": make_q4_1, "q4_k": make_q4_k, "q6_k": make_q6_k, "nf4": make_nf4,
           "mxfp4": make_mxfp4, "nvfp4": make_nvfp4, "fp8": make_fp8, "i3": make_i3, "i2": make_i2}
