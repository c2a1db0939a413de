"""Every kind of bad input: the exit code, one line on stderr that quotes the value and names the fix, and nothing written."""
import json
import os
import stat
import tempfile
import unittest

from support import TINY_MODEL, ProgramTest


def run_of(**changes):
    """A `run` of the tiny campaign with some keys changed."""
    return lambda test: ["run", test.write("bad.json", test.campaign(**changes)), "--out", "out.jsonl"]


def run_with(*arguments):
    return lambda test: ["run", "tiny-campaign.json", *arguments]


def run_text(text):
    return lambda test: ["run", test.write("bad.json", text), "--out", "out.jsonl"]


def run_model(**changes):
    def arguments(test):
        model = {key: value for key, value in {**TINY_MODEL, **changes}.items() if value is not ...}
        return ["run", test.write("bad.json", test.campaign(models=[str(test.write("model.json", model))])), "--out", "out.jsonl"]
    return arguments


def unreadable(test):
    path = test.write("bad.json", test.campaign())
    path.chmod(0)
    return ["run", path, "--out", "out.jsonl"]


def existing_output(test):
    test.write("out.jsonl", "mine")
    return run_with("--out", "out.jsonl")(test)


def folder_as_file(test):
    (test.folder / "folder.json").mkdir()
    return ["run", "folder.json"]


def unwritable_folder(test):
    (test.folder / "locked").mkdir(mode=stat.S_IRUSR | stat.S_IXUSR)
    return run_with("--out", "locked/out.jsonl")(test)


# name: (arguments, exit code, texts the line must hold)
CASES = {
    "no command": (lambda test: [], 2, ["bad usage", "--help"]),
    "unknown command": (lambda test: ["rnu"], 2, ["bad usage", "rnu"]),
    "unknown option": (run_with("--frobnicate"), 2, ["bad usage", "--frobnicate"]),
    "seed is no number": (run_with("--seed", "x"), 2, ["bad usage", "--seed"]),
    "seed too large": (run_with("--seed", str(2**63)), 2, ["seed", str(2**63)]),
    "no campaign": (lambda test: ["run"], 2, ["no campaign given", "qtrap run quick"]),
    "unknown campaign": (lambda test: ["run", "quik"], 2, ["quik"]),
    "missing file": (lambda test: ["run", "missing.json"], 2, ["missing.json", "no such file"]),
    "folder as file": (folder_as_file, 2, ["folder.json", "folder"]),
    "empty file": (run_text(""), 2, ["bad.json"]),
    "truncated JSON": (lambda test: run_text(json.dumps(test.campaign())[:80])(test), 2, ["bad.json"]),
    "not UTF-8": (run_text(b'{"schema": "qtrap.campaign", "name": "\xff"}'), 2, ["bad.json", "UTF-8"]),
    "JSON but no object": (run_text("[1, 2]"), 2, ["bad.json"]),
    "a model as campaign": (lambda test: ["run", "tiny.json"], 2, ["qtrap.model"]),
    "newer major version": (run_of(schema_version="2.0"), 2, ["2.0"]),
    "unknown key": (run_of(shcemes=["f16"]), 2, ["shcemes", "schemes"]),
    "wrong type": (run_of(batch="1"), 2, ["batch"]),
    "number as text in a list": (run_of(hops=["1"]), 2, ["hops"]),
    "zero batch": (run_of(batch=[0]), 2, ["batch", "0"]),
    "negative hops": (run_of(hops=[-4]), 2, ["hops", "-4"]),
    "fractional tokens": (run_of(tokens_per_hop=[1.5]), 2, ["tokens_per_hop", "1.5"]),
    "huge batch": (run_of(batch=[10**30]), 2, ["batch"]),
    "huge trials": (run_of(max_trials=10**15), 2, ["max_trials"]),
    "target of zero": (run_of(target_ci=0), 2, ["target_ci"]),
    "memory fraction above one": (run_of(memory_fraction=1.5), 2, ["memory_fraction", "1.5"]),
    "no sessions": (run_of(sessions=0), 2, ["sessions"]),
    "empty campaign": (run_of(schemes=[]), 2, ["schemes"]),
    "no models": (run_of(models=[]), 2, ["models"]),
    "unknown model": (run_of(models=["qwen9"]), 2, ["qwen9"]),
    "unknown scheme": (run_of(schemes=["f16", "w5a16"]), 2, ["w5a16", "w4a16"]),
    "scheme twice": (run_of(schemes=["f16", "f16"]), 2, ["f16"]),
    "model without layers": (run_model(layers=...), 2, ["layers"]),
    "heads not a multiple": (run_model(heads=5), 2, ["heads", "5"]),
    "model with zero width": (run_model(hidden=0), 2, ["hidden"]),
    "unknown key to set": (run_with("--set", "bacth=1"), 2, ["bacth", "batch"]),
    "set without value": (run_with("--set", "batch"), 2, ["batch"]),
    "set to nonsense": (run_with("--set", "batch=one"), 2, ["batch", "one"]),
    "unknown device": (run_with("--device", "mi300"), 2, ["mi300", "choose one of"]),
    "device index out of range": (run_with("--device", "77"), 2, ["77"]),
    "unknown meter": (run_with("--meter", "wattmeter"), 2, ["wattmeter"]),
    "replay of a missing trace": (run_with("--meter", "replay:missing.csv"), 2, ["missing.csv"]),
    "replay of something else": (run_with("--meter", "replay:tiny.json"), 2, ["tiny.json", "time_s,energy_j,power_w"]),
    "power that is no number": (run_with("--meter", "tdp:lots"), 2, ["tdp:lots"]),
    "energy demanded and refused": (run_with("--meter", "none", "--require-energy"), 1, ["no energy meter", "--require-energy"]),
    "meter that is not there": (run_with("--meter", "nvml:0000:ff:1f.7"), 1, ["nvml"]),
    "output exists": (existing_output, 2, ["out.jsonl", "--out"]),
    "output folder missing": (run_with("--out", "no/such/out.jsonl"), 2, ["no/such/out.jsonl"]),
    "output is a folder": (run_with("--out", "."), 2, ["."]),
    "resume of a missing file": (lambda test: ["run", "--resume", "missing.jsonl"], 2, ["missing.jsonl"]),
    "resume of another kind of file": (lambda test: ["run", "--resume", "tiny.json"], 2, ["tiny.json"]),
    "out and resume": (lambda test: ["run", "tiny-campaign.json", "--out", "a", "--resume", "b"], 2, ["--resume"]),
    "kernel folder missing": (run_with("--kernel-dir", "nowhere"), 2, ["nowhere", "--kernel-dir"]),
    "memory too small": (run_of(models=["qwen3-0.6b"], memory_fraction=0.001), 2, ["qwen3-0.6b", "memory"]),
    "check of a missing file": (lambda test: ["check", "missing"], 2, ["missing", "no such file"]),
    "check of a text": (lambda test: ["check", test.write("x.txt", "hello")], 2, ["x.txt"]),
    "export to an unknown format": (lambda test: ["export", "tiny.json", "--format", "xlsx"], 2, ["xlsx", "csv"]),
    "export of unknown records": (lambda test: ["export", "tiny.json", "--format", "csv", "--records", "rows"], 2, ["rows", "points"]),
    "fit of a missing file": (lambda test: ["fit", "missing.jsonl"], 2, ["missing.jsonl"]),
    "run with an unknown kernel variant": (run_with("--variant", "sse9"), 2, ["sse9", "choose one of reference, cpu, gpu, avx512_vnni, avx512, avx2, ptx"]),
    "run with a variant that the device lacks": (run_with("--variant", "ptx", "--device", "cpu"), 2, ["ptx: dp4a does not build"]),
    "run with the reference": (run_with("--variant", "reference"), 2, ["reference", "qtrap verify --variant reference"]),
    "verify of an unknown kernel variant": (lambda test: ["verify", "--variant", "sse9"], 2, ["sse9", "choose one of reference"]),
    "verify of an unknown kernel": (lambda test: ["verify", "--device", "cpu", "--kernel", "no_such_kernel"], 2, ["no_such_kernel"]),
}

AS_USER = {"unreadable file": (unreadable, ["bad.json"]), "unwritable folder": (unwritable_folder, ["locked/out.jsonl"])}


class BadInput(ProgramTest):
    def reject(self, name, arguments, code, texts, **options):
        with self.subTest(name):
            words = arguments(self)
            before = self.listing()
            done = self.run_program(*words, **options)
            self.assertEqual(done.returncode, code, done.stderr)
            self.assertEqual(done.stdout, "")
            lines = done.stderr.splitlines()
            self.assertEqual(len(lines), 1, done.stderr)
            self.assertTrue(lines[0].startswith("qtrap: error: "), lines[0])
            for text in texts:
                self.assertIn(text, lines[0])
            self.assertEqual(self.listing(), before, "nothing is written")

    def test_every_case_gives_its_code_one_line_and_no_file(self):
        self.assertGreaterEqual(len(CASES), 30)
        for name, (arguments, code, texts) in CASES.items():
            self.setUp()
            self.reject(name, arguments, code, texts)

    def test_what_a_user_may_not_read_or_write_is_named(self):
        if os.geteuid() == 0:
            try:
                os.setegid(65534)
                os.seteuid(65534)
                self.addCleanup(lambda: (os.seteuid(0), os.setegid(0)))
            except OSError:
                self.skipTest("root cannot become another user here")
        for name, (arguments, texts) in AS_USER.items():
            self.setUp()
            if os.geteuid() == 65534 and os.getuid() == 0:
                with tempfile.TemporaryDirectory() as cache:  # PoCL needs a cache it may write
                    self.reject(name, arguments, 2, texts, user=65534, group=65534, environment={"POCL_CACHE_DIR": cache})
            else:
                self.reject(name, arguments, 2, texts)

    def test_no_platform_is_a_run_time_error_that_names_the_package(self):
        self.reject("no platform", run_with("--out", "out.jsonl"), 1, ["no OpenCL platform", "pocl-opencl-icd"],
                    environment={"OCL_ICD_VENDORS": str(self.folder / "none")})


if __name__ == "__main__":
    unittest.main()
