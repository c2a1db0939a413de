"""What a driver does to the processes that use it costs a row, or a scheme in its cell, and never the table or the campaign: aborts,
hangs and failed launches, under an OpenCL layer."""
import json
import os
import pathlib
import signal
import subprocess
import time
import unittest

from layer_support import SMALL, LayerTest
from support import QTRAP

SCHEMES = ["f16", "w8a16-fused", "w4a16-fused"]
BOARD = {**SMALL, "board": "h100"}


class Isolation(LayerTest):
    def setUp(self):
        super().setUp()
        self.write("tiny-campaign.json", self.campaign(schemes=SCHEMES, sessions=1, hops=[1]))
        self.cache = {"XDG_CACHE_HOME": str(self.folder / "cache")}

    def run_tiny(self, *arguments, faults=(), code=0, board=BOARD):
        done = self.under(board, "run", "tiny-campaign.json", "--out", "out.jsonl", "--meter", "none", *arguments, faults=faults, environment=self.cache)
        self.assertEqual(done.returncode, code, done.stderr)
        return done

    def points(self):
        self.check(self.folder / "out.jsonl")
        return self.records(self.folder / "out.jsonl", "point")

    def assert_failed(self, points, scheme, *words):
        """Every point of `scheme`, and no other, failed with these words."""
        for point in points:
            self.assertEqual(point["status"], "error" if point["scheme"] == scheme else "ok", point)
            for word in words if point["scheme"] == scheme else []:
                self.assertIn(word, point["reason"])

    def rows(self, *arguments, code=0, **options):
        done = self.under(BOARD, *arguments, "--json", environment=self.cache, **options)
        self.assertEqual(done.returncode, code, done.stderr)
        return json.loads(done.stdout)

    # Probes

    def test_a_compiler_that_aborts_in_a_probe_costs_its_row_and_its_last_words_are_the_reason(self):
        rows = self.rows("devices", faults="build do=abort options=-DPROBE_SUBGROUPS text=LLVM ERROR: Cannot select: intrinsic")
        reasons = {text.split(":")[0]: text for text in rows[0]["capabilities"]}
        self.assertIn("SIGABRT", reasons["subgroups"])
        self.assertIn("LLVM ERROR: Cannot select: intrinsic", reasons["subgroups"])
        self.assertIn("event timer", reasons)
        self.assertNotIn("SIGABRT", reasons["amd_shuffle"])

    def test_probes_are_kept_by_device_and_a_broken_cache_is_passed_over(self):
        fault = "build do=abort options=-DPROBE_LANES"
        self.rows("verify", "--kernel", "cast_f16_f32", faults=fault)
        kept = list((self.folder / "cache/qtrap/probes").iterdir())
        self.assertEqual(len(kept), 1)
        self.assertIn("SIGABRT", kept[0].read_text())
        self.run_tiny()  # no fault any more: the session still has what was kept
        session = self.records(self.folder / "out.jsonl", "session")[0]
        kept_reason = {row["name"]: row["reason"] for row in session["device"]["capabilities"]}["ptx_shuffle"]
        self.assertIn("SIGABRT", kept_reason)
        kept[0].write_text(kept[0].read_text()[:100])
        (self.folder / "out.jsonl").unlink()
        self.run_tiny()
        session = self.records(self.folder / "out.jsonl", "session")[0]
        self.assertNotIn("SIGABRT", json.dumps(session["device"]))

    def test_a_probe_that_hangs_is_given_up(self):
        rows = self.rows("devices", "--watchdog", "3", faults="build do=hang options=-DPROBE_HALF2")
        hung = [text for text in rows[0]["capabilities"] if "no sign of life for 3 s" in text]
        self.assertEqual([text.split(":")[0] for text in hung], ["half2", "ptx_half2"])

    # Runs

    def test_a_failed_launch_costs_its_scheme_and_names_kernel_and_sizes(self):
        self.run_tiny(faults="launch kernel=gemv_i4_f16 code=-5", code=3)
        self.assert_failed(self.points(), "w4a16-fused", "gemv_i4_f16_gpu", "items in groups of", "CL_OUT_OF_RESOURCES")

    def test_a_lost_context_costs_its_scheme_and_another_process_goes_on(self):
        self.run_tiny(faults="lost kernel=gemv_i4_f16 code=-9999", code=3)
        self.assert_failed(self.points(), "w4a16-fused", "gemv_i4_f16_gpu")

    def test_a_launch_that_kills_the_process_costs_its_scheme(self):
        self.run_tiny(faults="launch kernel=gemv_i8_f16 do=segv", code=3)
        self.assert_failed(self.points(), "w8a16-fused", "SIGSEGV", "gemv_i8_f16_gpu")

    def test_a_launch_that_hangs_is_given_up_and_named(self):
        done = self.run_tiny("--watchdog", "4", faults="launch kernel=gemv_i4_f16 do=hang", code=3)
        self.assert_failed(self.points(), "w4a16-fused", "no sign of life for 4 s", "launch of gemv_i4_f16_gpu")
        self.assertIn("the run goes on", done.stderr)

    def test_an_error_in_one_entry_of_a_kernel_file_costs_that_kernel_alone(self):
        for do in ["fail", "abort"]:
            (self.folder / "out.jsonl").unlink(missing_ok=True)
            self.run_tiny(faults=f"build do={do} source=gemv_i4_f16_gpu", code=3)
            self.assert_failed(self.points(), "w4a16-fused", "gemv_i4_f16_gpu")

    def test_a_failed_run_is_resumed_to_its_end(self):
        self.run_tiny("--set", "sessions=2", faults=f"lost kernel=gemv_i4_f16 once={self.folder / 'once'}", code=3)
        self.assertEqual(self.records(self.folder / "out.jsonl")[-1]["status"], "complete")

    def test_ceilings_that_hang_are_left_out_with_a_hazard(self):
        self.run_tiny("--watchdog", "4", faults="launch kernel=fma_rate do=hang")
        session = self.records(self.folder / "out.jsonl", "session")[0]
        self.assertTrue(any("ceilings" in hazard and "no sign of life" in hazard for hazard in session["hazards"]), session["hazards"])

    def test_a_fast_kernel_that_fails_gives_way_to_the_plain_one_with_a_hazard(self):
        self.write("tiny-campaign.json", self.campaign(schemes=["f16", "w4a8"], sessions=1, hops=[1]))
        done = self.under("cpu", "verify", "--variant", "avx2", "--kernel", "gemv_i4_i8", "--json", environment=self.cache)
        if json.loads(done.stdout)[0]["status"] != "pass":
            self.skipTest("no device with a fast variant")
        for do in ["fail", "abort"]:
            fault = f"build do={do} options=-DINSTRUCTIONS_AVX2 source=gemv_i4_i8"
            (self.folder / "out.jsonl").unlink(missing_ok=True)
            self.run_tiny(faults=fault, board="cpu")
            for point in self.points():
                self.assertEqual(point["status"], "ok", point)
                self.assertNotIn("gemv_i4_i8_cpu_avx2", point["kernels_used"], fault)
            hazards = self.records(self.folder / "out.jsonl", "session")[-1]["hazards"]
            words = "gemv_i4_i8_cpu_avx2 failed and gemv_i4_i8_cpu took its place (--variant cpu"
            self.assertTrue(any(words in hazard for hazard in hazards), hazards)

    def test_a_work_group_that_is_too_large_is_refused_by_name(self):
        self.run_tiny(code=3, board={**BOARD, "max_work_group": 64})
        for point in self.points():
            self.assertEqual(point["status"], "error")
            self.assertIn("work-group", point["reason"])

    # Stops

    def test_a_second_interrupt_ends_a_run_in_a_hung_driver_at_once(self):
        for kind in ["launch kernel=gemv_i8_f16 do=hang", "build do=hang source=gemv_i8_f16_gpu"]:
            environment = {**os.environ, **self.layer_environment(BOARD, kind), **self.cache}
            with subprocess.Popen([QTRAP, "run", "tiny-campaign.json", "--out", "out.jsonl", "--meter", "none"], cwd=self.folder, env=environment,
                                  stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
                self.addCleanup(process.kill)
                while not self.struck():
                    self.assertIsNone(process.poll())
                    time.sleep(0.1)
                process.send_signal(signal.SIGINT)
                time.sleep(0.5)
                process.send_signal(signal.SIGTERM)
                self.assertEqual(process.wait(timeout=60), 130)
            out = pathlib.Path(self.folder / "out.jsonl")
            if out.exists():
                self.check(out)
                out.unlink()

    def test_progress_has_a_line_per_program_where_stderr_is_no_terminal(self):
        done = self.run_tiny()
        self.assertRegex(done.stderr, r"build of gemv_f16_f16_gpu \(matmul/gemv_gpu.cl")

    # Tables

    def test_verify_ends_with_its_table_whatever_a_kernel_does(self):
        for fault, word in [("launch kernel=cast_f32_f16_gpu do=fail", "CL_OUT_OF_RESOURCES"), ("launch kernel=cast_f32_f16_gpu do=segv", "SIGSEGV"),
                            ("lost kernel=cast_f32_f16_gpu", "-9999")]:
            rows = self.rows("verify", "--kernel", "cast_f", code=1, faults=fault)
            failed = {row["kernel"]: row["reason"] for row in rows if row["status"] == "fail"}
            self.assertEqual(len(failed), 1, failed)
            self.assertIn(word, "".join(failed.values()))
            self.assertEqual(sum(row["status"] == "pass" for row in rows), 3)

    def test_tune_ends_with_its_table_and_keeps_what_it_found(self):
        for do, word in [("fail", "CL_OUT_OF_RESOURCES"), ("segv", "SIGSEGV")]:
            done = self.under(BOARD, "tune", "--tokens", "1", "--max-seconds", "1", "--json", environment=self.cache,
                              faults=f"launch kernel=gemv_f16_f16_gpu do={do} argv=tune-kernels")
            self.assertIn(done.returncode, (0, 1), done.stderr)
            rows = json.loads(done.stdout)
            self.assertGreaterEqual(len(rows), 5)
            self.assertTrue(any((self.folder / "cache/qtrap/tuning").iterdir()))
            if done.returncode == 1:  # else the time was over before the first launch
                self.assertIn(word, json.dumps(rows[0]))

    def test_a_sick_device_costs_its_own_row(self):
        done = self.under(["h100", "rtx4090"], "devices", "--json", environment=self.cache, faults="context device=0 do=abort text=boom")
        self.assertEqual(done.returncode, 0, done.stderr)
        first, second = json.loads(done.stdout)
        self.assertIn("cannot be opened", " ".join(first["capabilities"]))
        self.assertIn("boom", " ".join(first["capabilities"]))
        self.assertNotIn("cannot be opened", " ".join(second["capabilities"]))


if __name__ == "__main__":
    unittest.main()
