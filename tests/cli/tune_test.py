"""tune writes a file that `check` accepts and `run` takes up and records; a file that does not fit is refused or named."""
import hashlib
import json
import unittest

from support import POCL_CACHE, ProgramTest


class Tune(ProgramTest):
    def setUp(self):
        super().setUp()
        self.environment = {"XDG_CACHE_HOME": str(self.folder / "cache"), "POCL_CACHE_DIR": POCL_CACHE}

    def tune(self, *arguments):
        done = self.run_program("tune", "--device", "cpu", "--quiet", *arguments, environment=self.environment)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done

    def run_tiny(self, *arguments, code=0):
        return self.finish("tiny-campaign.json", "--device", "cpu", "--quiet", "--set", "sessions=1", *arguments, code=code,
                           environment=self.environment)

    def with_choices(self, choices, **changes):
        """A tuning file of this device and these kernels with choices made by hand."""
        (self.folder / "empty.json").unlink(missing_ok=True)
        self.tune("--max-seconds", "0", "--tokens", "1", "--out", "empty.json")
        value = {**json.loads((self.folder / "empty.json").read_text()), "choices": choices, **changes}
        return self.write("tuning.json", value)

    def session(self, path):
        return self.records(self.folder / path, "session")[0]

    def test_without_time_it_tries_nothing_and_says_so(self):
        done = self.tune("--max-seconds", "0", "--tokens", "1", "--out", "empty.json")
        self.assertIn("out of time", done.stdout)
        self.check("empty.json")
        self.assertNotIn("choices", json.loads((self.folder / "empty.json").read_text()))

    def test_a_run_takes_up_what_tune_kept_for_the_device(self):
        self.run_tiny("--out", "before.jsonl")
        before = self.session("before.jsonl")["kernels"]["tuning"]  # one of profiles/devices/, where this device has one
        self.tune("--tokens", "1", "--max-seconds", "0")
        kept = list((self.folder / "cache" / "qtrap" / "tuning").iterdir())
        self.assertEqual(len(kept), 1)
        self.run_tiny("--out", "after.jsonl")
        kernels = self.session("after.jsonl")["kernels"]
        self.assertEqual(kernels["tuning"], str(kept[0]))
        self.assertNotEqual(kernels["tuning"], before)
        self.assertEqual(kernels["tuning_sha256"], hashlib.sha256(kept[0].read_bytes()).hexdigest())
        self.run_tiny("--out", "none.jsonl", "--tuning", "none")
        self.assertIsNone(self.session("none.jsonl")["kernels"]["tuning"])
        for path in ("before.jsonl", "after.jsonl", "none.jsonl"):
            self.check(path)

    def test_choices_leave_every_output_as_it_was(self):
        path = self.with_choices(["gemv_f16_f16_cpu@1 rows=2", "gemv_i8_f16_cpu@1 rows=4", "gemv_i4_f16_cpu@1 rows=1"])
        self.check(path)
        errors = []
        for spec, name in (("none", "plain.jsonl"), (path, "tuned.jsonl")):
            self.run_tiny("--tuning", spec, "--out", name)
            errors.append({p["point_id"]: p["output_error"] for p in self.records(self.folder / name, "point")})
        self.assertEqual(errors[0].keys(), errors[1].keys())
        for point, found in errors[0].items():
            for a, b in zip(found, errors[1][point]):
                self.assertAlmostEqual(a, b, places=2)

    def test_what_does_not_fit_is_refused_in_one_line_or_named_as_a_hazard(self):
        stale = self.with_choices(["gemv_f16_f16_cpu@1 rows=2"], kernels_sha256="0" * 64)
        done = self.run_tiny("--tuning", stale, "--out", "x.jsonl", code=2)
        self.assertIn("for other kernels", done.stderr)
        self.assertIn("qtrap tune", done.stderr)
        odd = self.with_choices(["gemv_f16_f16_cpu@1 rows=3"])
        self.assertEqual(self.run_program("check", odd).returncode, 2)
        self.run_tiny("--tuning", odd, "--out", "x.jsonl", code=2)
        self.tune("--tokens", "1", "--max-seconds", "0")
        kept = next((self.folder / "cache" / "qtrap" / "tuning").iterdir())
        kept.write_text(json.dumps({**json.loads(kept.read_text()), "kernels_sha256": "0" * 64}))
        self.run_tiny("--out", "hazard.jsonl")
        session = self.session("hazard.jsonl")
        self.assertIsNone(session["kernels"]["tuning"])
        self.assertTrue(any("for other kernels" in hazard for hazard in session["hazards"]), session["hazards"])


if __name__ == "__main__":
    unittest.main()
