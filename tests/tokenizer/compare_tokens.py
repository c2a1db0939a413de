"""compare_tokens.py TOKENIZER_IDS [MODEL-FOLDER [SEED]]: qtrap's tokens of the model of `tools/fetch-model smollm2-135m` against those of the
package tokenizers: of its text, of hostile texts (make_fixtures.py), of texts at random; and of its vocabulary under every split rule.

Run by hand with the packages of make_fixtures.py: cmake --build build/ci --target tokenizer_ids, then
/tmp/fixtures/bin/python tests/tokenizer/compare_tokens.py build/ci/tests/tokenizer/tokenizer_ids
"""
import os
import pathlib
import random
import subprocess
import sys
import tempfile
import time

import gguf
from make_fixtures import ADDED, HOSTILE, RULES, bytes_of, encode, make_tokenizer, write_gguf

FOLDER = pathlib.Path(os.environ.get("XDG_CACHE_HOME", pathlib.Path.home() / ".cache")) / "qtrap/models/smollm2-135m"
FIRST = 200_000  # tokens of the text that are told apart
RANDOM = 2_000  # texts at random
LONG = {"a million a": b"a" * 10**6, "a million spaces": b" " * 10**6, "a million spaces and a word": b" " * 10**6 + b"word",
        "half a million newlines": b" \n" * 500_000, "random letters": None}


def random_text(rng):
    """Characters of a few kinds, in runs, so that rules meet their edges."""
    kinds = [" ", "\n\r", "\t ", "abcdefgst", "SDLRVMT'", "0123456789", "'\u2019", "!?.-_=<>|^~$+", "äéßſKİ", "\u0301\u0308\u0323\u200d\ufe0f", "שלםעربي",
             "\u00a0\u0085\x0b\x0c\u2003\u3000", "一二三かなカナ", "😀👩🏽‍🚀", "½²Ⅻ٣४", "\0\x1c\x7f"]
    text = "".join("".join(rng.choices(rng.choice(kinds), k=rng.randint(1, 5))) for _ in range(rng.randint(1, 40)))
    data = text.encode()
    if rng.random() < 0.1:
        data = bytes(rng.choice([byte, rng.randrange(256)]) for byte in data)
    return data


class Comparison:
    def __init__(self, program, folder):
        self.program, self.folder, self.wrong = program, pathlib.Path(folder), 0

    def tokens(self, model, texts):
        paths = []
        for i, text in enumerate(texts):
            paths.append(self.folder / f"text{i}")
            paths[-1].write_bytes(text)
        done = subprocess.run([self.program, model, *paths], capture_output=True, text=True)
        if done.returncode:
            sys.exit(done.stderr)
        self.told = done.stderr
        return [[int(one) for one in line.split()] for line in done.stdout.splitlines()]

    def compare(self, title, model, tokenizer, texts):
        ours = self.tokens(model, texts.values())
        begin = time.monotonic()
        theirs = [encode(tokenizer, text) for text in texts.values()]
        seconds = time.monotonic() - begin
        equal = 0
        for name, mine, other in zip(texts, ours, theirs):
            equal += mine == other
            if mine != other:
                at = next((i for i, (a, b) in enumerate(zip(mine, other)) if a != b), min(len(mine), len(other)))
                print(f"  {title}, {name}: differs at token {at}: {mine[at:at + 5]}, tokenizers {other[at:at + 5]}", file=sys.stderr)
        self.wrong += len(texts) - equal
        print(f"{title}: {equal} of {len(texts)} texts equal, {sum(map(len, theirs))} tokens (tokenizers took {seconds:.2f} s)")
        return ours


def main():
    folder = pathlib.Path(sys.argv[2]) if len(sys.argv) > 2 else FOLDER
    model = next(folder.glob("*.gguf"))
    fields = gguf.GGUFReader(model).fields
    read = lambda key: fields[f"tokenizer.ggml.{key}"].contents()
    tokens, kinds = read("tokens"), read("token_type")
    merges = [tuple(one.split(" ")) for one in read("merges")]
    special = [token for token, kind in zip(tokens, kinds) if kind == gguf.TokenType.CONTROL]
    vocabulary = {token: i for i, token in enumerate(tokens)}
    wiki = b"".join(line for line in (folder / "wiki.utf8").read_bytes().splitlines(keepends=True) if not line.startswith(b"<doc"))
    rng = random.Random(int(sys.argv[3]) if len(sys.argv) > 3 else 1)
    hostile = {name: bytes_of(one) for name, one in HOSTILE.items()}
    chance = {f"random {i}": random_text(rng) for i in range(RANDOM)}
    long = {name: text or bytes(rng.choices(b"abcdefghijklmnopqrstuvwxyz", k=10**6)) for name, text in LONG.items()}
    with tempfile.TemporaryDirectory() as scratch:
        comparison = Comparison(sys.argv[1], scratch)
        tokenizer = make_tokenizer("smollm", vocabulary, merges, special, [])
        ours = comparison.compare("wiki.utf8", model, tokenizer, {"wiki.utf8": wiki})[0]
        print(comparison.told, end="")
        if len(ours) < FIRST or ours[:FIRST] != encode(tokenizer, wiki)[:FIRST]:
            sys.exit(f"error: the first {FIRST} tokens differ")
        print(f"the first {FIRST} tokens of wiki.utf8 are equal")
        comparison.compare("hostile", model, tokenizer, hostile)
        comparison.compare("random", model, tokenizer, chance)
        comparison.compare("long", model, tokenizer, long)
        print(comparison.told, end="")
        for rule in RULES:  # of this vocabulary, as if its file named another rule
            path = comparison.folder / "other.gguf"
            write_gguf(path, rule, tokens + ADDED, merges, special, ADDED)
            other = make_tokenizer(rule, vocabulary, merges, special, ADDED)
            comparison.compare(f"rule {rule}", path, other, {"wiki.utf8": wiki, **hostile, **chance, **long})
            path = comparison.folder / "tokenizer.json"
            other.save(str(path))
            comparison.compare(f"rule {rule}, tokenizer.json", path, other, {**hostile, **chance})
        if comparison.wrong:
            sys.exit(f"error: {comparison.wrong} texts differ")


if __name__ == "__main__":
    main()
