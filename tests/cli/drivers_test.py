"""Drivers that crash, end the process, hang or print while they are loaded, and drivers that cannot be loaded. QTRAP_BAD_DRIVER names the
library of tests/support/bad_driver.cpp."""
import json
import os
import pathlib
import unittest

from support import SOURCE, ProgramTest

BAD_DRIVER = os.environ["QTRAP_BAD_DRIVER"]
VENDORS = pathlib.Path("/etc/OpenCL/vendors")


class DriversTest(ProgramTest):
    def icd(self, **libraries):
        """A folder of .icd files, and the environment that makes the loader look there alone."""
        folder = self.folder / "vendors"
        folder.mkdir(exist_ok=True)
        for name, library in libraries.items():
            (folder / f"{name}.icd").write_text(f"{library}\n")
        return {"OCL_ICD_VENDORS": str(folder)}

    def beside_pocl(self, how):
        pocl = VENDORS / "pocl.icd"
        if not pocl.exists():
            self.skipTest(f"no {pocl}")
        return {**self.icd(bad=BAD_DRIVER, pocl=pocl.read_text().strip()), "BAD_DRIVER": how}

    def test_commands_that_need_no_device_load_no_driver(self):
        table = SOURCE / "tests" / "data" / "imports" / "a800_summary.csv"
        commands = [["--help"], ["--version"], ["run", "--help"], ["import", table, "--map", "a800_summary", "--out", "o.jsonl"],
                    ["check", "o.jsonl"], ["export", "o.jsonl", "--format", "csv"], ["compare", "o.jsonl"], ["fit", "o.jsonl"], ["meters"]]
        for how in ("crash", "exit", "hang"):
            environment = {**self.icd(bad=BAD_DRIVER), "BAD_DRIVER": how}
            (self.folder / "o.jsonl").unlink(missing_ok=True)
            for command in commands:
                done = self.run_program(*command, environment=environment)
                self.assertEqual(done.returncode, 0, f"{how} {command}: {done.stderr}")
                self.assertTrue(done.stdout or command[0] in ("check", "import"), f"{how} {command}: no output")

    def test_version_names_the_loader(self):
        self.assertRegex(self.run_program("--version").stdout, r"OpenCL loader \S+ \S+")

    def test_a_driver_that_ends_the_process_is_named_with_its_last_words(self):
        for how, words in (("abort", "ended by SIGABRT (abort: a check of the driver or its compiler failed); it said: bad driver: cannot find its device"),
                           ("crash", "ended by SIGSEGV"), ("exit", "exit code 0")):
            done = self.run_program("devices", environment=self.beside_pocl(how))
            self.assertEqual(done.returncode, 1, f"{how}: {done.stdout}")
            self.assertRegex(done.stderr, r"^qtrap: error: an OpenCL driver cannot be loaded: \S*/bad\.icd names \S*: ")
            self.assertIn(words, done.stderr)
            self.assertEqual(done.stderr.count("\n"), 1, done.stderr)

    def test_the_advice_beside_a_crashing_driver_can_be_followed(self):
        environment = self.beside_pocl("crash")
        error = self.run_program("devices", environment=environment).stderr
        only = error.split("OCL_ICD_VENDORS=")[1].split()[0]
        done = self.run_program("devices", "--json", environment={**environment, "OCL_ICD_VENDORS": only})
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertTrue(json.loads(done.stdout))

    def test_what_a_driver_prints_does_not_reach_the_results(self):
        done = self.run_program("devices", "--json", environment=self.beside_pocl("print"))
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertTrue(json.loads(done.stdout))
        self.assertIn("this driver greets its users", done.stderr)

    def test_drivers_that_cannot_be_loaded_are_named_with_their_files(self):
        done = self.run_program("devices", environment=self.icd(nvidia="libnvidia-opencl.so.1000", empty=""))
        self.assertEqual(done.returncode, 1)
        self.assertRegex(done.stderr, r"no OpenCL platform found: \S*/empty\.icd names no library or cannot be read; \S*/nvidia\.icd names "
                                      r"libnvidia-opencl\.so\.1000, which cannot be loaded \(cannot open shared object file")

    def test_a_driver_that_cannot_be_loaded_is_named_beside_one_that_can(self):
        environment = self.beside_pocl("nothing")
        self.icd(amdocl64="libamdocl64.so.1000")
        done = self.run_program("devices", "--json", environment=environment)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertTrue(json.loads(done.stdout))
        self.assertIn("amdocl64.icd names libamdocl64.so.1000, which cannot be loaded", done.stderr)

    def test_an_empty_folder_of_drivers_is_named(self):
        done = self.run_program("devices", environment=self.icd())
        self.assertEqual(done.returncode, 1)
        self.assertIn(f"no driver is named in {self.folder / 'vendors'}", done.stderr)

    def test_pocl_without_the_cache_it_was_told_names_the_folder(self):
        done = self.run_program("devices", environment={**self.beside_pocl("nothing"), "POCL_CACHE_DIR": "/proc/nope"})
        self.assertEqual(done.returncode, 1, done.stdout)
        self.assertIn("the platform Portable Computing Language gives no device", done.stderr)
        self.assertIn("a cache folder that it can write, here /proc/nope", done.stderr)

    def test_pocl_without_a_writable_home_or_with_an_empty_variable_finds_a_folder(self):
        for changes in ({"XDG_CACHE_HOME": "/proc/nope"}, {"XDG_CACHE_HOME": "", "HOME": "/proc/nope"}):
            done = self.run_program("devices", "--json", environment={**self.beside_pocl("nothing"), "POCL_CACHE_DIR": "", **changes})
            self.assertEqual(done.returncode, 0, f"{changes}: {done.stderr}")
            self.assertTrue(json.loads(done.stdout))


if __name__ == "__main__":
    unittest.main()
