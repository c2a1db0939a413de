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


def make_q8_0(rng, rows, columns, program):
    blocks = blocks_of(columns, 32)
    codes = rng.integers(-128, 128, (rows, blocks, 32)).astype(np.int8)
    scales = random_scales(rng, rows, blocks)
    values = codes.reshape(rows, -1)[:, :columns].astype(np.float64)
    return Weights([codes, scales], values, per_column(scales, 32, columns), np.zeros_like(values))


def make_q4_0(rng, rows, columns, program):
    blocks = blocks_of(columns, 32)
    codes = rng.integers(0, 256, (rows, blocks, 16)).astype(np.uint8)
    scales = random_scales(rng, rows, blocks)
    wide = per_column(scales, 32, columns)
    return Weights([codes, scales], split_nibbles(codes)[:, :columns].astype(np.float64), wide, -8 * wide)


FORMATS = {"q8_0": make_q8_0, "q4_0": make_q4_0}
