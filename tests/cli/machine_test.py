"""The program on machines as they are: descriptors closed or full, pipes nobody reads, narrow terminals, limits of the batch system,
side files that are torn, variables that are not set."""
import fcntl
import json
import os
import pty
import re
import resource
import shutil
import signal
import struct
import subprocess
import termios
import unittest

from support import QTRAP, SOURCE, ProgramTest

COMMANDS = ["devices", "verify", "meters", "ceilings", "tune", "run", "check", "fit", "plan", "compare", "import", "export"]


class Machine(ProgramTest):
    def setUp(self):
        super().setUp()
        self.write("one.json", self.campaign(schemes=["f16", "w8a16-split"], hops=[1], sessions=1))

    def start(self, *arguments, **options):
        return subprocess.run([QTRAP, *map(str, arguments)], cwd=self.folder, timeout=300, check=False, **options)

    def measured(self):
        self.finish("one.json", "--device", "cpu", "--quiet", "--out", "r.jsonl")
        return self.folder / "r.jsonl"


class Descriptors(Machine):
    def test_closed_input_and_output_leave_the_result_file_to_the_records(self):
        def close():
            os.close(0)
            os.close(1)
        self.start("run", "one.json", "--device", "cpu", "--quiet", "--out", "r.jsonl", preexec_fn=close, stderr=subprocess.DEVNULL)
        self.check(self.folder / "r.jsonl")

    def test_an_error_that_cannot_be_printed_keeps_its_exit_code(self):
        with open("/dev/full", "w", encoding="utf-8") as full:
            self.assertEqual(self.start("check", "missing", stderr=full).returncode, 2)
            self.assertEqual(self.start("run", "no-such-campaign", stderr=full).returncode, 2)
        for arguments in (["check", "missing"], ["run", "no-such-campaign"], ["frobnicate"]):
            self.assertEqual(self.start(*arguments, preexec_fn=lambda: os.close(2)).returncode, 2)

    def test_progress_without_a_reader_ends_no_campaign(self):
        read_end, write_end = os.pipe()
        os.close(read_end)
        done = self.start("run", "one.json", "--device", "cpu", "--out", "r.jsonl", stdout=subprocess.DEVNULL, stderr=write_end)
        os.close(write_end)
        self.assertEqual(done.returncode, 0)
        self.assertEqual(self.records(self.folder / "r.jsonl", "end")[0]["status"], "complete")

    def test_a_parent_that_ignores_the_end_of_children_loses_none(self):
        done = self.start("run", "one.json", "--device", "cpu", "--quiet", "--out", "r.jsonl", stdout=subprocess.DEVNULL,
                          preexec_fn=lambda: signal.signal(signal.SIGCHLD, signal.SIG_IGN))
        self.assertEqual(done.returncode, 0)
        self.check(self.folder / "r.jsonl")

    def test_a_full_output_is_an_error_and_a_reader_that_left_is_none(self):
        path = self.measured()
        with open("/dev/full", "w", encoding="utf-8") as full:
            done = self.start("export", path, "--format", "csv", stdout=full, stderr=subprocess.PIPE, text=True)
        self.assertEqual(done.returncode, 1)
        self.assertIn("standard output cannot be written", done.stderr)
        read_end, write_end = os.pipe()
        os.close(read_end)
        done = self.start("export", path, "--format", "csv", stdout=write_end, stderr=subprocess.PIPE, text=True)
        os.close(write_end)
        self.assertEqual((done.returncode, done.stderr), (0, ""))

    def test_a_dash_sends_the_records_to_standard_output_and_the_table_to_stderr(self):
        done = self.finish("one.json", "--device", "cpu", "--quiet", "--out", "-")
        kinds = [json.loads(line)["record"] for line in done.stdout.splitlines()]
        self.assertEqual((kinds[0], kinds[-1]), ("session", "end"))
        self.assertIn("w8a16-split", done.stderr)
        self.check(self.write("piped.jsonl", done.stdout))
        self.assertNotIn("-", self.listing())
        tables = SOURCE / "tests" / "data" / "imports"
        name = "rtx5090_bnb_2026-09-20"
        imported = self.run_program("import", tables / f"{name}.csv", "--map", name, "--out", "-")
        self.check(self.write("imported.jsonl", imported.stdout))
        self.assertIn("points of", imported.stderr)
        fitted = self.run_program("fit", "imported.jsonl", "--out", "-")
        self.assertEqual(json.loads(fitted.stdout)["schema"], "qtrap.fit", fitted.stderr)
        self.assertTrue(self.run_program("export", "piped.jsonl", "--format", "csv", "--out", "-").stdout.startswith("session_id"))
        refused = self.run_program("run", "--resume", "-")
        self.assertEqual(refused.returncode, 2)
        self.assertIn("a stream cannot be resumed", refused.stderr)

    def test_a_file_size_limit_is_named(self):
        self.measured()  # PoCL's cache is filled: its files know limits too

        def limit():
            resource.setrlimit(resource.RLIMIT_FSIZE, (1024, 1024))
        done = self.start("run", "one.json", "--device", "cpu", "--quiet", "--out", "limited.jsonl", preexec_fn=limit,
                          stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertIn("file size limit", done.stderr)


class Terminal(Machine):
    def test_no_update_is_wider_than_the_terminal(self):
        main, other = pty.openpty()
        fcntl.ioctl(other, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 40, 0, 0))
        with subprocess.Popen([QTRAP, "run", "one.json", "--device", "cpu", "--out", "r.jsonl"], cwd=self.folder,
                              stdout=subprocess.DEVNULL, stderr=other) as running:
            os.close(other)
            text = b""
            while True:
                try:
                    chunk = os.read(main, 4096)
                except OSError:  # the other end is closed
                    break
                text += chunk
                if not chunk:
                    break
        os.close(main)
        self.assertEqual(running.returncode, 0)
        # Lines that are no progress (what a driver or the choice of a device says) come before, or after a line's end.
        updates = [update.splitlines()[0] for update in text.decode().split("\r\x1b[K")[1:] if update]
        self.assertGreater(len(updates), 2)
        self.assertTrue(any("session 1/1" in update for update in updates))
        self.assertLessEqual(max(map(len, updates)), 40)


class Words(Machine):
    def test_an_empty_value_is_refused_for_every_option_of_every_command(self):
        tried = 0
        for command in COMMANDS:
            text = self.run_program(command, "--help").stdout
            for option in re.findall(r"^  (--[a-z-]+) \S", text, re.M):
                done = self.run_program(command, option, "")
                with self.subTest(command=command, option=option):
                    self.assertEqual(done.returncode, 2, done.stderr)
                    self.assertIn(f"empty value ({option})", done.stderr)
                    tried += 1
        self.assertGreater(tried, 25)
        for words in (["run", ""], ["check", ""], ["export", "", "--format", "csv"]):
            self.assertIn("empty value", self.run_program(*words).stderr)

    def test_the_program_holds_no_path_of_the_machine_that_built_it(self):
        with open(QTRAP, "rb") as program:
            self.assertNotIn(str(SOURCE).encode() + b"/", program.read())

    def test_names_from_files_stay_in_their_folder(self):
        for name in ("../../climbed/x", ".hidden", "a b", "x" * 101):
            done = self.run_program("run", self.write("bad.json", self.campaign(name=name)), "--quiet")
            self.assertEqual(done.returncode, 2, done.stderr)
            self.assertIn("`name` cannot be part of a file name", done.stderr)
            done = self.run_program("run", "one.json", "--set", f"name={name}")
            self.assertIn("`name` cannot be part of a file name", done.stderr)
        self.assertFalse((self.folder / "results").exists())

    def test_without_profiles_the_folders_that_were_looked_in_are_named(self):
        alone = self.folder / "alone"
        alone.mkdir()
        shutil.copy(QTRAP, alone / "qtrap")
        done = subprocess.run([alone / "qtrap", "run", "smoke", "--dry-run"], cwd=alone, capture_output=True, text=True, check=False,
                              env={key: value for key, value in os.environ.items() if key != "QTRAP_PROFILES"})
        self.assertEqual(done.returncode, 2)
        for text in ("no campaign profiles found", str(alone / "profiles" / "campaigns"), "QTRAP_PROFILES"):
            self.assertIn(text, done.stderr)


class SideFiles(Machine):
    def test_a_broken_tuning_file_of_any_device_is_passed_over_with_a_hazard(self):
        profiles = self.folder / "profiles"
        shutil.copytree(SOURCE / "profiles", profiles)
        (profiles / "devices").mkdir(exist_ok=True)
        (profiles / "devices" / "aaa-other.json").write_text('{"schema": "qtrap.tuning", "dev')
        self.finish("one.json", "--device", "cpu", "--quiet", "--out", "r.jsonl", environment={"QTRAP_PROFILES": str(profiles)})
        hazards = self.records(self.folder / "r.jsonl", "session")[0]["hazards"]
        self.assertTrue(any("aaa-other.json" in hazard for hazard in hazards), hazards)
        self.assertIn("ceilings over windows of 0.001 s (QTRAP_CEILING_WINDOW_S)", hazards)  # of support.py

    def test_home_unset_or_read_only_stops_nothing(self):
        bare = {key: os.environ[key] for key in ("PATH", "POCL_CACHE_DIR", "OCL_ICD_VENDORS") if key in os.environ}
        for extra in ({}, {"HOME": "/proc", "XDG_CACHE_HOME": "/proc/1"}):
            done = self.start("run", "one.json", "--device", "cpu", "--quiet", "--out", f"r{len(extra)}.jsonl", env={**bare, **extra},
                              stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
            self.assertEqual(done.returncode, 0, done.stderr)

    def test_what_the_process_may_use_is_recorded(self):
        allowed = sorted(os.sched_getaffinity(0))
        path = self.folder / "r.jsonl"
        self.start("run", "one.json", "--device", "cpu", "--quiet", "--out", path, stdout=subprocess.DEVNULL,
                   preexec_fn=lambda: os.sched_setaffinity(0, {allowed[-1]}),
                   env={key: value for key, value in os.environ.items() if key != "POCL_AFFINITY"})
        session = self.records(path, "session")[0]
        self.assertEqual(session["host"]["allowed_processors"], str(allowed[-1]))
        self.assertEqual(session["device"]["compute_units"], 1)


if __name__ == "__main__":
    unittest.main()
