"""weights as a process: what it lists of small models, and files that it must refuse, cut, spoilt or of another kind."""
import json
import os
import resource
import shutil
import unittest

from support import SOURCE, ProgramTest

DATA = SOURCE / "tests/data/weights"


class Weights(ProgramTest):
    def printed(self, *arguments):
        done = self.run_program("weights", *arguments)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(done.stderr, "")
        return done.stdout

    def refused(self, *arguments, texts=(), listed=False, **options):
        done = self.run_program("weights", *arguments, **options)
        self.assertEqual(done.returncode, 2, done.stderr)
        self.assertEqual(bool(done.stdout), listed, done.stdout)
        self.assertEqual(len(done.stderr.splitlines()), 1, done.stderr)
        self.assertTrue(done.stderr.startswith("qtrap: error: "), done.stderr)
        for text in texts:
            self.assertIn(text, done.stderr)
        return done.stdout

    def test_tensors_totals_and_the_model_are_listed(self):
        text = self.printed(DATA / "llama.gguf")
        lines = [line.split() for line in text.splitlines()]
        self.assertIn(["blk.0.attn_q.weight", "Q4_K", "32", "×", "256", "4608", "q4_k"], lines)
        self.assertIn(["output_norm.weight", "F32", "256", "1024", "f16", "(dequantized)"], lines)
        self.assertIn(["Q8_0", "2", "14336", "15232"], lines)
        self.assertIn("gguf version 3, 56832 bytes, 12 tensors", text)
        self.assertIn("model llama: llama, hidden 256, ffn 32, layers 1, heads 4, kv_heads 1, head_dim 8, vocab 24, tied embeddings\n", text)
        self.assertIn("rotary base 500000, pairs interleaved, frequencies divided by a tensor", text)
        self.assertIn("decoder: every tensor that it needs is there, in its shape\n", text)

    def test_json_says_the_same(self):
        listing = json.loads(self.printed(DATA / "qwen2", "--json"))
        self.assertEqual(listing["schema"], "qtrap.weights")
        self.assertEqual(len(listing["tensors"]), 27)
        self.assertEqual({one["use"] for one in listing["tensors"]}, {"dequantized"})
        self.assertEqual(listing["totals"], [{"type": "F32", "tensors": 27, "elements": 3984, "bytes": 15936}])
        decoder = listing["decoder"]
        self.assertEqual([decoder[key] for key in ("architecture", "layers", "head_dim", "qkv_bias", "qk_norm", "tied_embeddings")],
                         ["qwen2", 2, 4, True, False, False])
        self.assertIsNone(listing["fault"])
        sizes = {one["file"]: os.path.getsize(one["file"]) for one in listing["tensors"]}
        self.assertEqual(len(sizes), 2)
        self.assertEqual(listing["bytes"], sum(sizes.values()))

    def test_the_shape_is_written_as_a_model_profile(self):
        self.printed(DATA / "qwen3", "--out", "shape.json")
        shape = json.loads((self.folder / "shape.json").read_text())
        self.assertEqual([shape[key] for key in ("name", "hidden", "layers", "heads", "kv_heads", "head_dim", "vocab", "tied_embeddings")],
                         ["qwen3", 16, 2, 4, 2, 6, 12, True])
        done = self.run_program("check", "shape.json")
        self.assertEqual((done.returncode, done.stdout), (0, "shape.json: ok, model qwen3\n"), done.stderr)
        self.refused(DATA / "qwen3", "--out", "shape.json", texts=["output file exists"])
        done = self.run_program("weights", DATA / "qwen3", "--out", "-")
        self.assertEqual(json.loads(done.stdout), shape)
        self.assertIn("model qwen3: qwen3, hidden 16", done.stderr)

    def test_a_text_is_told_in_tokens(self):
        text = self.write("text.txt", "a<s>ab abc\n")
        tokens = ["a", "b", "Ġ", "ab", "Ġab", "<s>", "Ċ"]
        folder = self.folder / "qwen3"
        shutil.copytree(DATA / "qwen3", folder)
        tokenizer = {"added_tokens": [{"id": 5, "content": "<s>", "special": True}], "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": False},
                     "model": {"type": "BPE", "vocab": {one: i for i, one in enumerate(tokens) if i != 5}, "merges": ["a b", "Ġ ab"]}}
        (folder / "tokenizer.json").write_text(json.dumps(tokenizer))
        printed = self.printed(folder, "--text", text)
        self.assertIn("tokenizer: 7 tokens, 2 merges, 1 added tokens\n", printed)
        self.assertTrue(printed.endswith("text.txt: 11 bytes, 5 tokens, 5 of them distinct; first 0 5 3 4 6\n"), printed)
        listing = json.loads(self.printed(folder, "--text", text, "--json"))["text"]
        self.assertEqual([listing[key] for key in ("bytes", "tokens", "distinct_tokens", "first_tokens", "vocabulary", "merges", "added_tokens")],
                         [11, 5, 5, [0, 5, 3, 4, 6], 7, 2, 1])
        self.assertIsNone(json.loads(self.printed(folder, "--json"))["text"])
        many = self.write("many.txt", "ab" * 40)
        self.assertEqual(json.loads(self.printed(folder, "--text", many, "--json"))["text"]["first_tokens"], [3] * 16)
        self.refused(folder, "--text", "nowhere.txt", texts=["nowhere.txt", "no such file"])
        self.refused(DATA / "qwen3", "--text", text, texts=["tokenizer.json", "there is no tokenizer beside the weights"])
        self.refused(DATA / "llama.gguf", "--text", text, texts=["a key of the tokenizer is missing (tokenizer.ggml.pre)"])

    def test_a_model_that_cannot_run_is_listed_and_an_error(self):
        folder = self.folder / "qwen3"
        shutil.copytree(DATA / "qwen3", folder)
        config = json.loads((folder / "config.json").read_text())
        for changes, text in (({"num_hidden_layers": 3}, "is missing (model.layers.2.input_layernorm.weight)"),
                              ({"intermediate_size": 21}, "has another shape than the decoder's ([20, 16])"),
                              ({"architectures": ["BertModel"]}, "no decoder of this program (BertModel)"),
                              ({"hidden_act": "gelu"}, "config.hidden_act asks for what the decoder does not compute (gelu)")):
            (folder / "config.json").write_text(json.dumps(config | changes))
            self.refused("qwen3", texts=[text], listed=True)
            self.assertIn(text, json.loads(self.refused("qwen3", "--json", listed=True))["fault"])
        (folder / "config.json").unlink()
        self.refused("qwen3", texts=["nothing says what the model is: put its config.json beside it"], listed=True)

    def test_files_of_another_kind_are_refused(self):
        os.mkfifo(self.folder / "pipe")
        cases = [("nowhere.gguf", "no such file"), ("pipe", "must be a regular file"), (".", "folder holds no weights"),
                 (self.write("empty.gguf", b""), "weights file is empty"), ("tiny.json", "no `weight_map`"),
                 (SOURCE / "README.md", "file is neither GGUF nor safetensors"), ("", "empty value"),
                 (self.write("pointer.safetensors", "version https://git-lfs.github.com/spec/v1\n"), "a pointer of Git LFS"),
                 (self.write("a.gguf", b"GGUF\1\0\0\0" + bytes(16)), "unknown version of GGUF (1)")]
        for name, text in cases:
            self.refused(name, texts=[text])
        self.refused(texts=["file is required"])

    def test_a_model_cut_anywhere_is_refused(self):
        whole = (DATA / "llama.gguf").read_bytes()
        for length in (4, 20, 100, 1000, 30000, len(whole) - 32):
            self.refused(self.write("cut.gguf", whole[:length]), texts=["cut.gguf"])

    def test_claims_of_a_file_take_no_memory(self):
        head = b'{"a":{"dtype":"F32","shape":[268435456],"data_offsets":[0,1073741824]}}'
        huge = self.write("huge.safetensors", len(head).to_bytes(8, "little") + head)
        with open(huge, "r+b") as file:
            file.truncate(8 + len(head) + (1 << 30))  # a hole of a GiB
        limit = 100 << 20

        def limit_data():
            resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))

        for name in (huge, self.write("claims.gguf", b"GGUF\3\0\0\0" + b"\xff" * 16 + bytes(64))):
            done = self.run_program("weights", name, preexec_fn=limit_data)
            self.assertEqual(done.returncode, 2, done.stderr)
            self.assertNotIn("memory", done.stderr)


if __name__ == "__main__":
    unittest.main()
