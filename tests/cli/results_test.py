"""Kernels that compute wrongly and stamps that cannot be, under an OpenCL layer: what is wrong gets no verdict, and its reason says what
and where. Also processes that are stopped, and stops inside long chains."""
import os
import signal
import subprocess
import time
import unittest

from layer_support import SMALL, LayerTest
from support import QTRAP, ProgramTest

SCHEMES = ["f16", "w8a16-split", "w8a16-fused", "w8a8"]


class Results(LayerTest):
    def setUp(self):
        super().setUp()
        self.write("tiny-campaign.json", self.campaign(schemes=SCHEMES, sessions=1, hops=[1, 2]))

    def run_tiny(self, faults, code=3):
        (self.folder / "out.jsonl").unlink(missing_ok=True)
        return self.finish_under("tiny-campaign.json", "--out", "out.jsonl", "--meter", "none", "--quiet", faults=faults, code=code)

    def finish_under(self, *arguments, faults=(), code=0):
        done = self.under({**SMALL, "board": "h100"}, "run", *arguments, faults=faults)
        self.assertEqual(done.returncode, code, done.stderr + done.stdout)
        self.check("out.jsonl")
        return done

    def points(self):
        return self.records(self.folder / "out.jsonl", "point")

    def assert_failed(self, schemes, *words):
        """Every point of `schemes`, and no other, has failed with these words and without a verdict."""
        points = self.points()
        self.assertEqual(len(points), 8)
        for point in points:
            self.assertEqual(point["status"], "error" if point["scheme"] in schemes else "ok", point)
            if point["scheme"] in schemes:
                self.assertIsNone(point["verdict_time"])
                self.assertIsNone(point["time_s"])
                for word in words:
                    self.assertIn(word, point["reason"])

    def test_a_kernel_wrong_by_1_01_in_one_row_fails_its_scheme_and_is_named_with_the_row(self):
        done = self.run_tiny("result kernel=gemv_i8_f16 do=scale factor=1.01 from=77 argv=run-session")
        self.assert_failed({"w8a16-fused"}, "gemv_i8_f16_gpu", "wrong in row 77 of ")
        self.assertIn("row 77", done.stdout)
        for check in (trial for trial in self.records(self.folder / "out.jsonl", "trial") if trial["mode"] == "check"):
            wrong = check["scheme"] == "w8a16-fused"
            self.assertEqual(check["failure"] is not None, wrong)
            if not wrong:  # of a wrong kernel no further input is tried for the rows of which the first ones told nothing
                self.assertEqual(check["rows"], check["rows_checked"], "a tiny model is checked wholly")

    def test_a_wrong_anchor_leaves_the_whole_cell_without_a_verdict(self):
        self.run_tiny("result kernel=gemv_f16_f16 do=scale factor=1.01 from=3 argv=run-session")
        self.assert_failed(set(SCHEMES), "the f16 anchor of this cell is wrong: gemv_f16_f16_gpu", "row 3 of ")

    def test_results_that_are_no_numbers_are_a_status_of_the_point(self):
        done = self.run_tiny("result kernel=gemv_i8_i8 do=nan argv=run-session")
        self.assert_failed({"w8a8"}, "gemv_i8_i8_gpu")
        self.assertNotIn("leave it absent", done.stderr + done.stdout)
        self.run_tiny("result kernel=swiglu do=nan argv=run-session")
        self.assert_failed(set(SCHEMES), "the f16 anchor of this cell is wrong: swiglu_f16_")

    def test_a_failed_check_of_one_session_outlives_a_resume(self):
        self.write("tiny-campaign.json", self.campaign(schemes=SCHEMES, sessions=2, hops=[1]))
        self.run_tiny("result kernel=gemv_i8_f16 do=scale factor=1.01 from=77 argv=run-session")
        path = self.folder / "out.jsonl"
        first = self.records(path, "session")[0]["session_id"]
        kept = [line for line, row in zip(path.read_text().splitlines(True), self.records(path)) if row.get("session_id") == first and row["record"] in ("session", "trial")]
        path.write_text("".join(kept))
        self.finish_under("--resume", "out.jsonl", code=3)
        self.undo_load(path, lambda *arguments: self.finish_under(*arguments, code=3))
        status = {point["scheme"]: (point["status"], point["sessions"]) for point in self.points()}
        self.assertEqual(status["w8a16-fused"][0], "error")
        self.assertEqual(status["f16"], ("ok", 2))

    def test_one_stamp_that_jumps_costs_the_phases_of_its_window(self):
        for damage in ("jump", "huge", "backwards", "none"):
            self.run_tiny(f"stamps do={damage} after=40 every=37 argv=run-session", code=0)
            flagged = 0
            for trial in self.records(self.folder / "out.jsonl", "trial"):
                if trial["mode"] != "profiled":
                    continue
                flagged += "bad_stamps" in trial["flags"]
                self.assertEqual("bad_stamps" in trial["flags"], trial["phase_matmul_s"] is None)
                if trial["phase_matmul_s"] is not None:
                    self.assertLess(trial["phase_matmul_s"], 1.1 * trial["wall_s"])
            self.assertGreater(flagged, 0, damage)
            for point in self.points():
                self.assertEqual(point["status"], "ok")
                self.assertLess(abs(point["phase_matmul_s"] or 0), 10)

    def test_stamps_of_a_quarter_are_not_trusted(self):
        for damage in ("scale", "stretch"):
            self.run_tiny(f"stamps do={damage} factor=0.25 argv=run-session", code=0)
            timer = self.records(self.folder / "out.jsonl", "session")[0]["event_timer"]
            self.assertFalse(timer["trusted"], damage)
            self.assertIn("by its events", timer["reason"])
            self.assertEqual({trial["time_basis"] for trial in self.records(self.folder / "out.jsonl", "trial")}, {"host"})


class Standstill(ProgramTest):
    def test_a_process_that_was_stopped_flags_the_windows_that_held_it(self):
        self.write("tiny-campaign.json", self.campaign(schemes=["f16"], sessions=1, hops=[200], tokens_per_hop=[40], max_seconds_per_point=60))
        process = subprocess.Popen([QTRAP, "run", "tiny-campaign.json", "--out", "out.jsonl", "--quiet"], cwd=self.folder, start_new_session=True,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.addCleanup(lambda: process.poll() is None and os.killpg(process.pid, signal.SIGKILL))
        while process.poll() is None:  # stopped again and again: whatever it is at, a window holds one of them
            time.sleep(0.4)
            os.killpg(process.pid, signal.SIGSTOP)
            time.sleep(0.6)
            os.killpg(process.pid, signal.SIGCONT)
        out, errors = process.communicate(timeout=60)
        self.assertEqual(process.returncode, 0, errors)
        flags = [trial["flags"] for trial in self.records(self.folder / "out.jsonl", "trial")]
        self.assertTrue(any("paused" in one for one in flags), flags)
        self.assertIn("paused in ", out)


if __name__ == "__main__":
    unittest.main()
