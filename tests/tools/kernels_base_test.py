"""tools/kernels-base leaves out what passed as it is and nothing else: a file is new again when its text, a header that it
includes through another, a compilation or the check itself changed."""
import os
import pathlib
import sys
import tempfile
import unittest

ROOT = pathlib.Path(os.environ["QTRAP_SOURCE"])
sys.dont_write_bytecode = True
sys.path.insert(0, str(ROOT / "tools"))
from kernel_code.checked import list_sources, make_line, read_base, record


class KernelsBase(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.kernels = pathlib.Path(folder.name)
        self.write("a.cl", '#include "b.clh"\nkernel\n')
        self.write("b.clh", '  #include "c.clh"\n')
        self.write("c.clh", "first\n")
        self.write("other.cl", "apart\n")

    def write(self, name, text):
        (self.kernels / name).write_text(text)

    def line(self, file="a.cl", rows=("one", "two"), state="tools"):
        return make_line("offline", file, rows, self.kernels, state)

    def test_sources_are_those_of_all_depths(self):
        self.assertEqual(sorted(list_sources(self.kernels, "a.cl")), ["a.cl", "b.clh", "c.clh"])

    def test_a_file_is_new_when_anything_changes(self):
        before, other = self.line(), self.line("other.cl")
        self.assertEqual(before, self.line(rows=("two", "one")))
        for rows, state in ((("one",), "tools"), (("one", "three"), "tools"), (("one", "two"), "newer tools")):
            self.assertNotEqual(before, self.line(rows=rows, state=state))
        self.write("c.clh", "second\n")
        self.assertNotEqual(before, self.line())
        self.assertEqual(other, self.line("other.cl"))

    def test_a_record_replaces_the_lines_of_its_check(self):
        base = self.kernels / "base"
        self.assertEqual(read_base(base), set())
        record("ptx", ["ptx a.cl 1"], base)
        record("offline", ["offline a.cl 2", "offline other.cl 3"], base)
        record("offline", ["offline a.cl 4"], base)
        self.assertEqual(base.read_text(), "offline a.cl 4\nptx a.cl 1\n")

    def test_what_the_tree_lists_is_of_files_that_it_has(self):
        lines = read_base()
        self.assertEqual({line.split()[0] for line in lines}, {"offline", "ptx"})
        self.assertEqual([line for line in lines if not (ROOT / "kernels" / line.split()[1]).exists()], [])


if __name__ == "__main__":
    unittest.main()
