"""Energy and what disturbs it, in whole runs: replayed and estimated meters, foreign load, probe windows."""
import subprocess
import sys
import unittest

from support import ProgramTest


class Energy(ProgramTest):
    def assert_power(self, path, watts):
        """At constant power a window's length on the meter's clock is the truth, whatever else this machine did."""
        windows = {
            (row["cell_id"], row["block"], row["order"]): 1e-6 * (row["window_end_us"] - row["window_begin_us"])
            for row in self.records(path, "samples")
        }
        for trial in self.records(path, "trial"):
            if trial["mode"] == "bare":
                window_s = windows[trial["cell_id"], trial["block"], trial["order"]]
                self.assertAlmostEqual(trial["energy_gross_j"] / window_s / watts, 1, delta=0.03)

    def trace(self, watts=100):
        """A board that draws `watts` for ten minutes."""
        rows = [f"{i / 10},{1000 + i * watts / 10},{watts + i % 2 / 10}" for i in range(6000)]
        return self.write("trace.csv", "\n".join(["time_s,energy_j,power_w", *rows]) + "\n")

    def test_energy_demanded_of_a_meter_that_does_not_read_fails_at_once(self):
        rows = [f"{i / 10},0,0" for i in range(6000)]
        dead = self.write("dead.csv", "\n".join(["time_s,energy_j,power_w", *rows]) + "\n")
        done = self.finish("tiny-campaign.json", "--meter", f"replay:{dead}", "--require-energy", "--out", "out.jsonl", code=1)
        self.assertIn("does not read", done.stderr)
        self.assertFalse((self.folder / "out.jsonl").exists())

    def test_energy_of_a_replayed_meter_is_there_and_labelled_simulated(self):
        self.write("short.json", self.campaign(schemes=["f16", "w8a16-split"], hops=[1], sessions=1, energy_window_s=1))
        done = self.finish("short.json", "--meter", f"replay:{self.trace()}", "--out", "out.jsonl", "--quiet")
        self.check("out.jsonl")
        self.assertIn("simulated", done.stdout)
        self.assertIn("J/token", done.stdout)
        path = self.folder / "out.jsonl"
        session = self.records(path, "session")[0]
        self.assertEqual((session["meter"]["name"], session["meter"]["method"]), ("replay", "simulated"))
        self.assertTrue(any("simulated" in hazard for hazard in session["hazards"]))
        bare = [trial for trial in self.records(path, "trial") if trial["mode"] == "bare"]
        for trial in bare:
            self.assertEqual((trial["energy_status"], trial["energy_method"]), ("ok", "simulated"), trial["energy_reason"])
        for point in self.records(path, "point"):
            self.assertEqual((point["energy_status"], point["energy_method"]), ("ok", "simulated"))
            self.assertIn(point["phase_matmul_j_status"], ["ok", "too_short"])
        self.assert_power(path, 100)

    def test_tdp_times_time_is_labelled_estimated_and_decides_nothing(self):
        self.write("short.json", self.campaign(schemes=["f16", "w8a16-split"], hops=[1], sessions=1, energy_window_s=0.3))
        done = self.finish("short.json", "--meter", "tdp:350", "--out", "out.jsonl", "--quiet")
        self.check("out.jsonl")
        self.assertIn("estimated", done.stdout)
        self.assert_power(self.folder / "out.jsonl", 350)
        for point in self.records(self.folder / "out.jsonl", "point"):
            self.assertEqual(point["energy_method"], "estimated")
            self.assertEqual(point["verdict_energy"], None if point["scheme"] == "f16" else "no_meter")

    def test_a_busy_process_beside_the_run_is_flagged_and_counted(self):
        self.write("short.json", self.campaign(schemes=["f16", "w8a16-split"], hops=[1], sessions=1, max_trials=20, min_trials=20))
        with subprocess.Popen([sys.executable, "-c", "while True: pass"]) as busy:
            try:
                done = self.finish("short.json", "--out", "out.jsonl", "--quiet")
            finally:
                busy.kill()
        trials = self.records(self.folder / "out.jsonl", "trial")
        flagged = [trial for trial in trials if "foreign_load" in trial["flags"]]
        self.assertGreater(len(flagged), len(trials) / 2)
        self.assertIn(f"foreign load in {len(flagged)} of {len(trials)} trials", done.stdout)
        points = self.records(self.folder / "out.jsonl", "point")
        self.assertGreater(sum(point["trials_flagged"] for point in points), 0)

    def test_probes_are_windows_of_their_own_in_every_session(self):
        self.write("short.json", self.campaign(schemes=["f16"], hops=[1], sessions=2, probes=True))
        self.finish("short.json", "--out", "out.jsonl", "--quiet")
        self.check("out.jsonl")
        probes = [trial for trial in self.records(self.folder / "out.jsonl", "trial") if trial["mode"] == "probe"]
        names = {trial["phase"] for trial in probes}
        self.assertLessEqual({"copy", "macs_registers", "macs_f16@1", "dequantize_w8a16-split", "empty_launch", "host_sync"}, names)
        self.assertEqual(len({trial["session_id"] for trial in probes}), 2)
        classes = {trial["phase"]: trial["mac_class"] for trial in probes}
        known = {"f16": "f16", "w8a16-fused": "w8a16", "w8a8": "int8", "w4a16-fused": "w4a16", "w4a8": "w4a8"}
        for name, mac_class in classes.items():  # one that is as short as a launch is left out
            self.assertEqual(mac_class, known.get(name.removeprefix("macs_").removesuffix("@1")), name)
        points = self.records(self.folder / "out.jsonl", "point")
        self.assertEqual({(point["weight_format"], point["mac_class"]) for point in points}, {("f16", "f16")})


if __name__ == "__main__":
    unittest.main()
