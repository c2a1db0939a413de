"""The layer itself: each board answers as its file says, and each kind of fault reaches the program. What the program makes of faults
stands in faults_test.py."""
import json
import unittest

from layer_support import BOARDS, LayerTest

KEYS_OF_DEVICES = {"name": "name", "driver": "driver", "memory_bytes": "memory_bytes", "compute_units": "compute_units", "cache_bytes": "cache_bytes"}


def keys_of(path):
    """The keys of a board file, its includes first."""
    keys = {}
    for line in path.read_text().splitlines():
        if line.startswith("include "):
            keys.update(keys_of(path.parent / line.split()[1]))
        elif "=" in line and not line.startswith("#"):
            key, value = line.split("=", 1)
            keys[key.strip()] = value.strip()
    return keys


class Layer(LayerTest):
    def test_every_board_answers_as_its_file_says(self):
        names = sorted(path.stem for path in BOARDS.glob("*.txt") if "name" in keys_of(path))
        self.assertGreater(len(names), 9)
        # All in one process: probes are compiled once.
        rows = self.devices(names)
        self.assertEqual(len(rows), len(names))
        for name, row in zip(names, rows):
            for column, key in KEYS_OF_DEVICES.items():
                self.assertIn(keys_of(BOARDS / f"{name}.txt")[key], str(row[column]), name)

    def test_keys_replace_those_of_the_board(self):
        rows = self.devices(["h100", {"board": "h100", "pci": "0000:41:00.0", "memory_bytes": 1 << 30}])
        self.assertEqual([row["pci"] for row in rows], ["0000:19:00.0", "0000:41:00.0"])
        self.assertEqual(rows[1]["memory_bytes"], 1 << 30)

    def test_a_key_that_no_board_has_ends_the_program(self):
        done = self.under({"board": "h100", "colour": "red"}, "devices")
        self.assertEqual(done.returncode, 1)  # the child that tries the drivers ends, and its words are the reason
        self.assertIn("no such key: colour", done.stderr)

    def test_devices_are_dropped_and_reordered(self):
        self.assertEqual([row["name"] for row in self.devices(["h100", "rtx4090"], faults="devices do=drop device=0")], ["NVIDIA GeForce RTX 4090"])
        self.assertIn("4090", self.devices(["h100", "rtx4090"], faults="devices do=reverse")[0]["name"])

    def test_a_wrong_result_reaches_verify(self):
        for change in ["scale factor=1.5", "zero", "nan"]:
            done = self.under("h100", "verify", "--json", "--kernel", "cast_f16_f32", faults=f"result kernel=cast_f16_f32_gpu from=3 do={change}")
            self.assertNotEqual(done.returncode, 0, done.stdout)
            failed = {row["kernel"]: row["status"] == "fail" for row in json.loads(done.stdout)}
            self.assertTrue(failed.pop("cast_f16_f32_gpu"), change)
            self.assertFalse(any(failed.values()), change)

    def test_conditions_decide_when_a_fault_strikes(self):
        # Programs built are counted in each process; print changes nothing else.
        fault = "build do=print source=cast_f16_f32 after=1 times=1 text=hello from the driver"
        done = self.under("h100", "verify", "--kernel", "cast_f16_f32", faults=fault)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertEqual(len(self.struck()), 1)
        once = self.folder / "once"
        for strikes in [1, 0]:
            self.run_program("devices", environment=self.layer_environment("h100", f"devices do=print once={once}"))
            self.assertEqual(len(self.struck()), strikes)


if __name__ == "__main__":
    unittest.main()
