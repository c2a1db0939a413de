"""Every fault of a driver, injected under a board, and what the program makes of it: the exit code, the words, which points survive.
One row of FAULTS is one test; tests/README.md shows the table (QTRAP_REGENERATE=1 writes it there)."""
import os
import re
import signal
import unittest

from fault_table import FAULTS, SCHEMES
from layer_support import LayerTest
from support import SOURCE

README = SOURCE / "tests" / "README.md"
BEGIN, END = "<!-- faults: written by QTRAP_REGENERATE=1 tests/cli/faults_test.py -->", "<!-- end of faults -->"
FAR_TOO_LONG = 60  # seconds; a chain of this campaign takes milliseconds


def table():
    lines = ["| fault | injected | command | exit | outcome |", "|---|---|---|---|---|"]
    for row in FAULTS:
        lines.append(f"| {row.name} | {row.injected()} | `{row.arguments[0]}` | {row.code} | {row.outcome} |")
    return "\n".join(lines)


class Faults(LayerTest):
    maxDiff = None

    def setUp(self):
        super().setUp()
        self.write("tiny-campaign.json", self.campaign(schemes=SCHEMES, hops=[1], sessions=1))

    def points(self):
        return {point["scheme"]: point for point in self.records(self.folder / "out.jsonl", "point")}

    def expect(self, row):
        signals = [signal.SIGINT] * row.signals
        done = self.interrupt(row.boards, row.arguments, row.faults, signals) if signals else self.under(row.boards, *row.arguments, faults=row.faults)
        said = done.stdout + done.stderr
        self.assertEqual(done.returncode, row.code, said)
        for words in row.says:
            self.assertRegex(said, words)
        self.assertNotIn("defect of qtrap", said)
        self.assertLessEqual(len(re.findall("^qtrap: error: ", done.stderr, re.MULTILINE)), 1, done.stderr)
        # Advice to resume is only for a file that is there.
        if "--resume out.jsonl" in said:
            self.assertTrue((self.folder / "out.jsonl").exists(), said)
        if row.resumes:
            self.go_on(row)
        if row.points is None:
            return
        if row.points == {}:
            self.assertFalse((self.folder / "out.jsonl").exists(), said)
            return
        self.check("out.jsonl")
        self.compare(row, self.points())
        session = self.records(self.folder / "out.jsonl", "session")[-1]
        self.assertIn(row.hazard, " | ".join(session["hazards"]))
        flagged = [trial for trial in self.records(self.folder / "out.jsonl", "trial") if row.flag in trial["flags"]]
        self.assertEqual(bool(flagged), bool(row.flag))
        self.assertEqual({trial["phase_matmul_s"] for trial in flagged} - {None}, set())

    def go_on(self, row):
        kept = (self.folder / "out.jsonl").exists()
        done = self.under(row.boards, *(["run", "--resume", "out.jsonl", "--quiet"] if kept else row.arguments))
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual({point["status"] for point in self.points().values()}, {"ok"})
        self.assertEqual(self.records(self.folder / "out.jsonl")[-1]["status"], "complete")

    def compare(self, row, points):
        self.assertEqual(set(points), set(row.points))
        for scheme, wanted in row.points.items():
            point = points[scheme]
            if wanted == "ok":
                self.assertEqual(point["status"], "ok", point["reason"])
                if row.reason:
                    self.assertRegex(point["reason"] or "", row.reason)
                self.believable(point)
                continue
            self.assertEqual(point["status"], "error", scheme)
            self.assertRegex(point["reason"], wanted)
            self.assertLess(len(point["reason"]), 1000)
            self.assertNotIn(point["verdict_time"], ["trap", "no_trap"])

    def believable(self, point):
        """Times by stamps are absent or could be: how large they are is the machine's."""
        phases = [value for key, value in point.items() if re.fullmatch("(phase_.*|gap)_s", key) and value is not None]
        for value in phases:
            self.assertGreaterEqual(value, 0)
            self.assertLess(value, FAR_TOO_LONG)

    def test_the_table_stands_in_the_readme(self):
        text = README.read_text()
        before, _, rest = text.partition(BEGIN)
        _, _, after = rest.partition(END)
        wanted = f"{before}{BEGIN}\n{table()}\n{END}{after}"
        if os.environ.get("QTRAP_REGENERATE"):
            README.write_text(wanted)
        self.assertEqual(text if not os.environ.get("QTRAP_REGENERATE") else wanted, wanted, "run it with QTRAP_REGENERATE=1")


def add_tests():
    for row in FAULTS:
        name = "test_" + re.sub(r"\W+", "_", row.name.lower()).strip("_")
        assert not hasattr(Faults, name), name
        setattr(Faults, name, lambda self, row=row: self.expect(row))


add_tests()
if __name__ == "__main__":
    unittest.main()
