"""The program as a process: shared by the tests of tests/cli. QTRAP names the program, QTRAP_SOURCE the source tree."""
import json
import os
import pathlib
import subprocess
import tempfile
import unittest

QTRAP = os.environ["QTRAP"]
SOURCE = pathlib.Path(os.environ["QTRAP_SOURCE"])

TINY_MODEL = {
    "schema": "qtrap.model", "schema_version": "1.0", "name": "tiny", "hidden": 96, "ffn": 160, "layers": 3, "heads": 4, "kv_heads": 2,
    "head_dim": 24, "vocab": 1000, "tied_embeddings": True, "source": "made for a test",
}
# Where PoCL keeps the kernels that it has compiled, as host/device/system_view.cpp finds it: a test that gives the program another
# HOME or XDG_CACHE_HOME names it, else each such test compiles all kernels again.
POCL_CACHE = os.environ.get("POCL_CACHE_DIR") or str(pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache") / "pocl" / "kcache")
# None of these tests reads a ceiling's figure (tests/measure has sessions with their true windows): a window is short.
os.environ["QTRAP_CEILING_WINDOW_S"] = "0.001"
LOAD_FLAGS = {"foreign_load", "paused", "quota_throttled", "load_unknown"}
ALL_SCHEMES = ["f16", "w8a16-split", "w8a16-fused", "w8a8", "w4a16-split", "w4a16-fused", "w4a8"]


def campaign(**changes):
    """A campaign of a second or two on the tiny model; keys set to ... are left out."""
    value = {
        "schema": "qtrap.campaign", "schema_version": "1.0", "name": "tiny", "description": "made for a test", "models": ["tiny.json"],
        "schemes": ALL_SCHEMES, "batch": [1], "hops": [1, 2], "tokens_per_hop": [2], "context_tokens": [0], "target_ci": 0.01,
        "min_trials": 2, "max_trials": 2, "max_seconds_per_point": 5, "max_seconds": 60, "sessions": 2, "memory_fraction": 0.5,
        "layers_limit": None, "probes": False,
    }
    value.update(changes)
    return {key: item for key, item in value.items() if item is not ...}


class ProgramTest(unittest.TestCase):
    """Each test gets an empty folder that holds tiny.json (model) and tiny-campaign.json."""

    def setUp(self):
        self._temporary = tempfile.TemporaryDirectory(prefix="qtrap-")
        self.addCleanup(self._temporary.cleanup)
        self.folder = pathlib.Path(self._temporary.name)
        self.write("tiny.json", TINY_MODEL)
        self.write("tiny-campaign.json", self.campaign())

    def campaign(self, **changes):
        return campaign(**{"models": [str(self.folder / "tiny.json")], **changes})

    def write(self, name, content):
        text = content if isinstance(content, (str, bytes)) else json.dumps(content)
        path = self.folder / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    def run_program(self, *arguments, environment=None, **options):
        return subprocess.run([QTRAP, *map(str, arguments)], cwd=self.folder, capture_output=True, text=True, timeout=300,
                              env={**os.environ, **(environment or {})}, check=False, **options)

    def finish(self, *arguments, code=0, **options):
        done = self.run_program("run", *arguments, **options)
        self.assertEqual(done.returncode, code, done.stderr)
        return done

    def check(self, path):
        done = self.run_program("check", path)
        self.assertEqual(done.returncode, 0, done.stderr)

    def undo_load(self, path, finish, change=lambda row: None):
        """Makes a file as on an idle machine: takes the flags of load out of its trials and lets `finish`, a resume, tell the points anew.
        Other tests may run beside this one, and what they disturb enters no point. `change` sees every record."""
        rows = [row for row in self.records(path) if row["record"] not in ("point", "end")]
        for row in rows:
            if "flags" in row:
                row["flags"] = [flag for flag in row["flags"] if flag not in LOAD_FLAGS]
            change(row)
        pathlib.Path(path).write_text("".join(json.dumps(row) + "\n" for row in rows))
        return finish("--resume", path, "--quiet")

    def records(self, path, kind=None):
        rows = [json.loads(line) for line in pathlib.Path(path).read_text().splitlines()]
        return [row for row in rows if kind in (None, row["record"])]

    def listing(self):
        return sorted(str(path.relative_to(self.folder)) for path in self.folder.rglob("*"))
