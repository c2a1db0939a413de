"""run --refine: the batch and the model size between the two beside a crossing, measured into the same file."""
import json
import re
import unittest

from layer_support import LayerTest
from support import TINY_MODEL, ProgramTest

BIG_MODEL = {**TINY_MODEL, "name": "big", "hidden": 192, "ffn": 480, "layers": 6, "heads": 8, "family": "small"}


class Refinable:
    """What the tests refine."""

    def make(self, *models):
        """w8a8 takes 0.8 of f16 on `tiny` at batch 1 and more than f16 at batch 8 or on `big`."""
        self.write("tiny.json", {**TINY_MODEL, "family": "small"})
        self.write("big.json", BIG_MODEL)
        models = [str(self.folder / name) for name in models]
        self.write("tiny-campaign.json", self.campaign(models=models, hops=[1], batch=[1, 8], schemes=["w8a8"]))
        path = self.folder / "out.jsonl"
        self.finish("tiny-campaign.json", "--out", path, "--quiet")
        self.settle(path, lambda row: True)
        return path

    def settle(self, path, of):
        """Gives the bare windows that `of` chooses the time of the truth, and has a resume tell their points anew."""
        rows = self.records(path)
        order = [row["session_id"] for row in rows if row["record"] == "session"]
        kept = []
        for row in rows:
            if row["record"] == "end" or (row["record"] == "point" and of(row)):
                continue
            if row["record"] == "trial" and of(row):
                row["flags"] = []
                if row["mode"] == "bare":
                    batch = int(re.search(r"/b(\d+)/", row["cell_id"])[1])
                    model = row["cell_id"].split(".json")[0].split("/")[-1]
                    ratio = {1: 0.8, 3: 0.9, 8: 1.25}[batch] * {"tiny": 1, "big": 1.5}.get(model, 1.1)
                    sway = 1 + 0.002 * order.index(row["session_id"])
                    row["wall_s"] = 1e-3 * row["repetitions"] * (1 if row["scheme"] == "f16" else ratio * sway)
            kept.append(row)
        path.write_text("".join(json.dumps(row) + "\n" for row in kept))
        self.finish("--resume", path, "--quiet")
        self.check(path)

    def crossings(self, path):
        done = self.run_program("fit", path, "--out", "-")
        self.assertEqual(done.returncode, 0, done.stderr)
        fit = json.loads(done.stdout)
        found = lambda name: [row for row in fit[name] if row["status"] == "found" and row["method"] == "interpolated"]
        return found("critical_batch"), found("critical_scale")


class Refine(Refinable, ProgramTest):
    def test_a_batch_between_narrows_b(self):
        path = self.make("tiny.json")
        batches, _ = self.crossings(path)
        self.assertEqual([(row["low"], row["high"]) for row in batches], [(1, 8)])
        self.assertIn("B* lies between 1 and 8: batch 3\n", self.finish("--refine", path, "--dry-run").stdout)
        self.assertIn("session 4/4", self.finish("--refine", path).stderr)
        self.settle(path, lambda row: "/b3/" in (row["cell_id"] or ""))
        batches, _ = self.crossings(path)
        self.assertEqual([(row["low"], row["high"]) for row in batches], [(3, 8)])
        self.assertIn("B* lies between 3 and 8: batch 5", self.finish("--refine", path, "--dry-run").stdout)
        rows = self.records(path)
        for row in rows:
            if row["record"] == "point" and "/b3/" in row["point_id"] and row["scheme"] == "w8a8":
                row.update(status="error", reason="it failed")
            if row["record"] == "end":
                row.update(points_ok=row["points_ok"] - 1, points_failed=1)
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
        self.assertIn("nothing to refine", self.finish("--refine", path, "--dry-run").stdout)  # batch 3 was tried

    def test_a_scaled_shape_between_narrows_n_and_what_was_told_stands(self):
        path = self.make("tiny.json", "big.json")
        _, before = self.crossings(path)
        self.assertEqual(len(before), 1)
        text = path.read_bytes()
        said = self.finish("--refine", path, "--dry-run").stdout
        self.assertIn("tiny-big-scaled.json, a scaled shape: no model of the family lies there", said)
        (self.folder / "profiles" / "models").mkdir(parents=True)
        self.write("profiles/models/mid.json", {**BIG_MODEL, "name": "mid", "hidden": 128, "ffn": 320, "layers": 4})
        known = self.finish("--refine", path, "--dry-run", environment={"QTRAP_PROFILES": str(self.folder / "profiles")}).stdout
        self.assertRegex(known, r"N\* lies between \S+ and \S+: mid\n")
        self.assertEqual(path.read_bytes(), text)
        scaled = self.folder / "tiny-big-scaled.json"
        self.assertFalse(scaled.exists())
        old = self.records(path, "point")
        self.finish("--refine", path, "--quiet")
        self.check(path)
        self.check(scaled)
        self.assertIn("no published model", json.loads(scaled.read_text())["source"])
        points = self.records(path, "point")
        self.assertEqual(points[: len(old)], old)
        new = {(point["model"], point["batch"]) for point in points[len(old):]}
        self.assertEqual(new, {(str(self.folder / "tiny.json"), 3), (str(scaled), 1)})
        sessions = self.records(path, "session")
        self.assertEqual([session["refines"] for session in sessions], [None] * 2 + [sessions[0]["campaign_sha256"]] * 4)
        self.assertEqual(self.records(path)[-1]["status"], "complete")
        self.settle(path, lambda row: "scaled" in (row["cell_id"] or ""))
        _, after = self.crossings(path)
        self.assertEqual(len(after), 1)
        self.assertGreater(after[0]["low"], before[0]["low"])  # 0.88 there

    def test_it_goes_by_its_file_alone(self):
        path = self.folder / "out.jsonl"
        for arguments in (["tiny-campaign.json"], ["--resume", path], ["--out", "o"], ["--set", "batch=1"], ["--until", 1.5], ["--max-sessions", 3]):
            self.assertIn("--refine goes by its file alone", self.finish("--refine", path, *arguments, code=2).stderr)
        self.finish("tiny-campaign.json", "--out", path, "--quiet", "--set", "schemes=w8a8", "--set", "hops=1", "--set", "sessions=1")
        self.assertIn("nothing to refine", self.finish("--refine", path).stdout)
        path.write_text("".join(json.dumps(row) + "\n" for row in self.records(path) if row["record"] != "end"))
        self.assertIn("finish it first: qtrap run --resume", self.finish("--refine", path, code=2).stderr)

    def test_a_run_that_spent_its_error_is_not_refined(self):
        path = self.folder / "out.jsonl"
        self.finish("tiny-campaign.json", "--out", path, "--quiet", "--set", "schemes=w8a8", "--set", "hops=1", "--until", 1.5, "--max-sessions", 2)
        self.assertIn("a run with --until has spent its error", self.finish("--refine", path, code=2).stderr)


class RefineUnderFaults(Refinable, LayerTest):
    def test_it_goes_on_after_a_refined_point_failed(self):
        path = self.make("tiny.json", "big.json")
        old = self.records(path, "point")
        environment = self.layer_environment([], 'launch kernel=gemv_i8_i8 code=-5 argv="batch":[3]')
        del environment["QTRAP_LAYER_BOARDS"]  # the device that the file is of
        self.finish("--refine", path, "--quiet", code=3, environment=environment)
        self.assertTrue(self.struck())
        self.check(path)
        scaled = str(self.folder / "tiny-big-scaled.json")
        new = {(point["model"], point["batch"], point["scheme"]): point for point in self.records(path, "point")[len(old):]}
        failed = new.pop((str(self.folder / "tiny.json"), 3, "w8a8"))  # of the batches, which come first
        self.assertEqual(failed["status"], "error")
        self.assertRegex(failed["reason"], "launch of gemv_i8_i8.*CL_OUT_OF_RESOURCES")
        self.assertEqual({key: point["status"] for key, point in new.items()},
                         {(str(self.folder / "tiny.json"), 3, "f16"): "ok", (scaled, 1, "f16"): "ok", (scaled, 1, "w8a8"): "ok"})
        self.assertEqual(self.records(path)[-1]["status"], "complete")


if __name__ == "__main__":
    unittest.main()
