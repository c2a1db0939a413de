"""A row per operation: the arguments of a launch, in the order of the kernel's parameters, and what must come out.

CASES[operation](program, rng) gives the Cases of one program: shapes that keep the 16-byte alignment of rows and shapes
that break it, both loops of gemv (unrolled, and the rest) where the tunables make two, edges of tiles. The same rows serve
reference, plain and variant kernels, which have the same bindings (kernels/README.md).
"""
import dataclasses
import functools

import numpy as np

import attention_cases as attention
import ceiling_cases as ceilings
import references as ref
import token_cases as tokens
from formats import E4M3, FORMATS, make_fp8, random_e4m3


@dataclasses.dataclass
class Out:
    """A buffer that the kernel writes: exactly `expected`; with a `bound`, f16 that near. `initial`: what it holds before;
    `spared`: bytes that are expected to stay need not be written."""
    expected: np.ndarray
    bound: np.ndarray | None = None
    initial: np.ndarray | None = None
    spared: bool = False

    def buffer(self):
        """(array, writable, whether it holds initial values) as memory.GlobalMemory takes it."""
        if self.initial is not None:
            return self.initial, True, True
        return np.empty(self.expected.shape, self.expected.dtype if self.bound is None else np.float16), True, False

    def wrong(self, values):
        """Which values are."""
        if self.bound is None:  # bits, not values: -0 is not 0
            bits = f"u{values.itemsize}"
            return values.view(bits) != np.ascontiguousarray(self.expected).view(bits)
        return ~(np.abs(values.astype(np.float64) - self.expected) <= self.bound)


@dataclasses.dataclass
class Case:
    """Extent as in host/scheme/catalogue/kernel_table.hpp; arguments: arrays that are only read, Outs and numbers."""
    arguments: list
    count: int = 0
    rows: int = 0
    columns: int = 0
    tokens: int = 0
    splits: int = 0
    sizes: tuple | None = None  # (global, local) where the kernel table has no launch

    def extent(self):
        return self.count, self.rows, self.columns, self.tokens, self.splits


def halves(rng, *shape):
    return rng.standard_normal(shape).astype(np.float16)


def int8s(rng, *shape):
    return rng.integers(-127, 128, shape).astype(np.int8)


def small_scales(rng, *shape):
    return (rng.random(shape) * 0.01 + 0.001).astype(np.float16)


# Products of weights and activations. Each gives (arguments before the sizes, without the result; exact product; sum of
# the magnitudes of its terms); None for an exact product of integers.
def product_f16_f16(rng, program, rows, columns, tokens):
    w, x = halves(rng, rows, columns), halves(rng, tokens, columns)
    return [w, x], x.astype(np.float64) @ w.T.astype(np.float64), np.abs(x).astype(np.float64) @ np.abs(w).T.astype(np.float64)


def product_i8_f16(rng, program, rows, columns, tokens):
    codes, scales, x = int8s(rng, rows, columns), small_scales(rng, rows), halves(rng, tokens, columns)
    w, x64 = codes * scales.astype(np.float64)[:, None], x.astype(np.float64)
    return [codes, scales, x], x64 @ w.T, np.abs(x64) @ np.abs(w).T


def product_i8_i8(rng, program, rows, columns, tokens):
    codes, x = int8s(rng, rows, columns), int8s(rng, tokens, columns)
    return [codes, x], x.astype(np.int32) @ codes.T.astype(np.int32), None


def product_i4_f16(rng, program, rows, columns, tokens):
    w, x = ref.make_int4(rng, rows, columns, program.define("GROUP")), halves(rng, tokens, columns)
    x64 = x.astype(np.float64)
    return [w.codes, w.scales, w.zeros, x], x64 @ w.weights().T, np.abs(x64) @ w.magnitudes().T


def product_i4_i8(rng, program, rows, columns, tokens):
    group = program.define("GROUP")
    w, x = ref.make_int4(rng, rows, columns, group), int8s(rng, tokens, columns)
    scales = (rng.random(tokens) * 0.02 + 0.01).astype(np.float32)
    sums = [] if program.operation.startswith("gemm_") else [ref.group_sums(x, group)]
    x64 = x * scales.astype(np.float64)[:, None]
    return [w.codes, w.scales, w.zeros, x, scales, *sums], x64 @ w.weights().T, np.abs(x64) @ w.magnitudes().T


def product_of(make):
    """Of weights in a format of formats.py with f16 activations."""
    def product(rng, program, rows, columns, tokens):
        w, x = make(rng, rows, columns, program), halves(rng, tokens, columns)
        x64 = x.astype(np.float64)
        return [*w.parts, x], x64 @ w.weights().T, np.abs(x64) @ w.magnitudes().T
    return product


def product_fp8_e4m3(rng, program, rows, columns, tokens):
    w, codes = make_fp8(rng, rows, columns, program), random_e4m3(rng, tokens, columns)
    scales = (rng.random(tokens) * 0.02 + 0.01).astype(np.float32)
    x64 = E4M3[codes] * scales.astype(np.float64)[:, None]
    return [*w.parts, codes, scales], x64 @ w.weights().T, np.abs(x64) @ w.magnitudes().T


PRODUCTS = {"f16_f16": product_f16_f16, "i8_f16": product_i8_f16, "i8_i8": product_i8_i8, "i4_f16": product_i4_f16,
            "i4_i8": product_i4_i8} | {f"{code}_f16": product_of(make) for code, make in FORMATS.items()} | {"fp8_e4m3": product_fp8_e4m3}
# Columns that an item takes in a step.
WIDTHS = {"f16_f16": 8, "i8_f16": 16, "i8_i8": 16} | dict.fromkeys(["i4_f16", "i4_i8", "fp8_e4m3", *(f"{code}_f16" for code in FORMATS)], 32)


def product_case(rng, program, rows, columns, tokens, in_a_row=None):
    """`in_a_row`: most additions that one after the other make a sum; all columns where nothing else is known."""
    kind, formats = program.operation.split("_", 1)
    before, product, magnitude = PRODUCTS[formats](rng, program, rows, columns, tokens)
    if magnitude is None:
        out = Out(product)
    else:
        out = Out(product, ref.bound_of_sum(product, magnitude, in_a_row or columns))
    sizes = [rows, columns] + ([] if kind == "gemv" else [tokens])
    return Case([*before, out, *sizes], rows=rows, columns=columns, tokens=tokens)


def frame_mma_cases(program, rng):
    """Tiles of rows and tokens whole and cut; chunks of all warps more than once, some warps without one at the end; then
    rows whose codes or activations break the 16-byte alignment, and fewer columns than a step."""
    rows, tokens = 16 * (program.define("ROW_TILES") or 1) * (program.define("ROW_WARPS") or 1), program.define("TOKENS")
    if tokens:
        shapes = ((2 * rows + 3, 128 * (program.define("WARPS") + 3)), (rows, 416), (rows + 9, 163), (3, 8))
        return [product_case(rng, program, *shape, tokens) for shape in shapes]
    tile = 8 * program.define("TOKEN_TILES") * program.define("TOKEN_WARPS")
    k_warps = program.define("WARPS") // (program.define("ROW_WARPS") * program.define("TOKEN_WARPS"))
    # As many tokens as give the program this tile of rows x tokens: up to 16, 32, 64, up to 128, more.
    whole = {(32, 16): 16, (32, 32): 32, (32, 64): 64, (64, 64): 128, (128, 128): 160}[rows, tile]
    # All stages and more, the last one with steps beyond the columns.
    wide = 32 * (6 * k_warps + 1)
    shapes = ((rows + 3, wide, whole), (rows, 416, whole - 7), (rows + 9, 163, whole - 7), (3, 8, whole))
    return [product_case(rng, program, *shape) for shape in shapes]


def gemv_cases(program, rng):
    """Rows beyond a whole number of teams; all steps of the unrolled loop, one of the other and a part of one; then
    columns that break every alignment."""
    if program.define("WARPS"):
        return frame_mma_cases(program, rng)
    split, unroll, tokens = program.define("SPLIT_K"), program.define("UNROLL"), program.define("TOKENS")
    rows = 2 * program.define("ROWS") * program.work_group // split + 1
    width = WIDTHS[program.operation.split("_", 1)[1]]
    wide = split * width * (unroll + 1 if unroll > 1 else 1) + 96
    # Those of an item, in steps of `width`; then a tree over at most 256 items, or five exchanges and eight sums.
    return [product_case(rng, program, rows, columns, tokens, columns // split + 2 * width + 13) for columns in (wide, split + 37)]


def gemm_cases(program, rng):
    """Tiles of 64 x 64, whole and cut: aligned rows, rows of 8 bytes' alignment only, odd ones, fewer than a step."""
    if program.define("WARPS"):
        return frame_mma_cases(program, rng)
    return [product_case(rng, program, *shape) for shape in ((70, 160, 9), (64, 64, 64), (65, 104, 70), (33, 99, 10), (3, 8, 2))]


def matmul_cases(program, rng):
    return [product_case(rng, program, *shape) for shape in ((9, 160, 1), (5, 99, 2), (3, 64, 8))]


# Quantizers.
ROWS_WITH_EDGES = ((3, 160), (2, 99), (2, 1))


def rows_with_edges(program):
    """Of the GPU family one more that is longer than what an item keeps of it (common/group_rows.clh)."""
    return ROWS_WITH_EDGES + (((2, 64 * program.work_group + 168),) if program.family == "gpu" else ())


def quantizer_input(rng, rows, columns):
    """Normal numbers, one row of zeros, the largest at the end of a row."""
    x = halves(rng, rows, columns)
    x[-1] = 0
    x[0, -1] = 7.5
    return x


def quantize_f16_i8_cases(program, rng, summed=False):
    for tokens, columns in rows_with_edges(program):
        x = quantizer_input(rng, tokens, columns)
        codes, scales = ref.quantize_activations(x)
        sums = [Out(ref.group_sums(codes, program.define("GROUP")))] if summed else []
        yield Case([x, Out(codes), Out(scales), *sums, columns, tokens], columns=columns, tokens=tokens)


def outlier_mask(rng, columns, share):
    """Of f16 bits by column: 0 for about `share` of them."""
    return np.where(rng.random(columns) < share, 0, 0xFFFF).astype(np.uint16)


def quantize_f16_i8_inliers_cases(program, rng):
    for tokens, columns in rows_with_edges(program):
        x, mask = quantizer_input(rng, tokens, columns), outlier_mask(rng, columns, 0.3)
        mask[-1] = 0  # the largest of a row
        codes, scales = ref.quantize_activations((x.view(np.uint16) & mask).view(np.float16))
        yield Case([x, mask, Out(codes), Out(scales), columns, tokens], columns=columns, tokens=tokens)


def quantize_f16_e4m3_cases(program, rng):
    """Of every magnitude in a token of scale 1, subnormals, ties and zeros of both signs with it; then beyond 1200."""
    every = np.arange(0x5F01, dtype=np.uint16).view(np.float16)  # to 448
    every = np.where(rng.random(every.shape) < 0.5, every, -every)
    first = 1 if program.family == "gpu" else -500  # the reference has an item for all of them
    for x in (every[None, first:], every[None, -99:], np.array([[1e-7, 1199, 1201, -65504, 0, -0.0]], np.float16)):
        codes, scales = ref.quantize_e4m3(x, E4M3[:127])
        yield Case([x, Out(codes), Out(scales), x.shape[1], 1], columns=x.shape[1], tokens=1)
    for tokens, columns in rows_with_edges(program):
        x = quantizer_input(rng, tokens, columns)
        codes, scales = ref.quantize_e4m3(x, E4M3[:127])
        yield Case([x, Out(codes), Out(scales), columns, tokens], columns=columns, tokens=tokens)


# Outliers. Shapes: whole and cut groups of 128 columns, rows of 16 bytes and odd ones, more tokens than a group's items share.
def find_outliers_f16_cases(program, rng):
    threshold = np.float16(1.5)
    for tokens, columns in ((1, 160), (3, 264), (19, 136), (2, 99), (5, 1)):
        x = halves(rng, tokens, columns)
        x[:, ::7] = rng.choice(np.array([1.5, -1.5, 0, -0.0], np.float16), (tokens, len(x[0, ::7])))  # none, however near
        x[0, columns // 2], x[-1, -1] = np.inf, -np.nan
        beyond = ~(np.abs(x) <= threshold).all(axis=0)
        out = Out(np.where(beyond, 0, 0xFFFF).astype(np.uint16))
        yield Case([x, out, columns, tokens, int(threshold.view(np.uint16))], columns=columns, tokens=tokens)


def list_outliers_f16_cases(program, rng):
    for columns, share, places in ((160, 0.1, 32), (5000, 0.01, 64), (4104, 0.5, 32), (2051, 0.02, 33), (99, 0, 32), (7, 1, 32)):
        mask = outlier_mask(rng, columns, share)
        found = np.flatnonzero(mask == 0)
        kept, listed = mask.copy(), np.full(places, columns, np.uint32)
        kept[found[places:]] = 0xFFFF
        listed[:len(found[:places])] = found[:places]
        counts = np.array([min(len(found), places), max(len(found) - places, 0)], np.uint32)
        yield Case([Out(kept, initial=mask, spared=True), Out(listed), Out(counts), columns, places], columns=columns)


def listed_columns(rng, columns, used, places):
    listed = np.full(places, columns, np.uint32)
    listed[:used] = np.sort(rng.choice(columns, used, replace=False))
    return listed


def gathered(values, listed):
    """Listed columns; unused places as zeros."""
    return np.pad(values, ((0, 0), (0, 1)))[:, listed]


def gather_f16_cases(program, rng):
    for tokens, columns, used, places in ((3, 160, 20, 32), (1, 99, 0, 32), (2, 99, 33, 33)):
        x, listed = halves(rng, tokens, columns), listed_columns(rng, columns, used, places)
        yield Case([x, listed, Out(gathered(x, listed)), columns, tokens, places], columns=places, tokens=tokens)


def gather_i8_f16_cases(program, rng):
    for rows, columns, used, places in ((3, 160, 20, 32), (1, 99, 0, 32), (5, 99, 33, 33)):
        codes, scales, listed = int8s(rng, rows, columns), small_scales(rng, rows), listed_columns(rng, columns, used, places)
        out = Out((gathered(codes, listed) * scales.astype(np.float64)[:, None]).astype(np.float16))
        yield Case([codes, scales, listed, out, rows, columns, places], rows=rows, columns=places)


def quantize_weights_f16_i8_cases(program, rng):
    for rows, columns in rows_with_edges(program):
        w = quantizer_input(rng, rows, columns)
        codes, scales = ref.quantize_int8(w)
        yield Case([w, Out(codes), Out(scales), rows, columns], rows=rows, columns=columns)


def quantize_weights_f16_i4_cases(program, rng):
    for rows, columns in ROWS_WITH_EDGES:
        w = quantizer_input(rng, rows, columns)
        q = ref.quantize_int4(w, program.define("GROUP"))
        yield Case([w, Out(q.codes), Out(q.scales), Out(q.zeros), rows, columns], rows=rows, columns=columns)


# Dequantizers.
def dequantize_i8_f16_cases(program, rng):
    for rows, columns in ((3, 160), (2, 99), (1, 8), (6, 264), (5, 35)):
        codes, scales = int8s(rng, rows, columns), small_scales(rng, rows)
        out = Out((codes * scales.astype(np.float64)[:, None]).astype(np.float16))
        yield Case([codes, scales, out, rows, columns], rows=rows, columns=columns)


def dequantize_i4_f16_cases(program, rng):
    for rows, columns in ((3, 160), (2, 99), (1, 8), (6, 264), (5, 35)):
        w = ref.make_int4(rng, rows, columns, program.define("GROUP"))
        yield Case([w.codes, w.scales, w.zeros, Out(w.weights().astype(np.float16)), rows, columns], rows=rows, columns=columns)


def dequantize_cases(make):
    """Of a format of formats.py."""
    def cases(program, rng):
        for rows, columns in ((3, 160), (2, 99), (1, 8), (6, 264), (5, 35)):
            w = make(rng, rows, columns, program)
            yield Case([*w.parts, Out(w.rounded()), rows, columns], rows=rows, columns=columns)
    return cases


def dequantize_i32_f16_cases(program, rng):
    for rows, tokens in ((70, 3), (64, 1), (68, 2)):
        sums = rng.integers(-10**6, 10**6, (tokens, rows)).astype(np.int32)
        scales, token_scales = small_scales(rng, rows), (rng.random(tokens) * 0.02).astype(np.float32)
        out = Out((sums.astype(np.float32) * scales.astype(np.float32) * token_scales[:, None]).astype(np.float16))
        yield Case([sums, scales, token_scales, out, rows, tokens], rows=rows, tokens=tokens)


def dequantize_i32_add_f16_cases(program, rng):
    """f64 holds sum of a product of 24 by 24 bits and an f16 but for the last bits; both roundings are then fma's."""
    for rows, tokens in ((70, 3), (64, 1), (68, 2)):
        sums = rng.integers(-10**6, 10**6, (tokens, rows)).astype(np.int32)
        scales, token_scales = small_scales(rng, rows), (rng.random(tokens) * 0.02).astype(np.float32)
        products = halves(rng, tokens, rows)
        first = (sums.astype(np.float32) * scales.astype(np.float32)).astype(np.float64)
        total = first * token_scales.astype(np.float64)[:, None] + products.astype(np.float64)
        out = Out(total.astype(np.float32).astype(np.float16))
        yield Case([sums, scales, token_scales, products, out, rows, tokens], rows=rows, tokens=tokens)


# Elementwise operations.
COUNTS = (520, 71, 67, 8, 5)
# Ties between two f16, the largest, overflow, subnormals, zeros of both signs.
EDGES_F32 = [1 + 2**-11, 1 + 3 * 2**-11, 65504, 65519, 65520, 1e6, -1e6, 2**-24, 2**-25, 3 * 2**-26, 5e-8, 0.0, -0.0, np.inf]


def cast_f32_f16_cases(program, rng):
    for count in COUNTS:
        x = rng.standard_normal(count).astype(np.float32)
        x[:len(EDGES_F32)] = EDGES_F32[:count]
        with np.errstate(over="ignore"):  # to infinity, as it should
            yield Case([x, Out(x.astype(np.float16)), count], count=count)


def cast_f16_f32_cases(program, rng):
    for count in COUNTS:
        x = rng.integers(0, 0x7C01, count).astype(np.uint16) | rng.integers(0, 2, count).astype(np.uint16) << 15
        x = x.view(np.float16)  # every finite magnitude, and infinity
        yield Case([x, Out(x.astype(np.float32)), count], count=count)


def random_cases(program, rng, dtype):
    for count in COUNTS:
        seed, tensor, unit = rng.integers(0, 2**32, 2), rng.integers(0, 2**32, 2), np.float32(0.02 / np.sqrt(21845))
        out = Out(ref.near_normal(count, unit, seed, tensor).astype(dtype))
        yield Case([out, count, unit, *(int(word) for word in (*seed, *tensor))], count=count)


def swiglu_f16_cases(program, rng):
    """exp of libclc errs by a few units in the last place of an f32."""
    for tokens, width, beside in (*((1, count, 0) for count in COUNTS), (3, 33, 3), (2, 64, 8)):
        gate, up = halves(rng, tokens, width) * np.float16(3), halves(rng, tokens, width)
        gate64 = gate.astype(np.float64)
        product = gate64 / (1 + np.exp(-gate64)) * up.astype(np.float64)
        row = width + 2 * beside
        yield Case([attention.widen(gate, beside), attention.widen(up, beside), Out(product, ref.bound_of_sum(product, np.abs(product), 8)), width, beside,
                    beside, row], count=width, tokens=tokens)


def residual_add_f16_cases(program, rng):
    for count in COUNTS:
        x, y = halves(rng, count), halves(rng, count)
        total = (x.astype(np.float32) + y.astype(np.float32)).astype(np.float16)
        yield Case([Out(total, initial=x), y, count], count=count)


def rms_norm_f16_cases(program, rng):
    for tokens, width in ((3, 160), (2, 99), (1, 7)) + rows_with_edges(program)[3:]:
        x, gamma = halves(rng, tokens, width), halves(rng, width)
        x64 = x.astype(np.float64)
        eps = np.float32(0.5)
        normal = x64 / np.sqrt((x64**2).mean(axis=1, keepdims=True) + float(eps)) * gamma.astype(np.float64)
        out = Out(normal, ref.bound_of_sum(normal, np.abs(normal), width))
        yield Case([x, gamma, out, width, tokens, eps, 1, 0, width], columns=width, tokens=tokens)
    for heads, tokens, width, beside in ((2, 2, 24, 8), (3, 2, 20, 3), (1, 2, 64, 4)):  # heads in rows of a wider tensor
        x, gamma = halves(rng, tokens, heads, width), halves(rng, width)
        x64 = x.astype(np.float64)
        eps = np.float32(0.5)
        normal = x64 / np.sqrt((x64**2).mean(axis=2, keepdims=True) + float(eps)) * gamma.astype(np.float64)
        wide = attention.widen(x.reshape(tokens, heads * width), beside, 7)
        wanted, bound = wide.astype(np.float64), np.zeros(wide.shape)
        own = slice(beside, beside + heads * width)
        wanted[:, own] = normal.reshape(tokens, -1)
        bound[:, own] = ref.bound_of_sum(normal, np.abs(normal), width).reshape(tokens, -1)
        out = Out(wanted, bound, initial=wide, spared=True)
        yield Case([wide, gamma, out, width, heads * tokens, eps, heads, beside, heads * width + 2 * beside], columns=width, tokens=heads * tokens)


def expand_heads_f16_cases(program, rng):
    for heads, repeat, dim, tokens, beside in ((6, 3, 5, 2, 0), (4, 1, 8, 1, 0), (4, 2, 264, 2, 0), (2, 2, 12, 1, 0), (4, 2, 16, 3, 8), (4, 2, 16, 2, 4), (2, 2, 5, 2, 8)):
        v = rng.integers(0, 65536, (tokens, heads // repeat, dim)).astype(np.uint16)
        flat = attention.widen(v.reshape(tokens, -1), beside, 7)
        yield Case([flat, Out(v.repeat(repeat, axis=1)), heads, repeat, dim, beside, flat.shape[1]], rows=heads, tokens=tokens)


# Probes: host/device/probe.cpp launches 64 items in one group over 64 integers.
def probe_case(values, expected):
    return [Case([np.asarray(values, np.int32), Out(np.asarray(expected, np.int32))], sizes=((64, 1, 1), (64, 1, 1)))]


def probe_dot4_cases(program, rng):
    words = rng.integers(0, 2**32, 64, dtype=np.uint32)
    return probe_case(words.view(np.int32), (words.view(np.int8).astype(np.int32)**2).reshape(64, 4).sum(axis=1))


def probe_lanes_cases(program, rng):
    values = rng.integers(-1000, 1000, 64)
    return probe_case(values, values[np.arange(64) ^ 21])


def probe_half2_cases(program, rng):
    values = rng.integers(-256, 257, 64)
    return probe_case(values, 6 * values + 1)


def probe_matrix_unit_cases(program, rng):
    values = rng.integers(-256, 257, 64)
    return probe_case(values, values)


def probe_timer_cases(program, rng):
    values, rounds = np.arange(64, dtype=np.uint32), 5
    for _ in range(rounds):
        values = values * np.uint32(1664525) + np.uint32(1013904223)
    return [Case([Out(values), rounds], sizes=((64, 1, 1), (64, 1, 1)))]


def ceiling_cases(make):
    """Of a row of ceiling_cases.py: (what is read before the result, the result, numbers after it)."""
    def cases(program, rng):
        with np.errstate(over="ignore"):
            before, expected, numbers = make(program, rng)
        return [Case([*before, Out(expected), *numbers], sizes=ceilings.SIZES)]
    return cases


def empty_launch_cases(program, rng):
    return [Case([Out(np.ones(1, np.uint32))], sizes=ceilings.SIZES)]


def of_dtype(dtype):
    return lambda program, rng: random_cases(program, rng, dtype)


CASES = {f"{kind}_{formats}": function for formats in PRODUCTS
         for kind, function in (("gemv", gemv_cases), ("gemm", gemm_cases), ("matmul", matmul_cases))}
CASES |= {
    "random_f16": of_dtype(np.float16),
    "random_f32": of_dtype(np.float32),
    "cast_f16_f32": cast_f16_f32_cases,
    "cast_f32_f16": cast_f32_f16_cases,
    "quantize_f16_i8": quantize_f16_i8_cases,
    "quantize_f16_e4m3": quantize_f16_e4m3_cases,
    "quantize_f16_i8_inliers": quantize_f16_i8_inliers_cases,
    "find_outliers_f16": find_outliers_f16_cases,
    "list_outliers_f16": list_outliers_f16_cases,
    "gather_f16": gather_f16_cases,
    "gather_i8_f16": gather_i8_f16_cases,
    "dequantize_i32_add_f16": dequantize_i32_add_f16_cases,
    "quantize_f16_i8_sums": lambda program, rng: quantize_f16_i8_cases(program, rng, summed=True),
    "quantize_weights_f16_i8": quantize_weights_f16_i8_cases,
    "quantize_weights_f16_i4": quantize_weights_f16_i4_cases,
    "dequantize_i8_f16": dequantize_i8_f16_cases,
    "dequantize_i4_f16": dequantize_i4_f16_cases,
    "dequantize_i32_f16": dequantize_i32_f16_cases,
    "rms_norm_f16": rms_norm_f16_cases,
    "swiglu_f16": swiglu_f16_cases,
    "residual_add_f16": residual_add_f16_cases,
    "expand_heads_f16": expand_heads_f16_cases,
    "probe_dot4": probe_dot4_cases,
    "probe_lanes": probe_lanes_cases,
    "probe_half2": probe_half2_cases,
    "probe_matrix_unit": probe_matrix_unit_cases,
    "probe_timer": probe_timer_cases,
    "empty_launch": empty_launch_cases,
}
CASES |= {f"dequantize_{code}_f16": dequantize_cases(make) for code, make in FORMATS.items()}
CASES |= {operation: functools.partial(cases, make=(Case, Out)) for operation, cases in (attention.ROWS | tokens.ROWS).items()}
CASES |= {make.__name__: ceiling_cases(make) for make in ceilings.ROWS}
