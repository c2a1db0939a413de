"""Decoders as a process: `quality` on small models and token files, and a campaign from token to token."""
import csv
import hashlib
import io
import json
import random
import shutil
import unittest

from support import SOURCE, ProgramTest

MODELS = SOURCE / "tests/data/decoders"
CAMPAIGN = {"schema": "qtrap.campaign", "schema_version": "1.0", "name": "tokens", "description": "a small decoder",
            "models": ["model.json"], "schemes": ["f16", "w8a16-fused", "w4a16-split"], "batch": [2], "hops": [2], "tokens_per_hop": [3],
            "context_tokens": [0, 100], "prompt_tokens": [16], "min_trials": 2, "max_trials": 2, "max_seconds_per_point": 2, "max_seconds": 60, "sessions": 1,
            "group_size": 32, "probes": False, "phase_loops": False, "workload": "decoder"}


class Decoder(ProgramTest):
    def write_tokens(self, count=200):
        draw = random.Random(4)
        (self.folder / "ids.txt").write_text(" ".join(str(draw.randrange(128)) for _ in range(count)))
        return "ids.txt"

    def quality(self, *arguments, model="qwen3"):
        return self.run_program("quality", "--weights", MODELS / model, "--group-size", "32", *arguments)

    def test_losses_of_schemes_grow_with_their_coarseness(self):
        done = self.quality("--tokens", self.write_tokens(), "--windows", "4", "--window-tokens", "50", "--schemes",
                            "w8a16-fused,w4a16-fused,int2-fused", "--json", "--quiet")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(done.stderr, "")
        rows = json.loads(done.stdout)
        self.assertEqual([row["scheme"] for row in rows], ["f16", "w8a16-fused", "w4a16-fused", "int2-fused"])
        losses = [row["kl_nats_per_token"] for row in rows]
        self.assertEqual(losses[0], 0)
        self.assertEqual(losses, sorted(losses))
        for row in rows:
            self.assertEqual((row["predicted_tokens"], row["windows"]), (196, 4))
            self.assertGreater(row["perplexity"], 128, "random tokens are worse than a guess")
            self.assertLessEqual(row["kl_low"], row["kl_nats_per_token"])
            self.assertLessEqual(row["kl_nats_per_token"], row["kl_high"])
            self.assertLessEqual(row["top1_high"], 1)

    def test_the_table_says_how_it_was_obtained(self):
        done = self.quality("--tokens", self.write_tokens(), "--windows", "1", "--window-tokens", "20", "--schemes", "f16")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("qwen3, a window of 20 tokens, each scored on its own; anchor: the file's weights in f16.", done.stdout)
        self.assertIn("95 %, t over windows", done.stdout)
        self.assertNotIn("second time", done.stdout, "the file is not quantized")

    def test_every_scheme_is_evaluated_once_by_default(self):
        done = self.quality("--tokens", self.write_tokens(), "--windows", "1", "--window-tokens", "20", "--json", "--quiet", model="llama3")
        self.assertEqual(done.returncode, 0, done.stderr)
        schemes = [row["scheme"] for row in json.loads(done.stdout)]
        self.assertEqual(len(schemes), len(set(schemes)))
        self.assertIn("w8a8", schemes)
        self.assertFalse([scheme for scheme in schemes if scheme.endswith("-split")], "a split scheme computes what its fused one does")

    def test_what_cannot_be_evaluated_is_refused_in_a_line(self):
        ids = self.write_tokens()
        (self.folder / "high.txt").write_text("1 2 128")
        (self.folder / "none.txt").write_text(" \n")
        refused = [((), "quality needs weights and a text (quality): give --weights, and --text or --tokens"),
                   (("--tokens", ids, "--text", ids), "quality: `text` and `token_ids` exclude each other (ids.txt): give one of them"),
                   (("--tokens", ids, "--schemes", "w5"), "unknown scheme (w5): known are f16, "),
                   (("--tokens", ids, "--windows", "0"), "`windows` is out of range (0)"),
                   (("--tokens", ids, "--set-nothing"), "bad usage"),
                   (("smoke", "--tokens", ids), "is of another shape than qwen3-0.6b (hidden 64, not 1024): name its model, or the shape of the "
                    f"file itself: --set models={MODELS / 'qwen3'}"),
                   (("batch", "--tokens", ids, "--out", "no/such/folder/a.jsonl"), "another shape"),
                   (("--tokens", ids, "--windows", "1", "--window-tokens", "8", "--out", "no/such/folder/a.jsonl"), "no/such/folder"),
                   (("--tokens", ids, "--window-tokens", "256"), "the text has too few tokens for its windows (200 for 8 windows of 256)"),
                   (("--tokens", ids, "--window-tokens", "300"), "a window is longer than the model's context (300): give --window-tokens of at most 256"),
                   (("--tokens", "high.txt", "--windows", "1", "--window-tokens", "2"), "high.txt"),
                   (("--tokens", "none.txt", "--window-tokens", "9"), "none.txt"),
                   (("--tokens", "missing.txt", "--window-tokens", "9"), "missing.txt"),
                   (("--text", ids, "--window-tokens", "9"), "tokenizer")]
        for arguments, text in refused:
            done = self.quality(*arguments)
            self.assertEqual(done.returncode, 2, (arguments, done.stderr))
            self.assertEqual(len(done.stderr.splitlines()), 1, done.stderr)
            self.assertIn(text, done.stderr)
            self.assertEqual(done.stdout, "")

    def test_a_scheme_that_fails_costs_its_row_alone(self):
        shutil.copytree(SOURCE / "kernels", self.folder / "kernels")
        header = self.folder / "kernels/format/i2.clh"
        header.write_text(header.read_text() + "\nnonsense\n")
        done = self.quality("--tokens", self.write_tokens(), "--windows", "2", "--window-tokens", "20", "--schemes", "int2-fused,w8a16-fused",
                            "--kernel-dir", "kernels", "--json", "--quiet")
        self.assertEqual(done.returncode, 1, done.stderr)
        rows = {row["scheme"]: row for row in json.loads(done.stdout)}
        self.assertEqual(list(rows), ["f16", "int2-fused", "w8a16-fused"])
        self.assertIn("i2", rows["int2-fused"]["reason"])
        self.assertIsNone(rows["int2-fused"]["kl_nats_per_token"])
        self.assertGreater(rows["w8a16-fused"]["kl_nats_per_token"], 0)
        self.assertIsNone(rows["w8a16-fused"]["reason"])

    def read_records(self, name):
        return [json.loads(line) for line in (self.folder / name).read_text().splitlines()]

    def test_losses_are_records_of_a_result_file(self):
        arguments = ("--tokens", self.write_tokens(), "--windows", "3", "--window-tokens", "20", "--schemes", "w8a16-fused", "--quiet")
        done = self.quality(*arguments, "--out", "q.jsonl")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("KL [nat/token]", done.stdout)
        session, anchor, scheme, end = self.read_records("q.jsonl")
        self.assertEqual([session["record"], anchor["record"], scheme["record"], end["record"]], ["session", "quality", "quality", "end"])
        self.assertEqual(session["weights"], str(MODELS / "qwen3"))
        self.assertEqual(session["weights_sha256"], hashlib.sha256((MODELS / "qwen3/model.safetensors").read_bytes()).hexdigest())
        self.assertEqual(scheme["text_sha256"], hashlib.sha256((self.folder / "ids.txt").read_bytes()).hexdigest())
        self.assertEqual((anchor["kl_nats_per_token"], anchor["top1_agreement"]), (0, 1))
        self.assertEqual((scheme["scheme"], scheme["weight_format"], scheme["group_size"]), ("w8a16-fused", "int8", 32))
        self.assertEqual(len(scheme["window_kl"]), 3)
        self.assertIn("2 losses", self.run_program("check", "q.jsonl").stdout)
        table = list(csv.DictReader(io.StringIO(self.run_program("export", "q.jsonl", "--format", "csv", "--records", "quality").stdout)))
        self.assertEqual([row["scheme"] for row in table], ["f16", "w8a16-fused"])
        self.assertEqual(float(table[1]["kl_nats_per_token"]), scheme["kl_nats_per_token"])
        again = self.quality(*arguments, "--out", "q.jsonl")
        self.assertEqual(again.returncode, 2, "a file is not written over")

    def test_a_stream_takes_the_records_alone(self):
        done = self.quality("--tokens", self.write_tokens(), "--windows", "1", "--window-tokens", "20", "--schemes", "f16", "--quiet", "--out", "-")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual([json.loads(line)["record"] for line in done.stdout.splitlines()], ["session", "quality", "end"])
        self.assertIn("KL [nat/token]", done.stderr)

    def test_a_run_on_real_weights_measures_cost_and_loss(self):
        self.write_tokens()
        (self.folder / "tokens.json").write_text(json.dumps({**CAMPAIGN, "models": [str(MODELS / "qwen2")], "context_tokens": [8]}))
        real = ("--weights", MODELS / "qwen2", "--tokens", "ids.txt", "--windows", "2", "--window-tokens", "40")
        done = self.run_program("run", "tokens.json", *real, "--out", "a.jsonl", "--quiet")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertRegex(done.stdout, r"scheme +KL \[nat/token\] +top-1 +cost +vs f16 +front")
        self.assertRegex(done.stdout, r"f16 +0 +1.000 +time +1 +yes")
        records = self.read_records("a.jsonl")
        kinds = [one["record"] for one in records]
        self.assertEqual(kinds[-10:], ["quality"] * 3 + ["point"] * 6 + ["end"])
        self.assertTrue(all(one["status"] == "ok" for one in records if one["record"] in ("quality", "point")))
        self.assertEqual(self.run_program("check", "a.jsonl").returncode, 0)
        # What was lost of the losses is evaluated by --resume, and a file that changed is refused.
        lines = (self.folder / "a.jsonl").read_text().splitlines(keepends=True)
        (self.folder / "cut.jsonl").write_text("".join(lines[:-8]))
        done = self.run_program("run", "--resume", "cut.jsonl", "--quiet")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual([one["record"] for one in self.read_records("cut.jsonl")], kinds)
        self.assertEqual((self.folder / "cut.jsonl").read_text().splitlines()[-9], lines[-9].rstrip("\n"), "the same loss")
        (self.folder / "other.jsonl").write_text("".join(lines[:-8]).replace(records[0]["weights_sha256"], "0" * 64))
        done = self.run_program("run", "--resume", "other.jsonl", "--quiet")
        self.assertEqual(done.returncode, 2)
        self.assertIn("was measured with other weights", done.stderr)

    def test_what_a_run_needs_of_weights_is_said_in_a_line(self):
        ids = self.write_tokens()
        weights = MODELS / "qwen2"
        refused = [(("smoke", "--text", ids), "smoke: a loss needs a model's `weights` (ids.txt): give --weights too"),
                   (("smoke", "--weights", weights), "is of another shape than qwen3-0.6b (hidden 64, not 1024)"),
                   (("scale", "--weights", weights), "scale: `weights` are those of one model (7 models): name the one with --set models=NAME"),
                   (("smoke", "--weights", "none.gguf"), "none.gguf"),
                   (("smoke", "--weights", weights, "--set", f"models={weights}", "--tokens", ids, "--windows", "9", "--window-tokens", "50"), "too few tokens for its windows")]
        for arguments, text in refused:
            done = self.run_program("run", *arguments, "--dry-run")
            self.assertEqual(done.returncode, 2, (arguments, done.stderr))
            self.assertEqual(len(done.stderr.splitlines()), 1, done.stderr)
            self.assertIn(text, done.stderr)

    def test_a_text_without_a_tokenizer_names_the_way_on(self):
        (self.folder / "a.txt").write_text("some words " * 100)
        for command in (("quality", "--window-tokens", "16"), ("weights",)):
            weights = (MODELS / "qwen2",) if command[0] == "weights" else ("--weights", MODELS / "qwen2")
            done = self.run_program(*command, *weights, "--text", "a.txt")
            self.assertEqual(done.returncode, 2)
            self.assertEqual(len(done.stderr.splitlines()), 1, done.stderr)
            self.assertIn("there is no tokenizer beside the weights", done.stderr)
            self.assertIn("--tokens", done.stderr)

    def test_caches_of_int8_are_schemes_of_their_own(self):
        text, records = self.run_campaign(kv=["f16", "int8"], schemes=["f16", "w8a16-fused"], context_tokens=[100])
        points = {(one["phase"], one["scheme"]): one for one in records if one["record"] == "point"}
        names = ["f16", "f16-kv8", "w8a16-fused", "w8a16-fused-kv8"]
        self.assertEqual(list(points), [(phase, name) for phase in ("decode", "prefill") for name in names])
        self.assertEqual({point["status"] for point in points.values()}, {"ok"}, text)
        self.assertEqual([points["decode", name]["kv_format"] for name in names], ["f16", "int8"] * 2)
        # 6 steps read 101 to 106 positions and write one: 2 layers, keys and values of one head of 16, 2 sequences; a code an element, 4 bytes a head.
        positions = sum(range(101, 107)) + 6
        self.assertEqual(points["decode", "f16"]["bytes"] - points["decode", "f16-kv8"]["bytes"], 2 * 2 * 2 * (2 * 16 - (16 + 4)) * positions)
        self.assertEqual(self.run_program("check", "a.jsonl").returncode, 0)

    def run_campaign(self, **changes):
        shape = self.run_program("weights", MODELS / "qwen2", "--out", "model.json")
        self.assertEqual(shape.returncode, 0, shape.stderr)
        (self.folder / "tokens.json").write_text(json.dumps({**CAMPAIGN, **changes}))
        done = self.run_program("run", "tokens.json", "--out", "a.jsonl", "--quiet")
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout, [json.loads(line) for line in (self.folder / "a.jsonl").read_text().splitlines()]

    def test_a_campaign_measures_the_context(self):
        text, records = self.run_campaign()
        self.assertRegex(text, r"H×T +C +scheme")
        self.assertEqual(self.run_program("check", "a.jsonl").returncode, 0)
        points = [one for one in records if one["record"] == "point" and one["phase"] == "decode"]
        self.assertEqual(len(points), 6)
        for point in points:
            self.assertEqual((point["workload"], point["status"]), ("decoder", "ok"), point)
        # 2 layers of keys and values, f16, 2 sequences, 1 head of 16: 6 steps read 100 positions more each.
        by = {(point["context_tokens"], point["scheme"]): point["bytes"] for point in points}
        for scheme in CAMPAIGN["schemes"]:
            self.assertEqual(by[100, scheme] - by[0, scheme], 2 * 2 * 2 * 2 * 16 * 6 * 100, scheme)
        for trial in (one for one in records if one["record"] == "trial" and one["mode"] == "profiled"):
            self.assertEqual(trial["events"], trial["launches"])
            self.assertGreater(trial["phase_attention_s"], 0)
            self.assertGreater(trial["phase_head_s"], 0)
        # A prompt is one step of 16 tokens, and the head multiplies the last of each of 2 sequences alone.
        self.assertRegex(text, r"1×16, prefill +0 +f16")
        prompts = [one for one in records if one["record"] == "point" and one["phase"] == "prefill"]
        self.assertEqual([one["point_id"] for one in prompts], [f"model.json/b2/h1/t16/c0/prefill/{scheme}" for scheme in CAMPAIGN["schemes"]])
        macs = {point["scheme"]: point["macs"] for point in points}
        head = 128 * 64
        for prompt in prompts:
            self.assertEqual((prompt["workload"], prompt["status"], prompt["hops"], prompt["tokens_per_hop"]), ("decoder", "ok", 1, 16), prompt)
            self.assertEqual((prompt["head_format"], prompt["kv_format"]), ("f16", "f16"))
            self.assertAlmostEqual(prompt["time_per_token_s"], prompt["time_s"] / 32)
            self.assertEqual(prompt["macs"], 32 * (macs[prompt["scheme"]] // 12 - head) + 2 * head)
            self.assertLess(prompt["launches"], min(point["launches"] for point in points if point["scheme"] == prompt["scheme"]) / 4)


if __name__ == "__main__":
    unittest.main()
