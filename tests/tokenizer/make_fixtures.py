"""Writes tests/data/tokenizer: small byte-pair vocabularies as GGUF and tokenizer.json, and what the package tokenizers makes of texts.

Run by hand: python3 -m venv /tmp/fixtures && /tmp/fixtures/bin/pip install tokenizers==0.23.3 gguf==0.19.0, then
/tmp/fixtures/bin/python tests/tokenizer/make_fixtures.py. The same packages give the same files.
"""
import importlib.metadata
import json
import pathlib

import gguf
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

FOLDER = pathlib.Path(__file__).resolve().parents[1] / "data/tokenizer"
VOCABULARY = 600
SPECIAL = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
ADDED = ["<think>", "<thinking>", "  <br>"]
UNREACHABLE = "Ġzebra"  # a token that no merge makes

GPT2 = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
LLAMA3 = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
QWEN2 = LLAMA3.replace(r"\p{N}{1,3}", r"\p{N}")


def isolated(*expressions):
    return [pre_tokenizers.Split(Regex(one), "isolated") for one in expressions]


def byte_level(use_regex=False):
    return pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=use_regex)


# A rule by GGUF's name: what cuts the text, normal form, whether a whole word is looked up first, bytes without a token.
FEWER = [0x0B, 0x7F, 0xC0, 0xC1, *range(0xF5, 0x100)]
RULES = {
    "smollm": ([pre_tokenizers.Digits(individual_digits=True), byte_level(True)], False, False, FEWER),
    "gpt-2": ([byte_level(True)], False, False, FEWER),
    "default": ([*isolated(r"[\p{P}\$\+<=>\^~\|]+", GPT2, r"\p{N}+", r"[0-9][0-9][0-9]"), byte_level()], False, False, []),
    "llama-bpe": ([*isolated(LLAMA3), byte_level()], False, True, []),
    "qwen2": ([*isolated(QWEN2), byte_level()], True, False, []),
}

# Texts on which tokenizers differ: bytes by name, or (bytes, times).
HOSTILE = {
    "empty": b"",
    "one space": b" ",
    "only spaces": (b" ", 77),
    "only tabs": (b"\t", 9),
    "spaces before a word": b"   word    words \t tab \t\ttabs  ",
    "spaces, tabs and newlines": b" \t\n \r\n\n\n\t\t x\n  \n y \r z\n\n   \n",
    "white space of Unicode": "a\u00a0b\u2003c\u3000d\u2028e\u2029f\u0085g\x0bh\x0ci\u1680j\u200bk\ufeffl\x1cm\x1fn".encode(),
    "emoji joined by ZWJ": "👩‍👩‍👧‍👦 👩🏽‍🚀🏳️‍🌈 ❤️‍🔥 🇩🇪🇫🇷 1️⃣".encode(),
    "combining marks": "e\u0301 o\u0308\u0304 q\u0307\u0323 q\u0323\u0307 Z\u0351\u036b\u0343a\u030a\u0325l\u0321go".encode(),
    "what composes": "A\u030angstro\u0308m \u212b \u1100\u1161\u11a8 \u0958 \u2126 caf\u00e9 cafe\u0301 \ufb01".encode(),
    "marks alone": "\u0301\u0301 \u0308a \u0300".encode(),
    "right to left": "שלום, עולם! مرحبا بالعالم ١٢٣ \u202eabc\u202c (אבג)".encode(),
    "contractions": b"I'm you're he's she'd we'll they've don't 'tis 's 't'd",
    "contractions in capitals": b"I'M YOU'RE HE'S SHE'D WE'LL THEY'VE DON'T 'TIS 'S'Ll'lL'Ve'rE",
    "a long s": "it'ſ and 'Kelvin'ſs 'ſ".encode(),
    "curly quotes": "don’t ‘quote’ “that”".encode(),
    "digits": b"0 12 123 1234 12345678901234567890 1.5 1e-9 v2 3rd x86_64",
    "digits of others": "٠١٢٣ ४२ Ⅻ ½ ² ① 一二三 𝟘𝟙 ൰".encode(),
    "punctuation": b"!?... --- (a)[b]{c} <d> a/b\\c @user #tag $5 ^~|`+= ;:,.'\"''\"\"",
    "punctuation and newlines": b"a.\nb!\r\n\r\nc;;\n\n d",
    "NUL": b"a\0b\0\0 \0",
    "controls": bytes(range(1, 32)) + b"\x7f",
    "all bytes": bytes(range(256)),
    "invalid UTF-8": b"a\x80b\xc3(\xff\xfe\xe2\x82c\xf0\x9f\x98d\xc0\xaf\xed\xa0\x80e\xf4\x90\x80\x80\xf8\x88\x80\x80\x80",
    "cut UTF-8": "Ende €".encode()[:-1],
    "Latin-1": "Grüße aus Köln".encode("latin-1"),
    "beyond the BMP": "𝒳 𐍈 \U0010ffff \U000e0041 𠜎".encode(),
    "private and unassigned": "\ue000 \U000f0000 \u0378 \ufffe \uffff".encode(),
    "special tokens": b"<|im_start|>user\nhi<|im_end|><|endoftext|> <|im_start|>",
    "special tokens cut": b"<|im_start |im_end|> <|im_end|",
    "added tokens, the longest": b"<think><thinking><thinkin> a<think>b  <br>   <br>",
    "a word of no merge": b"zebra zebra ZEBRA  zebra zebras\tzebra",
    "case": "iİıI ßẞ ǅ K Å".encode(),
    "CJK and Thai": "我能吞下玻璃。日本語テキスト、한국어 ภาษาไทย".encode(),
    "a long word": (b"a", 3000),
    "a long word of two": (b"ab", 1500),
    "a long run of marks": ("e\u0301".encode(), 300),
    "code": b"if (x<=10&&y!=0){\n\treturn a[i]->b;  // 100%\n}\n\n\n#include <a.h>\r\n",
    "URL": b"https://www.example.org/a-b_c?d=1&e=%20f#g",
}
PLAIN = ["special tokens", "special tokens cut", "added tokens, the longest"]  # also encoded with special tokens as text


def bytes_of(case):
    return case[0] * case[1] if isinstance(case, tuple) else case


def make_tokenizer(rule, vocabulary, merges, special, added):
    """`special` and `added` are texts; those that the vocabulary lacks follow it."""
    parts, nfc, whole, _ = RULES[rule]
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=merges, ignore_merges=whole))
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(parts)
    tokenizer.decoder = decoders.ByteLevel()
    if nfc:
        tokenizer.normalizer = normalizers.NFC()
    tokenizer.add_special_tokens([AddedToken(one, special=True, normalized=False) for one in special])
    tokenizer.add_tokens([AddedToken(one, special=False, normalized=False) for one in added])
    return tokenizer


def train(rule, texts):
    """Vocabulary and merges."""
    parts, nfc, whole, missing = RULES[rule]
    alphabet = {chr(one) for one in [*range(33, 127), *range(161, 173), *range(174, 256)]}
    spelling = {byte: chr(byte) for byte in range(256) if chr(byte) in alphabet}
    spelling |= {byte: chr(256 + i) for i, byte in enumerate(byte for byte in range(256) if byte not in spelling)}
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(parts)
    if nfc:
        tokenizer.normalizer = normalizers.NFC()
    letters = sorted(spelling[byte] for byte in range(256) if byte not in missing)
    trainer = trainers.BpeTrainer(vocab_size=VOCABULARY - whole, show_progress=False, initial_alphabet=letters,
                                  limit_alphabet=len(letters), special_tokens=SPECIAL)
    tokenizer.train_from_iterator(texts, trainer)
    model = json.loads(tokenizer.to_str())["model"]
    if whole:
        assert UNREACHABLE not in model["vocab"]
        model["vocab"][UNREACHABLE] = len(model["vocab"])
    return model["vocab"], [tuple(one) for one in model["merges"]]


def write_gguf(path, rule, tokens, merges, special, added):
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre(rule)
    writer.add_token_list(tokens)
    kinds = gguf.TokenType
    writer.add_token_types([kinds.CONTROL if one in special else kinds.USER_DEFINED if one in added else kinds.NORMAL for one in tokens])
    writer.add_token_merges([f"{left} {right}" for left, right in merges])
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_add_bos_token(rule == "llama-bpe")
    writer.add_add_space_prefix(False)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.close()


def write_json(path, tokenizer, old=False):
    top = json.loads(tokenizer.to_str())
    if old:  # as versions before 0.20 write it, and the oldest without the model's type
        top["model"]["merges"] = [" ".join(one) for one in top["model"]["merges"]]
        del top["model"]["type"], top["model"]["ignore_merges"]
    path.write_text(json.dumps(top, ensure_ascii=False) + "\n")


def encode(tokenizer, data):
    return tokenizer.encode(data.decode(errors="replace"), add_special_tokens=False).ids


def encode_plain(tokenizer, data):
    tokenizer.encode_special_tokens = True
    ids = encode(tokenizer, data)
    tokenizer.encode_special_tokens = False
    return ids


def main():
    FOLDER.mkdir(parents=True, exist_ok=True)
    text = (FOLDER / "text.txt").read_bytes()
    cases = {**HOSTILE, "text.txt": text}
    expected = {"made_by": {name: importlib.metadata.version(name) for name in ("tokenizers", "gguf")},
                "cases": [{"name": name, "hex": (one[0] if isinstance(one, tuple) else one).hex(), "times": one[1] if isinstance(one, tuple) else 1}
                          for name, one in cases.items()],
                "tokens": {}, "plain": {}}
    training = [text.decode(), *(bytes_of(one).decode(errors="replace") for name, one in HOSTILE.items() if name != "a word of no merge")]

    def expect(name, tokenizer):
        expected["tokens"][name] = [encode(tokenizer, bytes_of(one)) for one in cases.values()]
        expected["plain"][name] = {case: encode_plain(tokenizer, bytes_of(cases[case])) for case in PLAIN}

    for rule in RULES:
        vocabulary, merges = train(rule, training)
        tokenizer = make_tokenizer(rule, vocabulary, merges, SPECIAL, ADDED)
        tokens = [tokenizer.id_to_token(i) for i in range(1 + max(tokenizer.get_vocab().values()))]
        write_gguf(FOLDER / f"{rule}.gguf", rule, tokens, merges, SPECIAL, ADDED)
        expect(f"{rule}.gguf", tokenizer)
        if rule == "default":
            continue
        if rule == "qwen2":  # found in the normalized text, itself normalized
            tokenizer.add_tokens([AddedToken("cafe\u0301", special=False, normalized=True)])
        write_json(FOLDER / f"{rule}.json", tokenizer, old=rule == "smollm")
        expect(f"{rule}.json", tokenizer)
    (FOLDER / "expected.json").write_text(json.dumps(expected, separators=(",", ":")).replace('{"name"', '\n{"name"').replace("],[", "],\n[") + "\n")


if __name__ == "__main__":
    main()
