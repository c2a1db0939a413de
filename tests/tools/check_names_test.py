"""tools/check-names must see every branch on a scheme or format that is planted outside the tables, and nothing else."""
import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest

SOURCE = pathlib.Path(os.environ["QTRAP_SOURCE"])
BRANCHES = [
    'if (scheme == "w4a8") return 2;',
    'if (point.scheme != "f16") return 2;',
    'if (format == "int8") return 2;',
    'const auto at = operation.find("i4");',
    'if (scheme.starts_with("w4")) return 2;',
    'if (scheme.ends_with("-split")) return 2;',
    'const char* const kSchemes[] = {"w8a16-fused"};',
    "if (weights.format == WeightFormat::kInt4) return 2;",
    "if (info.activations == scheme::Activations::kInt8) return 2;",
    "using enum format::WeightFormat;",
    "if (scheme.weight_bits() == 4) return 2;",
    "if (16 > point.activation_bits) return 2;",
    "if (format::info(weights).bits < 8) return 2;",
    "switch (scheme.weight_bits()) {",
]
HARMLESS = [
    '// the scheme "w4a8" alone, WeightFormat::kInt4',
    'fail("the scheme \\"w4a8\\" is unknown");',
    'const char* kDoc = "ratio to f16";',
    'if (kernel.starts_with("cast_f16_")) return 2;',
    "const double saved = (anchor.weight_bits - work.weight_bits) / 8;",
    "for (const auto format : all) total += format::info(format).bits;",
    "const char quote = '\"'; // \"f16\"",
]


class CheckNames(unittest.TestCase):
    def setUp(self):
        self.root = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
        for folder in ("host", "bench"):
            shutil.copytree(SOURCE / folder, self.root / folder, ignore=shutil.ignore_patterns("results", "*.md", "schema"))

    def lint(self, code):
        done = subprocess.run([SOURCE / "tools" / "check-names", self.root], capture_output=True, text=True)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return done.stdout + done.stderr

    def plant(self, lines, path="host/measure/planted.cpp"):
        (self.root / path).write_text("".join(line + "\n" for line in lines), encoding="utf-8")

    def change(self, path, old, new):
        text = (self.root / path).read_text(encoding="utf-8")
        self.assertIn(old, text)
        (self.root / path).write_text(text.replace(old, new, 1), encoding="utf-8")

    def test_the_tree_is_clean(self):
        self.lint(0)

    def test_a_branch_outside_the_tables_is_seen_with_its_place(self):
        self.plant(BRANCHES)
        self.plant(BRANCHES[:1], "bench/planted.hpp")
        seen = self.lint(1)
        for number, line in enumerate(BRANCHES, 1):
            with self.subTest(line):
                self.assertRegex(seen, rf"host/measure/planted\.cpp:{number}: .* outside the tables")
        self.assertIn("bench/planted.hpp:1", seen)
        self.assertEqual(len(seen.splitlines()), len(BRANCHES) + 1)

    def test_comments_longer_texts_and_arithmetic_are_no_branches(self):
        self.plant(HARMLESS)
        self.lint(0)

    def test_names_come_from_the_tables(self):
        self.plant(['if (scheme == "nf5-fused" || format == "nf5x") return 2;'])
        self.lint(0)
        self.change("host/scheme/scheme.cpp", "    SchemeInfo{kAnchor", '    SchemeInfo{"nf5-fused", KernelPath::kFused, WeightFormat::kInt4, kF16},\n    SchemeInfo{kAnchor')
        self.assertIn('"nf5-fused"', self.lint(1))
        self.change("host/format/format.hpp", "enum class WeightFormat {", "enum class WeightFormat { kNf5,")
        self.assertIn("no row of WeightFormat::kNf5 is seen", self.lint(1))
        (self.root / "host/format/nf5.cpp").write_text('const FormatInfo kNf5Row{WeightFormat::kNf5, "nf5x", "n5", 4};\n', encoding="utf-8")
        self.assertIn('"nf5x"', self.lint(1))

    def test_rows_written_in_another_way_are_an_error(self):
        self.change("host/scheme/scheme.cpp", "SchemeInfo{kAnchor", "SchemeInfo{name_of(kAnchor)")
        self.assertIn("not all rows of SchemeInfo are seen", self.lint(1))

    def test_a_table_without_names_leaves_the_list(self):
        path = self.root / "bench/harness.cpp"
        path.write_text(re.sub(r'"w4a16-split"', "kAnchor", path.read_text(encoding="utf-8")), encoding="utf-8")
        self.assertIn("bench/harness.cpp (the schemes it runs: a list): names no scheme or format", self.lint(1))


if __name__ == "__main__":
    unittest.main()
