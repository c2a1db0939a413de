"""Cases of attention (kernels/attention): the launches of cases.py for rotate_store, attend and combine_heads."""
import functools

import numpy as np

import references as ref


def cached(tokens, run, kv_heads, dim, capacity, rng):
    return rng.standard_normal((capacity, tokens // run, kv_heads, dim)).astype(np.float16)


def widen(rows, beside, filling=np.nan):
    """Rows of a wider tensor, with as many other elements before and behind each."""
    return np.pad(rows, ((0, 0), (beside, beside)), constant_values=filling)


def quantized(x):
    """Codes of int8 and the scale of each head, which the last axis is."""
    scales = (np.abs(x.astype(np.float64)).max(axis=-1) / 127).astype(np.float32)
    return np.rint(x / scales[..., None]).astype(np.int8), scales


def shapes(program):
    """(kv heads, tokens, run, filled positions, splits): one token, a run, a second block of positions, empty parts."""
    return (1, 1, 1, 2, 1), (2, 2, 1, 6, 3), (1, 3, 3, 1, 8), (1, 1, 1, (program.define("WORK_GROUP") or 2) + 1, 1)


def rotate_store_cases(program, rng, make, coded=False):
    Case, Out = make
    for heads, kv_heads, dim, tokens, run, filled, interleaved, beside in ((2, 1, 8, 1, 1, 0, 0, 0), (3, 3, 6, 2, 1, 4, 1, 0), (4, 2, 66, 3, 3, 2, 0, 0),
                                                                           (4, 2, 8, 3, 1, 2, 0, 5)):
        capacity = filled + run + 1
        angle = rng.standard_normal((capacity, dim // 2))
        angles = np.stack([np.cos(angle), np.sin(angle)], axis=-1).astype(np.float32)
        q, k, v = (rng.standard_normal((tokens, n, dim)).astype(np.float16) for n in (heads, kv_heads, kv_heads))

        def turn(x):
            pairs = x.astype(np.float64).reshape(*x.shape[:2], *((dim // 2, 2) if interleaved else (2, dim // 2)))
            a, b = (pairs[..., 0], pairs[..., 1]) if interleaved else (pairs[:, :, 0], pairs[:, :, 1])
            at = angles[filled + np.arange(tokens) % run].astype(np.float64)[:, None]
            turned = a * at[..., 0] - b * at[..., 1], a * at[..., 1] + b * at[..., 0]
            return np.stack(turned, axis=-1 if interleaved else 2).reshape(x.shape)

        def stored(new):
            cache = np.full((capacity, tokens // run, kv_heads, dim), np.nan)
            for t in range(tokens):
                cache[filled + t % run, t // run] = new[t]
            return cache

        def store(new, bound):
            before = np.full((capacity, tokens // run, kv_heads, dim), 7, np.float16)
            wanted = np.where(np.isnan(stored(new)), 7.0, stored(new))
            return Out(wanted, bound=np.abs(wanted) * bound, initial=before, spared=True)

        def store_codes(new):
            """Codes half a scale off at most, and the scales."""
            exact = stored(new)
            scales = np.abs(exact).max(axis=-1) / 127
            wanted, old = exact / scales[..., None], np.isnan(scales)
            return (Out(np.where(np.isnan(wanted), 7.0, wanted), bound=np.full(wanted.shape, 0.501), initial=np.full(wanted.shape, 7, np.int8), spared=True),
                    Out(np.where(old, 7.0, scales), bound=np.where(old, 0.0, scales * 1e-5), initial=np.full(scales.shape, 7, np.float32), spared=True))

        rounding = 2.0**-10
        caches = [*store_codes(turn(k)), *store_codes(v.astype(np.float64))] if coded else [store(turn(k), rounding), store(v.astype(np.float64), 0.0)]
        rows = [widen(x.reshape(tokens, -1), beside) for x in (q, k, v)]
        yield Case([rows[0], Out(turn(q), bound=np.abs(turn(q)) * rounding + 2.0**-18), *rows[1:], angles, np.array([filled], np.uint32),
                    *caches, heads, kv_heads, dim, run, tokens, interleaved, beside, rows[0].shape[1], beside, beside, rows[1].shape[1]],
                   count=kv_heads, rows=heads, columns=dim, tokens=tokens, splits=1)


def attend_cases(program, rng, make, coded=False):
    Case, Out = make
    dim, repeat = program.define("HEAD_DIM"), program.define("REPEAT")
    for kv_heads, tokens, run, filled, splits in shapes(program):
        heads, capacity = kv_heads * repeat, filled + run + 1
        q = rng.standard_normal((tokens, heads, dim)).astype(np.float16)
        keys, values = (cached(tokens, run, kv_heads, dim, capacity, rng) for _ in range(2))
        keys[-2:] = 2 * q[0, 0]  # above all tops before
        caches = [keys, values]
        if coded:
            caches = [*quantized(keys), *quantized(values)]
            keys, values = (codes * scales.astype(np.float64)[..., None] for codes, scales in (caches[:2], caches[2:]))
        parts = np.zeros((tokens, splits, heads, dim + 2))
        parts[..., dim + 1] = -np.finfo(np.float32).max
        bound = np.full(parts.shape, 1e-30)
        for t in range(tokens):
            seen = filled + t % run + 1
            length = -(-seen // splits)
            for split in range(splits):
                span = slice(min(split * length, seen), min((split + 1) * length, seen))
                if span.start == span.stop:
                    continue
                for h in range(heads):
                    k, v = (x[span, t // run, h // repeat].astype(np.float64) for x in (keys, values))
                    scores = k @ q[t, h].astype(np.float64) / np.sqrt(dim)
                    weights = np.exp(scores - scores.max())
                    parts[t, split, h] = [*(weights @ v), weights.sum(), scores.max()]
                    bound[t, split, h] = [*(weights @ np.abs(v) * 1e-4 + 1e-6), weights.sum() * 1e-4, 1e-4]
        yield Case([q, *caches, np.array([filled], np.uint32), Out(parts.astype(np.float32), bound=bound, initial=np.zeros(parts.shape, np.float32)),
                    heads, run, tokens, splits], count=kv_heads, rows=heads, columns=dim, tokens=tokens, splits=splits)


def combine_heads_cases(program, rng, make):
    Case, Out = make
    dim = program.define("HEAD_DIM")
    for heads, tokens, splits in ((1, 1, 1), (2, 2, 3)):
        parts = rng.standard_normal((tokens, splits, heads, dim + 2)).astype(np.float32)
        parts[..., dim] = 1 + np.abs(parts[..., dim])
        if splits > 1:
            parts[0, -1, :, dim], parts[0, -1, :, dim + 1] = 0, -np.finfo(np.float32).max
            parts[0, -1, :, :dim] = 0
        exact = parts.astype(np.float64)
        weights = np.exp(exact[..., dim + 1] - exact[..., dim + 1].max(axis=1, keepdims=True))
        out = (weights[..., None] * exact[..., :dim]).sum(axis=1) / (weights * exact[..., dim]).sum(axis=1)[..., None]
        yield Case([parts, Out(out, ref.bound_of_sum(out, np.abs(out) + 4, splits)), heads, splits], count=1, rows=heads, columns=dim, tokens=tokens,
                   splits=splits)


ROWS = {"rotate_store_f16": rotate_store_cases, "rotate_store_i8": functools.partial(rotate_store_cases, coded=True), "attend_f16": attend_cases,
        "attend_i8": functools.partial(attend_cases, coded=True), "combine_heads_f16": combine_heads_cases}
