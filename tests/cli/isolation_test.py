"""What a driver does to the processes that use it costs a row, or a scheme in its cell, and never the table or the campaign: what one
fault and one command cannot show. Single faults are rows of fault_table.py."""
import json
import re
import signal
import unittest

from layer_support import SMALL, LayerTest

SCHEMES = ["f16", "w8a16-fused", "w4a16-fused"]
BOARD = {**SMALL, "board": "h100"}
WITH_ROOM = {**BOARD, "memory_bytes": 256 << 20, "max_alloc_bytes": 64 << 20}  # for what tune tries


class Isolation(LayerTest):
    def setUp(self):
        super().setUp()
        self.write("tiny-campaign.json", self.campaign(schemes=SCHEMES, sessions=1, hops=[1]))

    def run_tiny(self, *arguments, faults=(), code=0, board=BOARD):
        done = self.under(board, "run", "tiny-campaign.json", "--out", "out.jsonl", "--meter", "none", *arguments, faults=faults)
        self.assertEqual(done.returncode, code, done.stderr)
        return done

    def points(self):
        self.check(self.folder / "out.jsonl")
        return self.records(self.folder / "out.jsonl", "point")

    def rows(self, *arguments, code=0, **options):
        done = self.under(BOARD, *arguments, "--json", **options)
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

    def test_a_probe_that_hangs_does_so_once_and_costs_neither_verify_nor_tune_nor_run(self):
        fault = "build do=hang options=-DPROBE_SUBGROUPS"
        for arguments in (["verify", "--kernel", "cast_f16_f32"], ["tune", "--tokens", "1", "--max-seconds", "0"]):
            done = self.under(BOARD, *arguments, "--watchdog", "4", faults=fault)
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
            self.assertEqual(len(self.struck()), 1, self.struck())
        self.run_tiny("--watchdog", "4", faults=fault)
        self.assertEqual(len(self.struck()), 1, self.struck())
        session = self.records(self.folder / "out.jsonl", "session")[0]
        reason = {row["name"]: row["reason"] for row in session["device"]["capabilities"]}["subgroups"]
        self.assertIn("no sign of life for 4 s", reason)

    def test_an_event_timer_that_cannot_be_checked_is_not_trusted_and_the_device_can_be_opened(self):
        capabilities = self.rows("devices", faults="launch kernel=probe_timer code=-5")[0]["capabilities"]
        timer = [text for text in capabilities if text.startswith("event timer: ")]
        self.assertEqual(len(timer), 1, capabilities)
        self.assertRegex(timer[0], "not trusted.*CL_OUT_OF_RESOURCES")
        self.assertNotIn("cannot be opened", " ".join(capabilities))

    # Runs

    def test_a_run_that_lost_a_scheme_goes_on_to_its_last_session(self):
        self.run_tiny("--set", "sessions=2", faults=f"lost kernel=gemv_i4_f16 once={self.folder / 'once'}", code=3)
        self.assertEqual(self.records(self.folder / "out.jsonl")[-1]["status"], "complete")

    def test_ceilings_that_hang_are_left_out_with_a_hazard(self):
        done = self.run_tiny("--watchdog", "4", faults="launch kernel=fma_rate do=hang")
        self.assertIn("the run goes on", done.stderr)
        session = self.records(self.folder / "out.jsonl", "session")[0]
        self.assertTrue(any("ceilings" in hazard and "no sign of life" in hazard for hazard in session["hazards"]), session["hazards"])

    def test_ceilings_that_hang_are_given_up_after_the_silence_that_was_allowed(self):
        done = self.under(BOARD, "ceilings", "--watchdog", "15", faults="launch kernel=fma_rate do=hang")
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertRegex(done.stderr, "qtrap: error: the driver failed .the process gave no sign of life for 15 s")

    def test_a_resumed_run_takes_the_cache_of_its_file(self):
        self.run_tiny("--set", "sessions=2")
        rows = self.records(self.folder / "out.jsonl")
        second = [row["record"] for row in rows].index("session", 1)
        rows[0]["ceilings"]["cache_status"] = "as the first session found it"
        self.write("out.jsonl", "".join(json.dumps(row) + "\n" for row in rows[:second]))
        done = self.under(BOARD, "run", "--resume", "out.jsonl", "--quiet")
        self.assertEqual(done.returncode, 0, done.stderr)
        sessions = self.records(self.folder / "out.jsonl", "session")
        self.assertEqual([session["ceilings"]["cache_status"] for session in sessions], ["as the first session found it"] * 2)

    def test_a_fast_kernel_that_fails_gives_way_to_the_plain_one_with_a_hazard(self):
        self.write("tiny-campaign.json", self.campaign(schemes=["f16", "w4a8"], sessions=1, hops=[1]))
        variants = {"avx512_vnni": "AVX512_VNNI", "avx512": "AVX512", "avx2": "AVX2"}  # the best first
        done = self.under("cpu", "verify", "--kernel", "gemv_i4_i8_cpu", "--json")
        passing = {row["variant"] for row in json.loads(done.stdout) if row["status"] == "pass"}
        fast = next((variant for variant in variants if variant in passing), None)
        if fast is None:
            self.skipTest("no device with a fast variant")
        for do in ["fail", "abort"]:
            fault = f"build do={do} options=-DINSTRUCTIONS_{variants[fast]} source=gemv_i4_i8"
            (self.folder / "out.jsonl").unlink(missing_ok=True)
            self.run_tiny(faults=fault, board="cpu")
            for point in self.points():
                self.assertEqual(point["status"], "ok", point)
                self.assertNotIn(f"gemv_i4_i8_cpu_{fast}", point["kernels_used"], fault)
            hazards = self.records(self.folder / "out.jsonl", "session")[-1]["hazards"]
            words = rf"gemv_i4_i8_cpu_{fast} failed and gemv_i4_i8_cpu\w* took its place \(--variant cpu"
            self.assertTrue(any(re.search(words, hazard) for hazard in hazards), hazards)

    # Stops

    def test_a_second_interrupt_ends_a_run_in_a_hung_driver_at_once(self):
        done = self.interrupt(BOARD, ["run", "tiny-campaign.json", "--out", "out.jsonl", "--meter", "none"], "launch kernel=gemv_i8_f16 do=hang",
                              (signal.SIGINT, signal.SIGTERM))
        self.assertEqual(done.returncode, 130, done.stderr)
        if (self.folder / "out.jsonl").exists():
            self.check("out.jsonl")

    def test_an_interrupted_tune_leaves_what_was_kept(self):
        tune = ["tune", "--tokens", "1", "--quiet"]
        self.assertEqual(self.under(BOARD, *tune, "--max-seconds", "0").returncode, 0)
        kept = next((self.folder / "cache/qtrap/tuning").iterdir())
        kept.write_text("of an earlier search")
        done = self.interrupt(BOARD, tune, "launch do=hang argv=tune-kernels", (signal.SIGINT, signal.SIGINT))
        self.assertEqual(done.returncode, 130, done.stderr)
        self.assertIn(f"interrupted: {kept} stays as it was", done.stdout)
        self.assertEqual(kept.read_text(), "of an earlier search")

    def test_progress_has_a_line_per_program_where_stderr_is_no_terminal(self):
        done = self.run_tiny()
        self.assertRegex(done.stderr, r"build of gemv_f16_f16_gpu \(matmul/gemv_gpu.cl")

    # Tables

    def test_verify_ends_with_its_table_whatever_a_kernel_does(self):
        for fault, word in [("launch kernel=cast_f32_f16_gpu do=segv", "SIGSEGV"), ("lost kernel=cast_f32_f16_gpu", "-9999")]:
            rows = self.rows("verify", "--kernel", "cast_f", code=1, faults=fault)
            failed = {row["kernel"]: row["reason"] for row in rows if row["status"] == "fail"}
            self.assertEqual(len(failed), 1, failed)
            self.assertIn(word, "".join(failed.values()))
            self.assertEqual(sum(row["status"] == "pass" for row in rows), 3)

    def test_tune_ends_with_its_table_and_keeps_what_it_found(self):
        for do, word in [("fail", "CL_OUT_OF_RESOURCES"), ("segv", "SIGSEGV")]:
            done = self.under(WITH_ROOM, "tune", "--tokens", "1", "--max-seconds", "1", "--json",
                              faults=f"launch kernel=gemv_f16_f16_gpu do={do} argv=tune-kernels")
            self.assertIn(done.returncode, (0, 1), done.stderr)
            rows = json.loads(done.stdout)
            self.assertGreaterEqual(len(rows), 5)
            self.assertTrue(any((self.folder / "cache/qtrap/tuning").iterdir()))
            if done.returncode == 1:  # else the time was over before the first launch
                self.assertIn(word, json.dumps(rows[0]))

    def test_a_sick_device_costs_its_own_row(self):
        done = self.under(["h100", "rtx4090"], "devices", "--json", faults="context device=0 do=abort text=boom")
        self.assertEqual(done.returncode, 0, done.stderr)
        first, second = json.loads(done.stdout)
        self.assertIn("cannot be opened", " ".join(first["capabilities"]))
        self.assertIn("boom", " ".join(first["capabilities"]))
        self.assertNotIn("cannot be opened", " ".join(second["capabilities"]))


if __name__ == "__main__":
    unittest.main()
