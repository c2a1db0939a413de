"""What the arithmetic instructions of PTX compute, over numpy arrays of one value per item.

Source: "PTX ISA", chapter "Instruction Set", sections 9.7.1 (integer) to 9.7.9 (data movement and conversion).
semantics(opcode) gives (type of the result, types of the sources, function); an opcode that is not here raises Fault.
Not modelled: subnormal results of fma.rn.f32 may be rounded twice (no kernel has any); division, square root and
reciprocal are the correctly rounded ones (.rn), which a driver may replace where OpenCL allows it.
"""
import functools

import numpy as np

from parser import Fault

DTYPES = {"pred": np.bool_, "f16": np.float16, "f32": np.float32, "f64": np.float64}
for _bits in (8, 16, 32, 64):
    DTYPES |= {f"u{_bits}": np.dtype(f"u{_bits // 8}").type, f"b{_bits}": np.dtype(f"u{_bits // 8}").type,
               f"s{_bits}": np.dtype(f"i{_bits // 8}").type}
DTYPES["f16x2"] = np.uint32
INTEGERS = [f"{kind}{bits}" for kind in "us" for bits in (16, 32, 64)]


def bits_of(type_name):
    return 8 * np.dtype(DTYPES[type_name]).itemsize if type_name != "pred" else 1


def wider(type_name):
    return f"{type_name[0]}{2 * int(type_name[1:])}"


def fused(a, b, c, narrow):
    """a b + c rounded once to `narrow`. Products are exact in f64; a sum that f64 rounded onto the middle between two
    narrow values is rounded to odd instead, which keeps the side on which it lay (Boldo and Melquiond, 2008)."""
    product = a.astype(np.float64) * b.astype(np.float64)
    c = c.astype(np.float64)
    total = product + c
    spare = 53 - (np.finfo(narrow).nmant + 1)
    middle = np.uint64(1 << (spare - 1))
    if ((total.view(np.uint64) & np.uint64((1 << spare) - 1)) == middle).any():
        rest = total - product
        error = (product - (total - rest)) + (c - rest)
        bits = total.view(np.int64)
        step = np.where((error > 0) == (total > 0), 1, -1)
        total = np.where((error != 0) & (bits & 1 == 0) & np.isfinite(total), bits + step, bits).view(np.float64)
    return total.astype(narrow)


def halves(words):
    return np.ascontiguousarray(words).view(np.float16)


def on_halves(operation):
    """`operation` on each half of f16x2 words."""
    def run(*words):
        shape = np.broadcast_shapes(*(np.shape(word) for word in words))
        parts = [halves(np.broadcast_to(word, shape or (1,))) for word in words]
        return operation(*parts).view(np.uint32)
    return run


def extract_bits(signed, bits=32):
    def run(value, position, length):
        position, length = position & np.uint32(255), length & np.uint32(255)
        if (position + length > bits).any() or (length == 0).any():
            raise Fault("bfe beyond the word: not modelled")
        wide = value.astype(np.uint64) & np.uint64(2**bits - 1)
        field = (wide >> position.astype(np.uint64)) & ((np.uint64(1) << length.astype(np.uint64)) - np.uint64(1))
        if signed:
            sign = np.uint64(1) << (length.astype(np.uint64) - np.uint64(1))
            field = (field ^ sign) - sign
        return field.astype(f"u{bits // 8}").view(f"{'i' if signed else 'u'}{bits // 8}")
    return run


def insert_bits(value, into, position, length):
    length = np.minimum(length, np.uint32(32)).astype(np.uint64)
    mask = (((np.uint64(1) << length) - np.uint64(1)) << position.astype(np.uint64)) & np.uint64(0xFFFFFFFF)
    placed = (value.astype(np.uint64) << position.astype(np.uint64)) & mask
    return ((into.astype(np.uint64) & ~mask) | placed).astype(np.uint32)


def choose_bytes(low, high, selector):
    """prmt.b32 in its default mode: nibble i of the selector names byte i of the result, bit 3 repeats its sign."""
    both = low.astype(np.uint64) | high.astype(np.uint64) << np.uint64(32)
    result = np.uint32(0)
    for i in range(4):
        chosen = (selector >> np.uint32(4 * i)) & np.uint32(15)
        byte = (both >> (np.uint64(8) * (chosen & np.uint32(7)).astype(np.uint64))).astype(np.uint32) & np.uint32(255)
        byte = np.where(chosen & np.uint32(8), (byte >> np.uint32(7)) * np.uint32(255), byte)
        result = result | byte.astype(np.uint32) << np.uint32(8 * i)
    return result


def any_logic(a, b, c, table):
    """lop3.b32: bit (a << 2 | b << 1 | c) of the table."""
    result = np.uint32(0)
    for i in range(8):
        term = (a if i & 4 else ~a) & (b if i & 2 else ~b) & (c if i & 1 else ~c)
        result = result | np.where(table >> np.uint32(i) & np.uint32(1), term, np.uint32(0)).astype(np.uint32)
    return result


def dot_bytes(a, b, total):
    for i in range(4):
        shift = np.uint32(8 * i)
        total = total + (a >> shift).astype(np.int8).astype(np.int32) * (b >> shift).astype(np.int8).astype(np.int32)
    return total.astype(np.int32)


def count_ones(word):
    """popc.b32 (PTX ISA 9.7.1.14)."""
    return np.unpackbits(np.ascontiguousarray(word).view(np.uint8).reshape(-1, 4), axis=1).sum(axis=1).astype(np.uint32).reshape(word.shape)


def shift(operation, type_name):
    """A shift by the width or more gives 0, or the sign."""
    width, dtype = bits_of(type_name), DTYPES[type_name]

    def run(value, count):
        shifted = operation(value, np.minimum(count, np.uint32(width - 1)).astype(dtype))
        emptied = np.where(count >= width, dtype(0), shifted)
        return shifted if type_name[0] == "s" else emptied
    return run


def high_half(type_name):
    bits, big = bits_of(type_name), DTYPES[wider(type_name)]
    return lambda a, b: ((a.astype(big) * b.astype(big)) >> big(bits)).astype(DTYPES[type_name])


def to_integer(rounding, type_name):
    limits = np.iinfo(DTYPES[type_name])

    def run(value):
        whole = rounding(value.astype(np.float64))
        return np.nan_to_num(np.clip(whole, limits.min, limits.max)).astype(DTYPES[type_name])
    return run


def conversion(parts):
    """cvt, by the types of result and source and the rounding named."""
    *modifiers, result, source = parts
    to, of = DTYPES.get(result), DTYPES.get(source)
    if to is None or of is None:
        raise Fault(f"not understood: cvt.{'.'.join(parts)}")
    floats = result[0] == "f", source[0] == "f"
    rounding = {("rzi",): np.trunc, ("rni",): np.rint}.get(tuple(modifiers))
    if floats == (False, True) and rounding:
        return result, [source], to_integer(rounding, result)
    exact = floats == (False, False) or (floats == (True, True) and bits_of(result) > bits_of(source))
    if modifiers != ([] if exact else ["rn"]):
        raise Fault(f"not understood: cvt.{'.'.join(parts)}")
    return result, [source], lambda value: value.astype(to)


COMPARISONS = {"eq": np.equal, "ne": np.not_equal, "lt": np.less, "le": np.less_equal, "gt": np.greater,
               "ge": np.greater_equal}


def comparison(name, type_name):
    """setp: on floats a plain comparison is false with a NaN, one ending in u is true."""
    either = lambda a, b: np.isnan(a) | np.isnan(b)
    plain = COMPARISONS.get(name)
    if type_name[0] != "f" and plain:
        return plain
    of_floats = {"nan": either, "num": lambda a, b: ~either(a, b), "ne": lambda a, b: (a != b) & ~either(a, b)}
    of_floats |= {f"{key}u": lambda a, b, test=test: test(a, b) | either(a, b) for key, test in COMPARISONS.items()}
    chosen = of_floats.get(name, plain) if type_name[0] == "f" else None
    if chosen is None:
        raise Fault(f"not understood: setp.{name}.{type_name}")
    return chosen


def table_of_arithmetic():
    table = {}
    for t in INTEGERS:
        table |= {f"add.{t}": (t, [t] * 2, np.add), f"sub.{t}": (t, [t] * 2, np.subtract),
                  f"mul.lo.{t}": (t, [t] * 2, np.multiply), f"mad.lo.{t}": (t, [t] * 3, lambda a, b, c: a * b + c),
                  f"min.{t}": (t, [t] * 2, np.minimum), f"max.{t}": (t, [t] * 2, np.maximum),
                  f"neg.{t}": (t, [t], np.negative), f"abs.{t}": (t, [t], np.abs), f"shr.{t}": (t, [t, "u32"], shift(np.right_shift, t))}
        if t[0] == "u":
            table |= {f"div.{t}": (t, [t] * 2, np.floor_divide), f"rem.{t}": (t, [t] * 2, np.remainder)}
        if bits_of(t) < 64:
            big = DTYPES[wider(t)]
            table |= {f"mul.wide.{t}": (wider(t), [t] * 2, lambda a, b, big=big: a.astype(big) * b.astype(big)),
                      f"mad.wide.{t}": (wider(t), [t, t, wider(t)], lambda a, b, c, big=big: a.astype(big) * b.astype(big) + c),
                      f"mul.hi.{t}": (t, [t] * 2, high_half(t))}
    for t in ("b16", "b32", "b64", "pred"):
        table |= {f"and.{t}": (t, [t] * 2, np.bitwise_and), f"or.{t}": (t, [t] * 2, np.bitwise_or),
                  f"xor.{t}": (t, [t] * 2, np.bitwise_xor), f"not.{t}": (t, [t], np.invert)}
        if t != "pred":
            table[f"shl.{t}"] = (t, [t, "u32"], shift(np.left_shift, t))
    return table | table_of_floats() | {
        "bfe.u32": ("u32", ["u32"] * 3, extract_bits(False)), "bfe.u64": ("u64", ["u64", "u32", "u32"], extract_bits(False, 64)),
        "bfe.s32": ("s32", ["s32", "u32", "u32"], extract_bits(True)),
        "bfi.b32": ("b32", ["b32", "b32", "u32", "u32"], insert_bits), "prmt.b32": ("b32", ["b32"] * 3, choose_bytes),
        "lop3.b32": ("b32", ["b32"] * 4, any_logic), "popc.b32": ("u32", ["b32"], count_ones), "dp4a.s32.s32": ("s32", ["b32", "b32", "s32"], dot_bytes)}


def table_of_floats():
    table = {}
    for t in ("f32", "f16"):
        narrow = DTYPES[t]
        table |= {f"add.rn.{t}": (t, [t] * 2, np.add), f"sub.rn.{t}": (t, [t] * 2, np.subtract),
                  f"mul.rn.{t}": (t, [t] * 2, np.multiply), f"neg.{t}": (t, [t], np.negative), f"abs.{t}": (t, [t], np.abs),
                  f"min.{t}": (t, [t] * 2, np.fmin), f"max.{t}": (t, [t] * 2, np.fmax),
                  f"fma.rn.{t}": (t, [t] * 3, lambda a, b, c, narrow=narrow: fused(a, b, c, narrow))}
    table |= {"div.rn.f32": ("f32", ["f32"] * 2, np.divide), "sqrt.rn.f32": ("f32", ["f32"], np.sqrt),
              "rcp.rn.f32": ("f32", ["f32"], lambda a: np.float32(1) / a)}
    pair = "f16x2"
    return table | {f"fma.rn.{pair}": (pair, [pair] * 3, on_halves(lambda a, b, c: fused(a, b, c, np.float16))),
                    f"mul.rn.{pair}": (pair, [pair] * 2, on_halves(np.multiply)), f"add.rn.{pair}": (pair, [pair] * 2, on_halves(np.add))}


ARITHMETIC = table_of_arithmetic()


@functools.lru_cache(maxsize=None)
def semantics(opcode):
    """(type of the result, types of the sources, function of arrays of those types)."""
    if opcode in ARITHMETIC:
        return ARITHMETIC[opcode]
    name, *parts = opcode.split(".")
    if name == "cvt":
        return conversion(parts)
    if len(parts) == 1 and parts[0] in DTYPES:
        if name == "mov":
            return parts[0], [parts[0]], lambda value: value
        if name == "selp":
            return parts[0], [parts[0], parts[0], "pred"], lambda a, b, chosen: np.where(chosen, a, b)
    if name == "setp" and len(parts) == 2 and parts[1] in DTYPES:
        return "pred", [parts[1]] * 2, comparison(*parts)
    if name == "cvta" and parts in (["to", "global", "u64"], ["global", "u64"]):  # addresses are the same numbers in all spaces
        return "u64", ["u64"], lambda value: value
    raise Fault(f"not understood: {opcode}")
