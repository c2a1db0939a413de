"""The program under another maker's board and with faults injected: tests/layer/README.md has the boards and the faults. A test
that needs them derives from LayerTest; where the OpenCL loader knows no layers it is skipped with that reason."""
import ctypes
import functools
import json
import os
import pathlib
import subprocess
import tempfile
import time

from support import POCL_CACHE, QTRAP, SOURCE, ProgramTest

LAYER = os.environ.get("QTRAP_LAYER", "")
# Keys that make a board small: one unit and little memory, so that the sets of its ceilings are small and a run is short.
SMALL = {"compute_units": 1, "memory_bytes": 32 << 20, "max_alloc_bytes": 8 << 20}
BOARDS = pathlib.Path(__file__).resolve().parent.parent / "layer" / "boards"
# What a board's probes found, kept as the program keeps it: all tests of a process see it, but for those whose faults strike in probes.
PROBES = tempfile.TemporaryDirectory(prefix="qtrap-probes-")


@functools.cache
def why_no_layer():
    """Empty where layers work, else the reason to skip. A layer that is there and cannot be loaded is an error, not a reason."""
    if not LAYER:
        return "built without <CL/cl_layer.h>: no OpenCL layer to test with"
    ctypes.CDLL(LAYER)
    with tempfile.TemporaryDirectory(prefix="qtrap-layer-") as folder:
        log = pathlib.Path(folder) / "log"
        subprocess.run([QTRAP, "devices"], capture_output=True, check=False, timeout=300, cwd=folder,
                       env={**os.environ, "OPENCL_LAYERS": LAYER, "QTRAP_LAYER_LOG": str(log), "QTRAP_LAYER_FAULTS": "load do=exit"})
        return "" if log.exists() else "this OpenCL loader loads no layers (ocl-icd knows them from 2.3)"


def strikes_in_probes(fault):
    """Whether it can: of a build that is none of other sources, of ceilings or of sessions."""
    return fault.startswith("build") and not any(words in fault for words in ("source=", "CEILING_", "argv=run-session"))


class LayerTest(ProgramTest):
    """ProgramTest with `under`: the program under boards and faults."""

    def setUp(self):
        if why_no_layer():
            self.skipTest(why_no_layer())
        super().setUp()
        self.log = self.folder / "layer.log"

    def boards(self, *boards):
        """A board file of these devices: names of tests/layer/boards, or dictionaries with `board` and the keys to replace."""
        lines = []
        for board in boards:
            keys = {"board": board} if isinstance(board, str) else dict(board)
            lines += ["device", f"include {BOARDS / keys.pop('board')}.txt", *(f"{key} = {value}" for key, value in keys.items())]
        return self.write("boards.txt", "\n".join(lines) + "\n")

    def layer_environment(self, boards, faults=()):
        """What the environment must hold for the program to run under them."""
        self.log.unlink(missing_ok=True)
        faults = [faults] if isinstance(faults, str) else faults
        kept = self.folder / "cache" / "qtrap" / "probes"
        if not kept.is_symlink() and not kept.exists() and not any(map(strikes_in_probes, faults)):
            kept.parent.mkdir(parents=True, exist_ok=True)
            kept.symlink_to(PROBES.name)
        return {"OPENCL_LAYERS": LAYER, "QTRAP_LAYER_BOARDS": str(self.boards(*([boards] if isinstance(boards, (str, dict)) else boards))),
                "QTRAP_LAYER_FAULTS": ";".join(faults), "QTRAP_LAYER_LOG": str(self.log), "POCL_CACHE_DIR": POCL_CACHE, "HOME": str(self.folder),
                "XDG_CACHE_HOME": str(self.folder / "cache"),
                "QTRAP_PROFILES": str(SOURCE / "profiles")}

    def under(self, boards, *arguments, faults=(), environment=None, **options):
        """Runs the program; every fault must have struck at least once, else the test would show nothing."""
        done = self.run_program(*arguments, environment={**self.layer_environment(boards, faults), **(environment or {})}, **options)
        struck = self.struck()
        for fault in [faults] if isinstance(faults, str) else faults:
            kind = fault.split()[0]
            self.assertTrue(any(line.split()[0] == kind for line in struck), f"the fault never struck: {fault}\n{done.stderr}")
        return done

    def interrupt(self, boards, arguments, faults, signals):
        """Runs the program, sends the signals, a second apart, once a fault has struck, and waits for its end."""
        process = subprocess.Popen([QTRAP, *arguments], cwd=self.folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                   env={**os.environ, **self.layer_environment(boards, faults)})
        while process.poll() is None and not self.struck():
            time.sleep(0.1)
        for number in signals:
            process.send_signal(number)
            time.sleep(1)
        try:
            output, errors = process.communicate(timeout=240)
        finally:
            process.kill()
        return subprocess.CompletedProcess(arguments, process.returncode, output, errors)

    def devices(self, boards, **options):
        done = self.under(boards, "devices", "--json", **options)
        self.assertEqual(done.returncode, 0, done.stderr)
        return json.loads(done.stdout)

    def struck(self):
        """One line per fault that struck, in order."""
        lines = self.log.read_text().splitlines() if self.log.exists() else []
        return [line for line in lines if line != "loaded"]
