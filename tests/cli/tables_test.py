"""import, fit and compare as a process: published tables from end to end, and every kind of input that is bad, small or odd."""
import csv
import hashlib
import json
import math
import re
import statistics
import unittest

from support import SOURCE, ProgramTest

TABLES = SOURCE / "tests" / "data" / "imports"
MAP = {
    "schema": "qtrap.import", "name": "m", "description": "made for a test", "source": "nowhere", "licence": "CC0",
    "models": {"small": "qwen3-0.6b", "large": "qwen3-4b"},
    "schemes": {"f16": {"scheme": "f16", "path": "none", "weight_bits": 16, "activation_bits": 16},
                "w4": {"scheme": "w4a16-split", "path": "split", "weight_bits": 4, "activation_bits": 16}},
    "series": [{"session": "s", "device": {"column": "gpu"}, "model": {"column": "model"}, "scheme": {"column": "scheme"},
                "time": {"column": "ms", "unit": "ms/step"}, "energy": {"column": "mj", "unit": "mJ/token"}}],
}
HEADER = "gpu,model,scheme,ms,mj\n"
ANCHORED = HEADER + "G,small,f16,10,900\nG,small,w4,12,1100\nG,large,f16,40,4000\nG,large,w4,35,3600\n"


class TableTest(ProgramTest):
    def imported(self, table, name="r.jsonl", changes=None):
        """A result file made of a table's text."""
        self.write("map.json", {**MAP, **(changes or {})})
        self.write("t.csv", table)
        done = self.run_program("import", "t.csv", "--map", "map.json", "--out", name)
        self.assertEqual(done.returncode, 0, done.stderr)
        return name

    def published(self, name):
        out = f"{name}.jsonl"
        done = self.run_program("import", TABLES / f"{name}.csv", "--map", name, "--out", out)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(self.run_program("check", out).returncode, 0)
        done = self.run_program("fit", out, "--out", "fit.json")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("leave-one-out error", done.stdout)
        self.assertEqual(self.run_program("check", "fit.json").returncode, 0)
        fit = json.loads((self.folder / "fit.json").read_text())
        for one in fit["scaling"]:
            if one["quantity"] == "energy" and one["scheme"] != "f16":
                self.assertLess(one["ratio_loo_mape"], 0.5, one)  # present, and no nonsense
        return fit

    def rejected(self, *arguments, texts=(), code=2):
        before = self.listing()
        done = self.run_program(*arguments)
        self.assertEqual(done.returncode, code, done.stderr)
        self.assertEqual(done.stdout, "")
        lines = done.stderr.splitlines()
        self.assertEqual(len(lines), 1, done.stderr)
        self.assertTrue(lines[0].startswith("qtrap: error: "), lines[0])
        for text in texts:
            self.assertIn(text, lines[0])
        self.assertEqual(self.listing(), before, "nothing is written")

    def printed(self, *arguments):
        done = self.run_program(*arguments)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertNotIn("nan", done.stdout)
        return done.stdout


class Tables(TableTest):
    def test_every_file_that_the_program_writes_is_checked(self):
        self.published("a800_summary")
        for name, command in (("compare.json", ["compare", "a800_summary.jsonl", "--json"]), ("plan.json", ["plan", "quick", "--json"])):
            (self.folder / name).write_text(self.printed(*command))
        for name, kind in (("a800_summary.jsonl", "result"), ("fit.json", "fit"), ("compare.json", "compare"), ("plan.json", "plan"),
                           (SOURCE / "profiles/imports/a800_summary.json", "import map"), (SOURCE / "profiles/campaigns/quick.json", "campaign"),
                           (SOURCE / "profiles/models/qwen3-0.6b.json", "model")):
            self.assertIn(f"{name}: ok, {kind} ", self.printed("check", name))
        changes = {
            "fit.json": [("verdict_map", 0, "ratio", -1, "verdict_map[0]: `ratio` is out of range"),
                         ("verdict_map", 0, "verdict", "trap", "verdict_map[0]: `verdict` decides without two sessions"),
                         ("scaling", 0, "quantity", "power", "`scaling[0].quantity` is not in its closed list (power): use time, energy"),
                         ("critical_scale", 0, "device", None, "`critical_scale[0].device` has the wrong type (null): give a text in quotes")],
            "compare.json": [("points", 0, "subject", 9, "points[0]: `subject` and `label` name no subject"),
                             ("subjects", 0, "origin", "guessed", "`subjects[0].origin` is not in its closed list (guessed)")],
            "plan.json": [("forecasts", 0, "half_width_log", -0.1, "forecasts[0]: `half_width_log` is out of range")],
        }
        for name, cases in changes.items():
            for key, index, inner, value, text in cases:
                bad = json.loads((self.folder / name).read_text())
                bad[key][index][inner] = value
                self.write("bad.json", bad)
                self.rejected("check", "bad.json", texts=["bad.json: " + text])

    def test_the_later_stack_of_the_rtx_5090_crosses_between_one_and_three_billion_by_layers(self):
        fit = self.published("rtx5090_bnb_2026-09-20")
        star = [one for one in fit["critical_scale"] if one["scheme"] == "nf4-fused" and one["quantity"] == "energy"]
        self.assertEqual([one["status"] for one in star], ["found"])
        self.assertTrue(0.9e9 < star[0]["n_star"] < 3e9, star)
        self.assertTrue(star[0]["low"] < star[0]["n_star"] < star[0]["high"], star)
        self.assertEqual(star[0]["interval_basis"], "sessions")
        step = [one for one in fit["scaling"] if one["scheme"] == "nf4-fused" and one["quantity"] == "time"][0]
        self.assertGreater(step["layer_share"], 0.9)
        self.assertTrue(step["per_layer"]["identified"])

    def test_fp8_weight_only_costs_by_parameter_and_never_crosses(self):
        fit = self.published("rtx5090_fp8_torchao_2026-09-20")
        for one in fit["critical_scale"]:
            if one["scheme"] == "fp8-weight-only":
                self.assertEqual(one["status"], "trapped_everywhere")
        steps = [one for one in fit["scaling"] if one["scheme"] == "fp8-weight-only"]
        self.assertEqual(len(steps), 2)
        for one in steps:
            self.assertTrue(one["per_param"]["identified"])
            self.assertGreater(one["per_param"]["low"], 0)

    def test_the_earlier_tables_import_and_fit(self):
        fit = self.published("a800_summary")
        self.assertEqual(fit["devices"], ["A800-SXM4-80GB"])
        self.assertEqual(fit["paper_view_summary"]["sign_disagreements"], 2)  # NF4 at 7B and 9B: slower, yet less energy
        (self.folder / "fit.json").unlink()
        fit = self.published("quant_energy_measured")
        self.assertEqual(len(fit["devices"]), 5)
        self.assertEqual(fit["time"]["status"], "no_data")

    def test_one_point_one_scheme_no_anchor_and_mixed_devices_are_told(self):
        rows = ANCHORED.splitlines(keepends=True)
        one = self.imported(HEADER + rows[1], "one.jsonl")
        self.assertIn("Costs of time: none", self.printed("fit", one))
        scheme = self.imported(HEADER + rows[1] + rows[3], "scheme.jsonl")
        self.assertIn("Costs of time: none", self.printed("fit", scheme))
        self.rejected("compare", scheme, texts=["scheme.jsonl has no ratio to f16"])
        bare = self.imported(HEADER + rows[2] + rows[4], "bare.jsonl")
        text = self.printed("fit", bare)
        self.assertNotIn("Ratios to the f16", text)
        self.assertNotIn("N*", text)
        mixed = self.imported(ANCHORED + ANCHORED.replace("G,", "H,").replace(HEADER, ""), "mixed.jsonl")
        self.assertIn("more than one device: costs belong to a device, fit each alone", self.printed("fit", mixed))
        self.assertIn("workload decoder", self.printed("compare", mixed))

    def test_prefill_is_told_from_decode_in_every_output_and_costs_the_reader_of_decode_nothing(self):
        rows = "".join(f"G,{model},{scheme},{ms},900,{b},{phase}\n" for model in ("small", "large") for b in (2, 8)
                       for phase, scheme, ms in (("decode", "f16", 10), ("decode", "w4", 12), ("prefill", "f16", 50), ("prefill", "w4", 40)))
        series = {**MAP["series"][0], "batch": {"column": "b"}, "phase": {"column": "phase"}}
        header = HEADER.replace("\n", ",b,phase\n")
        both = self.imported(header + rows, "both.jsonl", {"series": [series]})
        self.assertIn("both.jsonl: ok", self.printed("check", both))
        texts = [self.printed(command, both) for command in ("fit", "compare")]
        for text in texts:
            self.assertRegex(text, r"1×1, prefill .*0\.80 ")
            self.assertRegex(text, r"1×1  .*1\.20 ")
        found = json.loads(self.printed("compare", both, "--json"))["points"]
        self.assertEqual({(one["phase"], one["batch"], round(one["time"]["ratio"], 9)) for one in found},
                         {("decode", 2, 1.2), ("decode", 8, 1.2), ("prefill", 2, 0.8), ("prefill", 8, 0.8)})
        csv = self.printed("export", both, "--format", "csv").splitlines()
        place = csv[0].split(",").index("phase")
        self.assertEqual([line.split(",")[place] for line in csv[1:]].count("prefill"), 8)
        self.assertIn('"phase" TEXT', self.printed("export", both, "--format", "sql"))
        decode = self.imported(header + "".join(row + "\n" for row in rows.splitlines() if "decode" in row), "decode.jsonl", {"series": [series]})
        bare = {key: value for key, value in series.items() if key != "phase"}
        without = self.imported(HEADER.replace("\n", ",b\n") + "".join(row.removesuffix(",decode") + "\n" for row in rows.splitlines() if "decode" in row),
                                "without.jsonl", {"series": [bare]})
        self.assertIn("| phase |", self.printed("export", both, "--format", "md"))
        for command in (["fit"], ["compare"], ["export", "--format", "md"]):
            text = self.printed(*command, decode)
            self.assertNotRegex(text, r"decode\b|prefill|phase \|")
            self.assertEqual(text, self.printed(*command, without))

    def test_an_anchor_of_another_table_gives_values_without_interval_and_verdict(self):
        rows = ANCHORED.splitlines(keepends=True)
        self.write("map.json", MAP)
        self.write("t.csv", HEADER + rows[2] + rows[4])
        self.write("a.csv", HEADER + rows[1] + rows[3])
        done = self.run_program("import", "t.csv", "--map", "map.json", "--anchor", "a.csv", "--out", "r.jsonl")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("m/s/G: f16 of qwen3-0.6b, B 1; qwen3-4b, B 1 is from a.csv: ratios there are unpaired", done.stderr)
        self.assertIn("r.jsonl: ok", self.printed("check", "r.jsonl"))
        session = self.records(self.folder / "r.jsonl")[0]
        self.assertEqual(session["environment"]["import_anchor_table_sha256"], hashlib.sha256((self.folder / "a.csv").read_bytes()).hexdigest())
        for command in ("fit", "compare"):
            text = self.printed(command, "r.jsonl")
            self.assertRegex(text, r"1\.20 +\(?.*unpaired: f16 of another table")
            self.assertNotRegex(text, r"between|\[0|\[1")
            self.assertRegex(text, "not identified .*its ratios are unpaired: f16 was published in another table")
        for one in json.loads(self.printed("compare", "r.jsonl", "--json"))["points"]:
            self.assertEqual((one["time"]["interval_basis"], one["time"]["low"], one["time"]["verdict"]), ("unpaired", None, "undecided"))
        text = self.printed("fit", "r.jsonl")
        self.assertIn("Ratios to the f16 anchor of another table (unpaired: values without interval and verdict), by model", text)
        self.assertNotIn("of the same session", text)
        text = self.printed("fit", self.imported(ANCHORED, "whole.jsonl"))
        self.assertIn("between", text)  # what pairs of the same values say
        self.assertIn("Ratios to the f16 anchor of the same session, by model", text)
        self.write("half.csv", HEADER + rows[1] + rows[2] + rows[4])
        done = self.run_program("import", "half.csv", "--map", "map.json", "--anchor", "a.csv", "--out", "half.jsonl")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("Ratios to the f16 anchor of the same session, those marked unpaired to that of another table, by model",
                      self.printed("fit", "half.jsonl"))

    def test_an_anchor_that_cannot_serve_is_told_in_one_line(self):
        rows = ANCHORED.splitlines(keepends=True)
        self.write("map.json", MAP)
        self.write("t.csv", HEADER + rows[2] + rows[4])
        self.write("a.csv", HEADER + rows[2])
        self.write("b.csv", HEADER + rows[1].replace("G,", "GPU,"))
        command = ("import", "t.csv", "--map", "map.json", "--out", "r.jsonl")
        self.rejected(*command, "--anchor", "a.csv", texts=["a.csv holds no row of f16 (m): name its text in the map's `schemes`"])
        self.rejected(*command, "--anchor", "b.csv", texts=["b.csv: no f16 row is of a cell of t.csv (qwen3-0.6b, B 1 on GPU (did you mean device `G`?))"])
        self.rejected(*command, "--anchor", "c.csv", texts=["file cannot be read (c.csv): no such file"])
        self.rejected(*command, "--anchor-map", "map.json", texts=["--anchor"])

    def test_import_fit_and_export_give_one_verdict_over_the_sessions_of_a_table(self):
        rows = [f"G,small,{scheme},{ms},{mj},{day}\n" for day in (1, 2, 3)
                for scheme, ms, mj in (("f16", 10 + 0.1 * day, 900 + day), ("w4", 12 + 0.1 * day, 1100))]
        series = {**MAP["series"][0], "session": {"column": "day"}, "idle_power_w": {"constant": 20}}
        name = self.imported(HEADER.replace("\n", ",day\n") + "".join(rows), changes={"series": [series]})
        self.assertEqual(self.run_program("check", name).returncode, 0)
        points = [json.loads(line) for line in (self.folder / name).read_text().splitlines()]
        pooled = [one for one in points if one["record"] == "point" and one["sessions"] == 3 and one["scheme"] != "f16"]
        self.assertEqual([one["verdict_time"] for one in pooled], ["trap"])
        self.run_program("fit", name, "--out", "fit.json")
        fit = json.loads((self.folder / "fit.json").read_text())
        judged = {one["quantity"]: one for one in fit["verdict_map"]}
        for quantity in ("time", "energy"):
            self.assertEqual(judged[quantity]["verdict"], pooled[0][f"verdict_{quantity}"])
            self.assertAlmostEqual(judged[quantity]["low"], pooled[0][f"{quantity}_ratio_low"], 12)
        self.assertIn(",trap,trap,", self.printed("export", name, "--format", "csv"))
        net = fit["net_energy_ratios"][0]
        compared = json.loads(self.printed("compare", name, "--json"))["points"][0]["energy_net"]
        for other in (net, compared):
            self.assertAlmostEqual(other["ratio"], pooled[0]["energy_net_ratio"], 12)
            self.assertAlmostEqual(other["high"], pooled[0]["energy_net_ratio_high"], 12)
        self.assertGreater(net["ratio"], judged["energy"]["ratio"])
        self.assertIn("The same of net energy", self.printed("fit", name))
        self.assertIn("net energy vs f16", self.printed("compare", name))

    def test_a_published_spread_is_printed_with_its_own_basis_and_decides_nothing(self):
        series = {**MAP["series"][0], "trials": {"constant": 5},
                  "time": {"column": "ms", "unit": "ms/step", "spread": {"sd": "sd"}}}
        table = HEADER.replace("\n", ",sd\n") + "G,small,f16,10,900,0.1\nG,small,w4,12,1100,0.1\n"
        text = self.printed("fit", self.imported(table, changes={"series": [series]}))
        self.assertRegex(text, r"1\.20 \[1\.\d+, 1\.\d+\] undecided \(one session, published spread\)")

    def test_accuracy_and_weights_are_the_users(self):
        good = self.imported(ANCHORED)
        self.write("accuracy.csv", "model,scheme,accuracy\nqwen3-4b,f16,0.8\nqwen3-4b,w4a16-split,0.4\n")
        # qwen3-4b: w4 is faster and frugal by 40 / 35 and 4000 / 3600, and half as accurate: not dominated either way
        text = self.printed("fit", good, "--accuracy", "accuracy.csv", "--weight", "accuracy=1")
        self.assertIn("qwen3-4b/b1/imported: f16 (1.00), w4a16-split (0.50)", text)
        self.assertIn("qwen3-0.6b/b1/imported: f16\n", text)  # w4 is worse in both; no accuracy, so no index
        self.assertIn("qwen3-4b/b1/imported: w4a16-split\n", self.printed("fit", good))
        self.write("accuracy.csv", "model,scheme,accuracy\nqwen3-4b,f16,NaN\n")
        self.rejected("fit", good, "--accuracy", "accuracy.csv", texts=["accuracy.csv line 2", "NaN"])
        self.write("accuracy.csv", "model,accuracy\nqwen3-4b,1\n")
        self.rejected("fit", good, "--accuracy", "accuracy.csv", texts=["model,accuracy", "write model,scheme,accuracy"])

    def test_what_does_not_belong_together_is_refused_by_name(self):
        decoder = self.imported(ANCHORED, "decoder.jsonl")
        other = self.imported(ANCHORED, "projections.jsonl", {"name": "n", "workload": "projections"})
        self.rejected("fit", decoder, other, texts=["one device comes with different workloads", "G: decoder, projections"])
        self.rejected("compare", decoder, other, texts=["projections.jsonl cannot be compared with decoder.jsonl: other workload"])
        self.rejected("compare", decoder, decoder, texts=["a session that was given before", "m/s/G"])
        newer = (self.folder / decoder).read_text()
        newer = re.sub(r'"schema_version":"1\.\d+","origin"', '"schema_version":"2.0","origin"', newer)
        self.write("newer.jsonl", newer)
        self.rejected("compare", decoder, "newer.jsonl", texts=["newer.jsonl line 1", "2.0"])

    def test_broken_result_files_give_one_line(self):
        good = (self.folder / self.imported(ANCHORED)).read_text()
        cases = {
            "empty": ("", ["no complete session record"]),
            "a table": (ANCHORED, ["not valid JSON"]),
            "NaN": (good.replace('"time_s":0.01,', '"time_s":NaN,'), ["line 2", "not valid JSON"]),
            "text for a number": (good.replace('"time_s":0.01,', '"time_s":"10 ms",'), ["line 2", "time_s", "10 ms"]),
            "cut inside the session": (good[:200], ["no complete session record"]),
            "not UTF-8": (good.encode().replace(b"qwen3-4b", b"qwen3-\xff\xfe"), ["UTF-8"]),
        }
        for name, (content, texts) in cases.items():
            with self.subTest(name):
                self.write("bad.jsonl", content)
                self.rejected("fit", "bad.jsonl", texts=["bad.jsonl", *texts])
                self.rejected("compare", "bad.jsonl", texts=["bad.jsonl", *texts])
        self.write("cut.jsonl", good[:-1500])  # inside a point: what is whole is used
        self.assertIn("1 sessions on G", self.printed("fit", "cut.jsonl"))

    def test_a_hundred_megabytes_are_read_or_refused(self):
        good = self.imported(ANCHORED)
        session = (self.folder / good).read_text().splitlines(keepends=True)[0]
        self.write("torn.jsonl", session + "x" * 100_000_000)
        self.rejected("fit", "torn.jsonl", texts=["no measured window"])
        self.write("line.jsonl", session + "{" + '"a":1,' * 16_000_000 + '"record":"trial"}\n')
        self.rejected("fit", "line.jsonl", texts=["line.jsonl line 2"])
        self.write("big.csv", HEADER + "G,small,f16,10,900\n" * 6_000_000)
        self.rejected("import", "big.csv", "--map", "map.json", "--out", "x.jsonl", texts=["file is too large", "big.csv"])

    def test_bad_tables_and_maps_give_one_line(self):
        self.write("map.json", MAP)
        self.write("bad_map.json", {**MAP, "licence": 7})
        cases = {
            "empty table": ("", ["t.csv holds no row"]),
            "header alone": (HEADER, ["t.csv holds no row"]),
            "truncated row": (ANCHORED[:-9], ["t.csv line 5", "number of cells"]),
            "NaN": (ANCHORED.replace("1100", "NaN"), ["t.csv line 3", "`mj` is not a finite number", "NaN"]),
            "mixed units": (ANCHORED.replace("1100", "1.1 J"), ["t.csv line 3", "1.1 J"]),
            "decimal comma": (ANCHORED.replace("1100", '"1100,5"'), ["t.csv line 3", "1100,5"]),
            "unknown model": (ANCHORED.replace("large", "huge"), ["t.csv line 4", "huge"]),
            "not UTF-8": (ANCHORED.encode().replace(b"large", b"\xff"), ["UTF-8"]),
        }
        for name, (content, texts) in cases.items():
            with self.subTest(name):
                self.write("t.csv", content)
                self.rejected("import", "t.csv", "--map", "map.json", "--out", "x.jsonl", texts=texts)
        self.write("t.csv", ANCHORED)
        self.rejected("import", "t.csv", "--map", "bad_map.json", "--out", "x.jsonl", texts=["bad_map.json", "licence"])
        self.rejected("import", "t.csv", "--map", "nothing", "--out", "x.jsonl", texts=["unknown import map", "a800_summary"])
        self.rejected("import", "missing.csv", "--map", "map.json", "--out", "x.jsonl", texts=["missing.csv", "no such file"])
        self.rejected("import", "t.csv", "--map", "map.json", "--out", "no/x.jsonl", texts=["no/x.jsonl"])
        self.rejected("import", "t.csv", "--map", "map.json", "--out", "t.csv", texts=["output file exists"])
        self.rejected("import", "t.csv", "--map", "map.json", texts=["--out"])
        self.rejected("fit", self.imported(ANCHORED), "--weight", "speed=1", texts=["speed=1"])
        self.rejected("fit", "r.jsonl", "--tdp", "0", texts=["--tdp"])

    def test_a_comma_locale_changes_nothing(self):
        before = (self.folder / self.imported(ANCHORED, "before.jsonl")).read_text()
        german = {"LC_ALL": "de_DE.UTF-8", "LC_NUMERIC": "de_DE.UTF-8", "TZ": "Asia/Kathmandu"}
        done = self.run_program("import", "t.csv", "--map", "map.json", "--out", "after.jsonl", environment=german)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual((self.folder / "after.jsonl").read_text(), before.replace("before.jsonl", "after.jsonl"))
        for command in (["fit", "before.jsonl"], ["compare", "before.jsonl"], ["compare", "before.jsonl", "--json"]):
            here = self.run_program(*command)
            there = self.run_program(*command, environment=german)
            self.assertEqual((here.returncode, here.stdout), (0, there.stdout))


class DeviceBalance(TableTest):
    """The device law of the published table, beside a plain search over the same cells that shares nothing with the program."""
    NAME = "opencl_software_cast_fluidx3d"
    CPU = re.compile("EPYC|Xeon|Threadripper|Ryzen|Athlon|FX-|Core |Celeron| CPU")

    def ratios(self):
        """(log flop/byte, log time ratio of the software cast to fp32, mark of the vendor) of the GPUs."""
        with open(TABLES / f"{self.NAME}.csv", encoding="utf-8") as file:
            return [(math.log(1000 * float(row["fp32_tflops"]) / float(row["bw_gb_s"])),
                     math.log(float(row["mlups_fp32"]) / float(row["mlups_fp16c"])), row["device"][0])
                    for row in csv.DictReader(file) if not self.CPU.search(row["device"])]

    @staticmethod
    def search(devices):
        """(error, log floor, log knee) of the best of knees 0.01 apart."""
        best = (math.inf, 0, 0)
        for step in range(50, 480):
            knee = step / 100
            levels = [ratio - max(0, knee - balance) for balance, ratio, _ in devices]
            floor = statistics.median(levels)
            best = min(best, (sum(abs(level - floor) for level in levels), floor, knee))
        return best

    @staticmethod
    def ranks(values):
        order = sorted(values)
        return [order.index(value) + (order.count(value) + 1) / 2 for value in values]

    def fit(self):
        done = self.run_program("import", TABLES / f"{self.NAME}.csv", "--map", self.NAME, "--out", "r.jsonl")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("834 points of 278 sessions", done.stdout + done.stderr)
        self.assertIn("r.jsonl: ok", self.printed("check", "r.jsonl"))
        text = self.printed("fit", "r.jsonl")
        self.run_program("fit", "r.jsonl", "--out", "fit.json")
        self.assertIn("fit.json: ok", self.printed("check", "fit.json"))
        laws = json.loads((self.folder / "fit.json").read_text())["device_balance"]
        return text, {(one["device_type"], one["scheme"], one["reference"]): one for one in laws}

    def test_the_published_table_gives_the_law_that_a_plain_search_finds(self):
        text, laws = self.fit()
        law = laws["gpu", "f16-software-cast", "f32"]
        devices = self.ratios()
        self.assertEqual((law["devices"], law["vendors"], law["basis"]), (len(devices), 6, "nominal"))
        error, floor, knee = self.search(devices)
        self.assertEqual(law["status"], "found")
        self.assertAlmostEqual(math.log(law["floor_ratio"]), floor, delta=0.01)
        self.assertAlmostEqual(math.log(law["threshold"]), floor + knee, delta=0.02)
        self.assertLess(law["high"] / law["low"], 1.5)
        spearman = statistics.correlation(*(self.ranks([one[i] for one in devices]) for i in (0, 1)))
        self.assertAlmostEqual(law["rank_correlation"], spearman, 9)
        sums = [0, 0]
        for vendor in {one[2] for one in devices}:
            own = [one for one in devices if one[2] == vendor]
            others = [one for one in devices if one[2] != vendor]
            _, floor, knee = self.search(others)
            median = statistics.median(ratio for _, ratio, _ in others)
            sums[0] += sum(abs(ratio - floor - max(0, knee - balance)) for balance, ratio, _ in own)
            sums[1] += sum(abs(ratio - median) for _, ratio, _ in own)
        self.assertAlmostEqual(law["law_error"], sums[0] / len(devices), delta=0.003)
        self.assertAlmostEqual(law["constant_error"], sums[1] / len(devices), 9)
        self.assertRegex(text, r"f16-software-cast over f32, fluidx3d-d3q19, B 1, 1×1: 218 devices \(gpu\) of 6 vendors")
        self.assertRegex(text, r"Costs more below [\d.]+ \[[\d.]+, [\d.]+\] flop/byte")
        self.assertIn("278 sessions on 278 devices", text)

    def test_no_law_is_claimed_where_the_table_bears_none(self):
        text, laws = self.fit()
        for scheme, reference in (("f16-software-cast", "f32"), ("f16-software-cast", "f16"), ("f16", "f32")):
            cpu = laws["cpu", scheme, reference]
            self.assertEqual((cpu["devices"], cpu["status"], cpu["floor_ratio"]), (60, "not_identified", None))
            self.assertIsNotNone(cpu["reason"])
        self.assertIn("too few devices are short of operations", laws["cpu", "f16-software-cast", "f32"]["reason"])
        self.assertGreater(laws["cpu", "f16-software-cast", "f32"]["median_ratio_low"], 1)
        self.assertEqual(laws["gpu", "f16", "f32"]["status"], "not_identified")
        self.assertLess(laws["gpu", "f16", "f32"]["median_ratio_high"], 0.6)
        self.assertIn("No law: ", text)
        self.assertEqual(len(laws), 6)

    def test_a_users_own_table_needs_a_map_alone(self):
        """Ratio max(0.6, 20 / x) to fp32 on 24 devices of two vendors, x from 4 to 96."""
        lines = ["gpu,tflops,gb_s,runs_fp32,runs_half,runs_int8"]
        for i in range(24):
            balance = 4 * 24 ** (i / 23)
            lines.append(f"{('GeForce', 'Radeon')[i % 2]} {i},{balance / 10},100,1000,1900,{1000 / max(0.6, 20 / balance)}")
        self.write("t.csv", "\n".join(lines) + "\n")
        readme = (SOURCE / "profiles" / "imports" / "README.md").read_text()
        self.write("map.json", re.search(r"```json\n(.*?)```", readme, re.S).group(1))
        done = self.run_program("import", "t.csv", "--map", "map.json", "--out", "r.jsonl")
        self.assertEqual(done.returncode, 0, done.stderr)
        text = self.printed("fit", "r.jsonl")
        self.assertRegex(text, r"Costs more below 20 \[20, 20\] flop/byte; ratio the larger of 0.6 \[0.6, 0.6\] and 20 \[20, 20\]")
        self.write("t.csv", "\n".join(lines[:8]) + "\n")
        self.run_program("import", "t.csv", "--map", "map.json", "--out", "few.jsonl")
        self.assertIn("no law, for at most 7 devices share a cell; it needs 10", self.printed("fit", "few.jsonl"))
        self.write("t.csv", "\n".join([*lines[:8], "GeForce 8,0,100,1,1,1"]) + "\n")
        self.rejected("import", "t.csv", "--map", "map.json", "--out", "x.jsonl", texts=["t.csv line 9", "`tflops` is not above 0"])


class Plan(ProgramTest):
    def plan(self, *arguments, code=0):
        done = self.run_program("plan", *arguments)
        self.assertEqual(done.returncode, code, done.stderr)
        return done

    def test_says_from_which_number_of_sessions_on_an_effect_is_seen(self):
        text = self.plan("tiny-campaign.json").stdout
        self.assertIn("2 cells of 6 schemes beside f16, 2 sessions", text)
        self.assertIn("give result files of your machine", text)
        told = json.loads(self.plan("tiny-campaign.json", "--json", "--ratio", "1.1").stdout)
        self.assertEqual(told["spread_source"], "reference")
        detectable = {row["sessions"]: row["detectable"] for row in told["forecasts"]}
        self.assertLessEqual(detectable[told["sessions_needed"]], 1.1)
        self.assertEqual(sorted(detectable.values(), reverse=True), list(detectable.values()), "more sessions see more")
        self.assertIn("is not told from 1", self.plan("tiny-campaign.json", "--ratio", "1.0001").stdout)
        self.assertIn("One session decides nothing", self.plan("tiny-campaign.json", "--set", "sessions=1").stdout)

    def test_takes_the_spread_of_result_files_and_refuses_those_without(self):
        path = self.folder / "out.jsonl"
        self.finish("tiny-campaign.json", "--out", path, "--quiet", "--set", "schemes=f16,w8a8")
        self.undo_load(path, self.finish)
        told = json.loads(self.plan("tiny-campaign.json", path, "--json", "--set", "schemes=f16,w8a8").stdout)
        self.assertEqual(told["spread_source"], "files")
        self.assertGreater(told["spread_block"], 0)
        self.assertGreater(told["block_s"], 0)
        self.assertIsNone(json.loads(self.plan("tiny-campaign.json", path, "--json").stdout)["block_s"], "other schemes were not run")
        self.finish("tiny-campaign.json", "--out", "one.jsonl", "--quiet", "--set", "sessions=1", "--set", "schemes=f16,w8a8")
        self.assertIn("tell no spread between sessions", self.plan("tiny-campaign.json", "one.jsonl", code=2).stderr)
        for option, value in (("--ratio", "1"), ("--ratio", "-2"), ("--power", "1"), ("--power", "0")):
            self.assertIn(option, self.plan("tiny-campaign.json", option, value, code=2).stderr)


if __name__ == "__main__":
    unittest.main()
