"""check-layers against copies of host/ with one fault each."""
import os
import pathlib
import shutil
import subprocess
import tempfile
import unittest

SOURCE = pathlib.Path(os.environ["QTRAP_SOURCE"])


class CheckLayers(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.root = pathlib.Path(self.folder.name)
        shutil.copytree(SOURCE / "host", self.root / "host")

    def tearDown(self):
        self.folder.cleanup()

    def check(self):
        return subprocess.run(["/usr/bin/python3", SOURCE / "tools/check-layers", self.root], capture_output=True, text=True, check=False)

    def assert_found(self, words):
        found = self.check()
        self.assertEqual(found.returncode, 1, found.stdout)
        self.assertIn(words, found.stdout)

    def change(self, path, old, new):
        file = self.root / path
        text = file.read_text()
        self.assertIn(old, text)
        file.write_text(text.replace(old, new, 1))

    def test_the_tree_is_in_order(self):
        self.assertEqual(self.check().returncode, 0)

    def test_an_include_against_the_flow(self):
        self.change("host/format/rows.hpp", "#pragma once\n", '#pragma once\n#include "scheme/scheme.hpp"\n')
        self.assert_found("layer format must not include scheme")

    def test_a_layer_within_a_layer_is_one_of_its_own(self):
        self.change("host/scheme/pass.cpp", '#include "scheme/pass.hpp"\n', '#include "scheme/pass.hpp"\n#include "scheme/verify/verify.hpp"\n')
        self.assert_found("layer scheme must not include scheme/verify")

    def test_a_circle_of_layers(self):
        self.change("host/core/CMakeLists.txt", "qtrap_add_layer(core", "qtrap_add_layer(core DEPS device")
        self.assert_found("layer core comes before device, which it needs")

    def test_a_folder_without_a_layer(self):
        (self.root / "host/fit/more").mkdir()
        (self.root / "host/fit/more/one.cpp").write_text("")
        self.assert_found("no layer has this folder")

    def test_a_library_that_belongs_to_another(self):
        self.change("host/fit/row.cpp", '#include "fit/row.hpp"\n', '#include "fit/row.hpp"\n#include <nlohmann/json.hpp>\n')
        self.assert_found("only report, result, table may include this")

    def test_a_folder_of_too_many_sources(self):
        for number in range(21):
            (self.root / f"host/judge/more_{number}.cpp").write_text("")
        self.assert_found("host/judge: 28 sources, at most 20: split it by what its files are for")

    def test_a_file_of_too_many_lines(self):
        self.change("host/fit/row.cpp", "namespace", "\n" * 500 + "namespace")
        self.assert_found("lines, at most 500")

    def test_a_function_of_too_many_lines(self):
        self.change("host/fit/row.cpp", "namespace", "int count(int a,\n          int b) {\n" + "  ++a;\n" * 58 + "}\nnamespace")
        self.assert_found("host/fit/row.cpp:")
        self.assert_found("a function of 61 lines, at most 60")

    def test_a_function_as_long_as_may_be_is_fine(self):
        self.change("host/fit/row.cpp", "namespace", "int count(int a) {\n" + "  ++a;\n" * 58 + "}\nnamespace")
        self.assertNotIn("a function of", self.check().stdout)


if __name__ == "__main__":
    unittest.main()
