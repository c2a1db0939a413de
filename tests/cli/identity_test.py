"""Which device is measured: reordered and vanished devices, addresses that several boards share, several GPUs and none named, sick
devices, boards' own names. Boards and faults of tests/layer."""
import json
import unittest

from layer_support import SMALL, LayerTest

SMALL_H100 = {**SMALL, "board": "h100", "memory_bytes": 2 * SMALL["memory_bytes"]}  # more than the other: it is the default
SMALL_4090 = {**SMALL, "board": "rtx4090"}
TWO_MI300A = ["mi300a", {"board": "mi300a", "amd.topology": "0001:02:00.0"}]


class IdentityTest(LayerTest):
    def setUp(self):
        super().setUp()
        self.write("one.json", self.campaign(schemes=["f16", "w8a16-split"], hops=[1]))

    def plan(self, boards, *arguments, code=0, **options):
        done = self.under(boards, "run", "one.json", "--dry-run", *arguments, **options)
        self.assertEqual(done.returncode, code, done.stderr)
        return done

    def test_a_reordered_device_is_still_the_one_measured(self):
        done = self.under([SMALL_H100, SMALL_4090], "run", "one.json", "--device", "H100", "--out", "out.jsonl",
                          faults="devices do=reverse argv=run-session")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("measuring on NVIDIA H100 80GB HBM3, pci:0000:19:00.0", done.stderr)
        sessions = self.records(self.folder / "out.jsonl", "session")
        self.assertEqual({(one["device"]["id"], one["device"]["name"]) for one in sessions}, {("pci:0000:19:00.0", "NVIDIA H100 80GB HBM3")})

    def test_a_vanished_device_is_not_replaced_by_another(self):
        done = self.under([SMALL_H100, SMALL_4090], "run", "one.json", "--device", "H100", "--out", "out.jsonl",
                          faults="devices do=drop device=0 argv=run-session")
        self.assertEqual(done.returncode, 1, done.stdout)
        self.assertIn("the device of this run is gone (NVIDIA H100 80GB HBM3, pci:0000:19:00.0)", done.stderr)
        self.assertFalse((self.folder / "out.jsonl").exists())

    def test_one_address_twice_is_no_identity_and_takes_no_meter(self):
        rows = self.devices(TWO_MI300A)
        self.assertEqual(len({row["id"] for row in rows}), 2)
        for row in rows:
            self.assertIsNone(row["pci"])
            self.assertIsNone(row["meter"])
            self.assertIn("report one PCI address, 0000:02:00.0", row["pci_doubt"])
            self.assertIn(row["pci_doubt"], row["meter_reason"])

    def test_uuids_of_zeros_and_shared_ones_are_no_identity(self):
        none = {"board": "uhd770", "uuid": "0" * 32, "pci": "error -30"}
        rows = self.devices([none, {**none, "name": "another"}])
        self.assertEqual([row["uuid"] for row in rows], [None, None])
        self.assertEqual(len({row["id"] for row in rows}), 2)

    def test_nvidias_slot_is_the_number_of_the_device(self):
        rows = self.devices({"board": "h100", "pci": "error -30", "nv.pci_bus": 0, "nv.pci_slot": 30})
        self.assertEqual(rows[0]["pci"], "0000:00:1e.0")

    def test_a_board_is_found_by_its_own_name_and_both_names_are_kept(self):
        row = self.devices("mi300x")[0]
        self.assertEqual((row["name"], row["board"]), ("gfx942:sramecc+:xnack-", "AMD Instinct MI300X"))
        done = self.under({**SMALL, "board": "mi300x"}, "run", "one.json", "--device", "MI300X", "--out", "out.jsonl")
        self.assertEqual(done.returncode, 0, done.stderr)
        device = self.records(self.folder / "out.jsonl", "session")[0]["device"]
        self.assertEqual((device["name"], device["board"]), ("gfx942:sramecc+:xnack-", "AMD Instinct MI300X"))
        self.check(self.folder / "out.jsonl")

    def test_an_integrated_gpu_never_wins_and_the_choice_is_said(self):
        for boards in (["uhd770", "rtx4090"], ["rtx4090", "uhd770"]):
            for selector in ((), ("--device", "gpu")):
                done = self.plan(boards, *selector)
                self.assertIn("campaign tiny on NVIDIA GeForce RTX 4090", done.stdout)
                self.assertRegex(done.stderr, r"several GPUs and none named: took \d NVIDIA GeForce RTX 4090 \(discrete, .*before \d Intel\(R\) UHD")
        self.assertNotIn("several GPUs", self.plan(["uhd770", "rtx4090"], "--device", "UHD").stderr)

    def test_the_choice_is_a_hazard_of_the_sessions(self):
        done = self.under([SMALL_H100, SMALL_4090], "run", "one.json", "--out", "out.jsonl", "--quiet")
        self.assertEqual(done.returncode, 0, done.stderr)
        for session in self.records(self.folder / "out.jsonl", "session"):
            self.assertTrue([hazard for hazard in session["hazards"] if hazard.startswith("several GPUs and none named: took 0 NVIDIA H100")])

    def test_a_sick_device_costs_its_own_row(self):
        boards = [{"board": "h100", "cache_bytes": "error -30"}, "rtx4090"]
        sick, well = self.devices(boards)
        self.assertIn("CL_INVALID_VALUE", sick["fault"])
        self.assertIsNone(sick["memory_bytes"])
        self.assertIsNone(well["fault"])
        text = self.under(boards, "devices").stdout
        self.assertIn("cannot be described: clGetDeviceInfo: CL_INVALID_VALUE (-30)", text)
        self.assertIn("on NVIDIA GeForce RTX 4090", self.plan(boards, "--device", "RTX 4090").stdout)
        done = self.plan(boards)
        self.assertIn("on NVIDIA GeForce RTX 4090", done.stdout)
        self.assertIn("device 0 NVIDIA H100 80GB HBM3 was passed over", done.stderr)
        self.assertIn("choose another with --device: 1 NVIDIA GeForce RTX 4090", self.plan(boards, "--device", "0", code=1).stderr)

    def test_names_with_control_characters_stay_on_their_line(self):
        text = self.under({"board": "h100", "name": "GPU\x1b[31mred\x9b|y"}, "devices").stdout
        self.assertNotIn("\x1b", text)
        self.assertIn("GPU\\x1b[31mred\\u009b|y", text.splitlines()[1])

    def test_require_gpu_refuses_a_processor(self):
        done = self.plan("cpu", "--require-gpu", code=1)
        self.assertIn("qtrap: error: the device is no GPU (0 ", done.stderr)
        self.assertIn("name one with --device", done.stderr)
        self.plan("h100", "--require-gpu")

    def test_require_gpu_says_which_gpu_was_passed_over(self):
        done = self.plan([{"board": "h100", "cache_bytes": "error -30"}, "cpu"], "--require-gpu", code=1)
        self.assertRegex(done.stderr, "error: the device is no GPU .*device 0 NVIDIA H100 80GB HBM3 was passed over")

    def test_missing_capabilities_are_one_line_and_their_reasons_with_verbose(self):
        brief = self.under("h100", "devices").stdout
        self.assertEqual(brief.count("missing: "), 1)
        self.assertNotIn("error", brief)
        self.assertGreater(len(self.under("h100", "devices", "--verbose").stdout.splitlines()), len(brief.splitlines()) + 5)


if __name__ == "__main__":
    unittest.main()
