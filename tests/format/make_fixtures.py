"""Writes tests/data/formats/*.json: what the packages that define the formats make of bytes and numbers.

Run by hand: python3 -m venv /tmp/fixtures && /tmp/fixtures/bin/pip install gguf ml_dtypes scipy numpy, then
/tmp/fixtures/bin/python tests/format/make_fixtures.py. The same packages give the same files.
"""
import importlib.metadata
import json
import pathlib

import gguf
import ml_dtypes
import numpy as np
from gguf.constants import GGML_QUANT_SIZES, GGMLQuantizationType
from scipy.stats import norm

FOLDER = pathlib.Path(__file__).resolve().parents[1] / "data/formats"
BLOCKS = 6


def bits(values):
    """The f32 as hex, little-endian, one after the other."""
    return np.asarray(values, "<f4").tobytes().hex()


def write(name, packages, content):
    made_by = {package: importlib.metadata.version(package) for package in packages}
    (FOLDER / f"{name}.json").write_text(json.dumps({"made_by": made_by} | content, indent=1) + "\n")


def random_halves(rng, count):
    return (rng.choice([-1, 1], count) * np.exp2(rng.uniform(-18, 2, count))).astype("<f2").view(np.uint8).reshape(count, 2)


# Where the f16 of a block begin; the other bytes may be any, but for those of BYTE_RANGES.
HALVES = {"Q8_0": [0], "Q4_0": [0], "Q4_1": [0, 2], "Q4_K": [0, 2], "Q6_K": [208], "MXFP4": [], "NVFP4": []}
# First bytes of a block and what they may be: e8m0 up to where 6 times the scale is an f32; e4m3 without its sign, which
# gguf does not know, and without 0x7F, NaN here and 0 in gguf.
BYTE_RANGES = {"MXFP4": (1, 0, 253), "NVFP4": (4, 0, 0x7F)}


def random_blocks(rng, name, count):
    blocks = rng.integers(0, 256, (count, GGML_QUANT_SIZES[GGMLQuantizationType[name]][1])).astype(np.uint8)
    for at in HALVES[name]:
        blocks[:, at:at + 2] = random_halves(rng, count)
    if name in BYTE_RANGES:
        length, low, high = BYTE_RANGES[name]
        blocks[:, :length] = rng.integers(low, high, (count, length))
    if name == "MXFP4":
        blocks[:4, 0] = [0, 1, 2, 252]  # 2^-127, an f32 without a normal exponent, and others at the ends
    if name == "NVFP4":
        blocks[0, :4] = [0, 1, 7, 8]  # zero, subnormals, the smallest normal
        blocks[1, 0] = 0x7E
    return blocks


def dequantized(rng, name):
    blocks = random_blocks(rng, name, BLOCKS)
    values = gguf.dequantize(blocks, GGMLQuantizationType[name])
    return {"blocks": [block.tobytes().hex() for block in blocks], "values": [bits(row) for row in values]}


def inputs(rng):
    """Blocks of 32 numbers of f16: of normal weights, zero, one outlier of each sign, magnitudes that repeat with either
    sign first, ties of many steps, subnormals of f16, the largest."""
    rows = [rng.normal(0, sigma, 32) for sigma in (0.02, 0.02, 0.02, 1, 3e-6, 1e4)]
    rows += [np.zeros(32), *np.zeros((2, 32)), np.full(32, 0.25), np.full(32, -0.25)]
    rows[7][11], rows[8][29] = 3.0, -0.7
    rows += [np.tile([1, -1], 16), np.tile([-1, 1], 16), np.arange(32) / 4 - 4, np.arange(32) / 8, -np.arange(32) / 16]
    rows += [np.r_[127, np.arange(31) - 15.5], np.r_[-8, np.arange(31) / 2 - 7.5], np.r_[0, 15, np.arange(30) / 2]]
    rows += [rng.integers(-24, 25, 32) / 4, rng.integers(-15, 16, 32) / 2, np.arange(32) * 2.0**-24, np.linspace(-65504, 65504, 32)]
    return np.array(rows).astype(np.float16).astype(np.float32)


def quantized(rows, name):
    blocks = gguf.quantize(rows, GGMLQuantizationType[name])
    return [block.tobytes().hex() for block in blocks]


def write_gguf():
    rng = np.random.default_rng(1)
    write("gguf_dequantized", ["gguf"], {"formats": {name.lower(): dequantized(rng, name) for name in HALVES}})
    rows = inputs(rng)
    formats = {name.lower(): quantized(rows, name) for name in ("Q8_0", "Q4_0", "Q4_1", "MXFP4")}
    write("gguf_quantized", ["gguf"], {"rows": [bits(row) for row in rows], "formats": formats})


def neighbourhood(values):
    """The values, the middles of neighbours, and the f32 next to those on either side."""
    middles = ((values[:-1] + values[1:]) / 2).astype(np.float32)
    return np.concatenate([values, middles, np.nextafter(middles, np.float32(0)), np.nextafter(middles, np.float32(np.inf))])


def roundings(rng, dtype, values, top, beyond):
    """f32 and their codes; `beyond`, numbers above the largest, apart: ml_dtypes makes some of them NaN."""
    numbers = np.concatenate([neighbourhood(values), rng.uniform(-top, top, 40).astype(np.float32),
                              rng.choice([-1, 1], 40) * np.exp2(rng.uniform(-14, np.log2(top), 40))]).astype(np.float32)
    numbers = np.concatenate([numbers, -numbers[1:40]])
    codes_of = lambda values: np.asarray(values, np.float32).astype(dtype).view(np.uint8).tobytes().hex()
    return {"numbers": bits(numbers), "codes": codes_of(numbers), "beyond": bits(beyond), "codes_beyond": codes_of(beyond)}


def write_minifloats():
    rng = np.random.default_rng(2)
    e4m3, e2m1 = ml_dtypes.float8_e4m3fn, ml_dtypes.float4_e2m1fn
    every = np.arange(256, dtype=np.uint8).view(e4m3).astype(np.float32)
    few = np.arange(16, dtype=np.uint8).view(e2m1).astype(np.float32)
    sample = np.unique(np.concatenate([every[:24], every[0x40:0x48], every[0x70:0x7F]]))
    write("minifloats", ["ml_dtypes"], {
        "e4m3": {"values": bits(every)} | roundings(rng, e4m3, sample, 448, [449, 463.9, 464, 464.1, 480, 1e6, np.inf, -464, -1e6]),
        "e2m1": {"values": bits(few)} | roundings(rng, e2m1, few[:8], 6, [6.1, 6.9, 7, 7.1, 8, 1e6, np.inf, -7, -1e6])})


def linspace(start, end, count):
    """torch.linspace in f32, which counts from the nearer end."""
    start, end, i = np.float32(start), np.float32(end), np.arange(count, dtype=np.float32)
    step = (end - start) / np.float32(count - 1)
    return np.where(i < count // 2, start + step * i, end - step * (np.float32(count - 1) - i))


def normal_map(offset=0.9677083):
    """create_normal_map of bitsandbytes/functional.py, sixteen values."""
    positive = norm.ppf(linspace(offset, 0.5, 9)[:-1])
    negative = -norm.ppf(linspace(offset, 0.5, 8)[:-1])
    values = np.sort(np.concatenate([positive, [0], negative]).astype(np.float32))
    return values / values.max()


if __name__ == "__main__":
    FOLDER.mkdir(parents=True, exist_ok=True)
    write_gguf()
    write_minifloats()
    write("nf4", ["scipy"], {"values": bits(normal_map())})
