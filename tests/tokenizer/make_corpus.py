"""Writes the seeds of the fuzz target of tokenizers: tests/fuzz/corpus/tokenizer. Python's standard library alone."""
import json
import pathlib
import struct
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "weights"))
from make_corpus import count, gguf, pair, text

FOLDER = pathlib.Path(__file__).resolve().parents[1] / "fuzz/corpus/tokenizer"
TOKENS = ["a", "b", "Ġ", "ab", "Ġab", "1", "'", "S", "Ċ", "Ì", "ģ", "Ìģ", "aa", "aaaa", "<s>", "<s", ""]
KINDS = [1] * 14 + [3, 4, 5]
MERGES = [("a", "b"), ("Ġ", "ab"), ("Ì", "ģ"), ("a", "a"), ("aa", "aa")]
LLAMA3 = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"


def texts(key, values):
    return pair(key, 9, struct.pack("<IQ", 8, len(values)) + b"".join(map(text, values)))


def model(rule, kind="gpt2", tokens=TOKENS, more=()):
    at = "tokenizer.ggml."
    return gguf([pair(at + "model", 8, text(kind)), pair(at + "pre", 8, text(rule)), texts(at + "tokens", tokens),
                 pair(at + "token_type", 9, struct.pack(f"<IQ{len(tokens)}i", 5, len(tokens), *(KINDS + [1] * len(tokens))[:len(tokens)])),
                 texts(at + "merges", [" ".join(one) for one in MERGES]), count(at + "bos_token_id", 14), *more], [])


def whole_json(pre, normalizer=None, merges=None, added=(), **more):
    vocabulary = {token: i for i, token in enumerate(TOKENS) if token and KINDS[i] == 1}
    top = {"added_tokens": [{"id": 14, "content": "<s>", "special": True}, *added], "normalizer": normalizer, "pre_tokenizer": pre,
           "model": {"type": "BPE", "vocab": vocabulary, "merges": merges or MERGES, **more}}
    return json.dumps(top, ensure_ascii=False).encode()


def level(split=True):
    return {"type": "ByteLevel", "add_prefix_space": False, "use_regex": split}


def sequence(*parts):
    return {"type": "Sequence", "pretokenizers": parts}


SPLIT = {"type": "Split", "pattern": {"Regex": LLAMA3}, "behavior": "Isolated", "invert": False}
BYTES = [chr(one) for one in [*range(33, 127), *range(161, 173), *range(174, 256), *range(256, 324)]]
SEEDS = {
    "gguf": model("gpt-2"),
    "gguf_smollm": model("smollm", more=[pair("tokenizer.ggml.add_bos_token", 7, b"\1")]),
    "gguf_llama3": model("llama-bpe"),
    "gguf_qwen2": model("qwen2"),
    "gguf_default": model("default"),
    "gguf_lossless": model("gpt-2", tokens=TOKENS + [one for one in BYTES if one not in TOKENS]),
    "gguf_another_kind": model("default", "llama"),
    "gguf_cut": model("gpt-2")[:-60],
    "json": whole_json(level()),
    "json_digits": whole_json(sequence({"type": "Digits", "individual_digits": True}, level())),
    "json_llama3": whole_json(sequence(SPLIT, level(False)), ignore_merges=True),
    "json_nfc": whole_json(level(), {"type": "Sequence", "normalizers": [{"type": "NFC"}]}, added=[{"id": 15, "content": "e\u0301"}]),
    "json_old": whole_json(level(), merges=[" ".join(one) for one in MERGES]),
    "json_unknown": whole_json(level(), unk_token="a", fuse_unk=True),
    "json_huge_id": whole_json(level(), added=[{"id": 1048575, "content": "x"}]),
    "tokens": b"0 1 2\n99\t100",
}

if __name__ == "__main__":
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, content in SEEDS.items():
        (FOLDER / name).write_bytes(content)
