"""The six commands that meet a device, under eight boards' tables: each ends, says what it should and exits with its code. Figures are
PoCL's, so none is looked at."""
import json
import sys
import unittest

from layer_support import SMALL, LayerTest

ROOM = {"memory_bytes": 1 << 30, "max_alloc_bytes": 1 << 28}  # for the model of `smoke`
# Board: the name that a user knows it by, its PCI address, how many of them.
BOARDS = {
    "h100": ("NVIDIA H100 80GB HBM3", "0000:19:00.0", 1),
    "rtx4090": ("NVIDIA GeForce RTX 4090", "0000:41:00.0", 1),
    "mi300x": ("AMD Instinct MI300X", "0000:05:00.0", 1),
    "mi250": ("AMD Instinct MI250X", "0000:05:00.0", 1),
    "mi300a": ("AMD Instinct MI300A", None, 2),  # two at one address: which is which cannot be told by it
    "rx7900": ("Radeon RX 7900 XTX", "0000:03:00.0", 1),
    "a770": ("Intel(R) Arc(TM) A770 Graphics", "0000:03:00.0", 1),
    "max1550": ("Intel(R) Data Center GPU Max 1550", "0000:29:00.0", 1),
}
# One of each maker verifies every kernel; the others a kernel of each kind of argument.
VERIFY_WHOLE = {"h100", "mi300x", "a770"}
RATES = ["read_bytes_per_s", "copy_bytes_per_s", "fp32_macs_per_s", "empty_launch_s"]


class Boards(LayerTest):
    def done(self, board, *arguments, keys=SMALL, code=0):
        devices = [{"board": board, **keys}] * BOARDS[board][2]
        done = self.under(devices, *arguments)
        self.assertEqual(done.returncode, code, f"{board} {arguments}\n{done.stdout}{done.stderr}")
        return done

    def devices(self, board):
        name, pci, count = BOARDS[board]
        rows = json.loads(self.done(board, "devices", "--json", keys={}).stdout)
        self.assertEqual(len(rows), count)
        self.assertEqual(len({row["id"] for row in rows}), count)
        for row in rows:
            self.assertIn(name, [row["name"], row["board"]])
            self.assertEqual(row["pci"], pci)
            self.assertEqual((row["type"], row["kernel_family"]), ("gpu", "gpu"))
            self.assertIsNone(row["meter"])
        text = self.done(board, "devices", keys={}).stdout
        self.assertIn(name, text)
        for line in text.splitlines():
            self.assertNotIn("does not build", line)  # for --verbose
        self.assertEqual(text.count("missing:"), count)

    def meters(self, board):
        self.assertIn("nvml", self.done(board, "meters").stdout)

    def ceilings(self, board):
        done = self.done(board, "ceilings", "--json")
        self.assertIn("ceilings over windows of 0.001 s (QTRAP_CEILING_WINDOW_S)", done.stderr)  # of support.py
        rows = {row["quantity"]: row for row in json.loads(done.stdout)}
        for name in RATES:
            self.assertGreater(rows[name]["value"], 0)
        for row in rows.values():
            self.assertTrue(row["value"] is not None or row["reason"], row)
        self.assertAlmostEqual(rows["vector_macs_per_byte"]["value"], rows["fp32_macs_per_s"]["value"] / rows["read_bytes_per_s"]["value"])
        self.assertEqual(rows["operation_budget/q4_0-fused"]["basis"], "derived")
        self.assertEqual(rows["predicted_bound_batch/q4_0-fused"]["basis"], "predicted")
        self.assertGreaterEqual(rows["predicted_bound_batch/q4_0-fused"]["value"], 1)

    def verify(self, board):
        chosen = [] if board in VERIFY_WHOLE else ["--kernel", "cast_f16"]
        rows = json.loads(self.done(board, "verify", "--json", *chosen).stdout)
        statuses = {row["status"] for row in rows}
        self.assertLessEqual(statuses, {"pass", "unsupported"})
        self.assertIn("pass", [row["status"] for row in rows if row["kernel"].endswith("_gpu")])
        if not chosen:
            self.assertGreater(len(rows), 60)
            for row in rows:
                self.assertTrue(row["status"] == "pass" or row["reason"], row)

    def tune(self, board):
        done = self.done(board, "tune", "--quiet", "--tokens", "1", "--max-seconds", "0", "--out", f"{board}.json")
        self.assertIn("gemv_f16_f16_gpu", done.stdout)
        self.check(f"{board}.json")

    def smoke(self, board):
        name, pci, _ = BOARDS[board]
        done = self.done(board, "run", "smoke", "--out", f"{board}.jsonl", "--quiet", "--set", "max_seconds=20", keys=SMALL | ROOM)
        self.check(f"{board}.jsonl")
        points = self.records(self.folder / f"{board}.jsonl", "point")
        self.assertEqual([point["status"] for point in points], ["ok"] * 4)
        for point in points:
            self.assertIn(point["scheme"], done.stdout)
            self.assertEqual(point["energy_status"], "no_meter")
            if point["scheme"] != "f16":
                self.assertTrue(any(kernel.endswith("_gpu") for kernel in point["kernels_used"]), point["kernels_used"])
        device = self.records(self.folder / f"{board}.jsonl", "session")[0]["device"]
        self.assertIn(name, [device["name"], device["board"]])
        self.assertEqual(device["pci"], pci)


def add_tests(boards):
    for board in boards:
        for command in ["devices", "meters", "ceilings", "verify", "tune", "smoke"]:
            setattr(Boards, f"test_{board}_{command}", lambda self, board=board, command=command: getattr(self, command)(board))


if __name__ == "__main__":
    assert set(sys.argv[1:]) <= set(BOARDS), f"no such board: {sys.argv[1:]}"
    add_tests(sys.argv[1:] or BOARDS)
    unittest.main(argv=sys.argv[:1])
