"""tools/lint must read again what changed and nothing else, through a source, and record only what was read clean.
clang's programs and cmake are stand-ins: clang-tidy-14 writes down what it is given and finds the word BAD."""
import os
import pathlib
import shutil
import subprocess
import tempfile
import unittest

LINT = pathlib.Path(os.environ["QTRAP_SOURCE"]) / "tools" / "lint"
SOURCES = {
    ".clang-tidy": "Checks: '*'\n",
    "host/core/text.hpp": "",
    "host/core/text.cpp": '#include "core/text.hpp"\n',
    "host/core/units.hpp": "",  # no source of its name
    "host/core/clock.hpp": '#include "core/units.hpp"\n',
    "host/core/clock.cpp": '#include "core/clock.hpp"\n',
    "bench/kernels/peers.hpp": "",
    "bench/kernels/main.cpp": '#include "peers.hpp"\n',
}
ALL_UNITS = ["bench/kernels/main.cpp", "host/core/clock.cpp", "host/core/text.cpp"]
TIDY = """#!/bin/sh
for last; do :; done
echo "$last" >>"$READ"
! grep BAD "$last"
"""


class Lint(unittest.TestCase):
    def setUp(self):
        self.root = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
        self.log = self.root / "read"
        for path, text in SOURCES.items():
            self.write(path, text)
        (self.root / "tools").mkdir()
        shutil.copy(LINT, self.root / "tools" / "lint")
        for program in ("tools/install-packages", "bin/clang-format-14", "bin/cmake", "bin/clang-tidy-14"):
            self.write(program, TIDY if program.endswith("tidy-14") else "#!/bin/sh\n")
            (self.root / program).chmod(0o755)
        for arguments in (["init", "--quiet"], ["add", "."]):
            subprocess.run(["git", *arguments], cwd=self.root, check=True)

    def write(self, path, text):
        (self.root / path).parent.mkdir(parents=True, exist_ok=True)
        (self.root / path).write_text(text, encoding="utf-8")

    def lint(self, *arguments, code=0):
        """The files that clang-tidy was given."""
        self.log.write_text("", encoding="utf-8")
        environment = {**os.environ, "PATH": f"{self.root}/bin:{os.environ['PATH']}", "READ": str(self.log)}
        done = subprocess.run([self.root / "tools" / "lint", *arguments], env=environment, capture_output=True, text=True)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return sorted(self.log.read_text(encoding="utf-8").split())

    def test_reads_everything_until_a_clean_run_is_recorded(self):
        self.assertEqual(self.lint(), ALL_UNITS)
        self.assertEqual(self.lint("--record"), ALL_UNITS)
        self.assertEqual(self.lint(), [])
        self.assertEqual(self.lint("--all"), ALL_UNITS)

    def test_reads_a_changed_source_until_it_is_recorded_or_changed_back(self):
        self.lint("--record")
        self.write("host/core/text.cpp", "// new\n")
        self.assertEqual(self.lint(), ["host/core/text.cpp"])
        self.assertEqual(self.lint(), ["host/core/text.cpp"])
        self.assertEqual(self.lint("--record"), ["host/core/text.cpp"])
        self.assertEqual(self.lint(), [])
        self.write("host/core/text.cpp", SOURCES["host/core/text.cpp"])
        self.assertEqual(self.lint("--record"), ["host/core/text.cpp"])

    def test_reads_a_changed_header_through_a_source(self):
        self.lint("--record")
        for header, reader in (("host/core/text.hpp", "host/core/text.cpp"), ("host/core/units.hpp", "host/core/clock.cpp"),
                               ("bench/kernels/peers.hpp", "bench/kernels/main.cpp")):
            with self.subTest(header):
                self.write(header, "// new\n")
                self.assertEqual(self.lint("--record"), [reader])

    def test_a_move_is_no_change_but_another_include_is(self):
        self.lint("--record")
        (self.root / "host/core/more").mkdir()
        (self.root / "host/core/text.hpp").rename(self.root / "host/core/more/text.hpp")
        self.write("host/core/text.cpp", '#include "core/more/text.hpp"\n')
        subprocess.run(["git", "add", "-A"], cwd=self.root, check=True)
        self.assertEqual(self.lint(), [])
        for text in ('#include "core/more/text.hpp"\n#include "core/more/text.hpp"\n', '#include "core/clock.hpp"\n'):
            self.write("host/core/text.cpp", text)
            self.assertEqual(self.lint(), ["host/core/text.cpp"])

    def test_another_configuration_makes_everything_unread(self):
        self.lint("--record")
        self.write(".clang-tidy", "Checks: 'bugprone-*'\n")
        self.assertEqual(self.lint(), ALL_UNITS)

    def test_a_finding_fails_and_records_nothing(self):
        self.lint("--record")
        self.write("host/core/text.cpp", "// BAD\n")
        self.lint("--record", code=1)
        self.assertEqual(self.lint(code=1), ["host/core/text.cpp"])

    def test_the_format_alone_reads_nothing(self):
        self.assertEqual(self.lint("--format"), [])

    def test_an_unknown_argument_is_refused(self):
        self.assertEqual(self.lint("--some", code=2), [])


if __name__ == "__main__":
    unittest.main()
