"""Which kernel files have passed a check as they are: tools/kernels-base lists them, `--record` of the check writes them
there, `--new` leaves them out. A line is of one check and one file; its hash is of everything that the outcome depends
on: the file with what it includes, the check's own sources, the compilations or launches, compiler and library."""
import functools
import hashlib
import pathlib
import re
import subprocess

from kernel_code.compilers import CLANG
from kernel_code.programs import AMD_LIBRARY, NVIDIA_LIBRARY, ROOT

BASE = ROOT / "tools" / "kernels-base"
INCLUDE = re.compile(r'^\s*#include "([^"]+)"', re.M)


def list_sources(kernels, file, found=None):
    """The file and what it includes, paths below `kernels`, each once."""
    found = {} if found is None else found
    if file not in found:
        found[file] = (kernels / file).read_text()
        for included in INCLUDE.findall(found[file]):
            list_sources(kernels, included, found)
    return found


@functools.lru_cache(maxsize=None)
def state_of_tools(compiler, libclc, checkers):
    """Hash of the compiler's version, of its library (a folder) and of the sources of the check (a tuple of paths)."""
    state = hashlib.sha1(subprocess.run([compiler, "--version"], capture_output=True, check=True).stdout)
    for path in [*(libclc / name for name in (AMD_LIBRARY, NVIDIA_LIBRARY)), *sorted(checkers)]:
        state.update(path.read_bytes())
    return state.hexdigest()


def make_line(check, file, rows, kernels, tools_state):
    """The line of a file: `rows` are texts of all its compilations or launches."""
    state = hashlib.sha1(f"{check}\0{tools_state}\0".encode() + "\0".join(sorted(rows)).encode())
    for path, text in sorted(list_sources(kernels, file).items()):
        state.update(f"{path}\0{text}\0".encode())
    return f"{check} {file} {state.hexdigest()}"


def make_lines(check, rows, tools, checkers):
    """{file: its line}; `rows`: (file, text) of each compilation or launch, `checkers`: the sources of the check beside these."""
    state = state_of_tools(CLANG, tools.libclc, (*checkers, *pathlib.Path(__file__).parent.glob("*.py")))
    by_file = {}
    for file, text in rows:
        by_file.setdefault(file, []).append(text)
    return {file: make_line(check, file, texts, tools.kernels, state) for file, texts in by_file.items()}


def find_passed(lines, base=BASE):
    """The files among `lines` that passed as they are."""
    listed = read_base(base)
    passed = {file for file, line in lines.items() if line in listed}
    print(f"{len(passed)} of {len(lines)} files passed as they are ({BASE.relative_to(ROOT)})")
    return passed


def read_base(base=BASE):
    return set(base.read_text().splitlines()) if base.exists() else set()


def record(check, lines, base=BASE):
    """Puts the lines of one check in place of those before."""
    others = {line for line in read_base(base) if not line.startswith(f"{check} ")}
    base.write_text("".join(f"{line}\n" for line in sorted(others | set(lines))))
