"""Cases between tokens and activations (kernels/token, kernels/residual/bias): the launches of cases.py for them."""
import numpy as np


def halves(rng, *shape):
    return rng.standard_normal(shape).astype(np.float16)


def add_bias_f16_cases(program, rng, make):
    Case, Out = make
    for tokens, width in ((1, 7), (3, 130)):
        x, bias = halves(rng, tokens, width), halves(rng, width)
        total = (x.astype(np.float32) + bias.astype(np.float32)).astype(np.float16)
        yield Case([Out(total, initial=x), bias, width], columns=width, tokens=tokens)


def embed_f16_cases(program, rng, make):
    Case, Out = make
    for tokens, width in ((1, 7), (3, 130)):
        table = rng.integers(0, 65536, (5, width)).astype(np.uint16)
        ids = np.array([4, 0, 2], np.uint32)[:tokens]
        yield Case([table, ids, Out(table[ids]), width], columns=width, tokens=tokens)


def choose_f16_cases(program, rng, make):
    """The first of equals, NaN beside a number, nothing but NaN, nothing but -infinity."""
    Case, Out = make
    vocab = 2 * (program.define("WORK_GROUP") or 4) + 3
    logits = halves(rng, 5, vocab)
    logits[0, [vocab // 2, vocab - 1]] = 60000
    logits[1, :-1] = np.nan
    logits[2] = np.nan
    logits[3] = -np.inf
    logits[4, vocab // 2 - 2] = 50000  # of the last item: it is handed on in every round
    chosen = np.array([vocab // 2, vocab - 1, 0, 0, int(logits[4].argmax())], np.uint32)
    for tokens, run in ((5, 5), (1, 1)):
        yield Case([logits[:tokens], Out(chosen[:tokens]), Out(np.array([7 + run], np.uint32), initial=np.array([7], np.uint32)), vocab,
                    tokens, run], columns=vocab, tokens=tokens)


ROWS = {"add_bias_f16": add_bias_f16_cases, "embed_f16": embed_f16_cases, "choose_f16": choose_f16_cases}
