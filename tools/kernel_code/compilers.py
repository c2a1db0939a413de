"""The compilers of kernel code: clang-19 with libclc-19, and NVIDIA's ptxas. None of them needs a GPU."""
import dataclasses
import functools
import hashlib
import json
import os
import pathlib
import shutil
import subprocess
import tempfile

from kernel_code.programs import LINT, NVIDIA_LIBRARY, ROOT, SHARED_TARGET, TARGETS, X86

CLANG = "clang-19"
LIBCLC_PACKAGE = "libclc-19"
COMMON = ["-x", "cl", "-Xclang", "-finclude-default-header", "-Wall", "-Wextra", "-Werror"]
LINT_FLAGS = ["-target", "spir64", "-fsyntax-only"]
X86_FLAGS = ["-target", "x86_64-unknown-linux-gnu", "-march=haswell", "-O3", "-S"]  # the device's library stays calls
AVX512_FLAGS = ["-march=skylake-avx512"]
# What a device that passes the Khronos probes has; clang knows no pragma for the dot product.
KHRONOS_FLAGS = ["-Xclang", "-cl-ext=+__opencl_c_integer_dot_product_input_4x8bit_packed", "-Wno-ignored-pragmas"]


def cache_folder():
    return pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache") / "qtrap"


def find_libclc():
    """Folder with the bitcode libraries, or None and what to do. libclc-15 and -19 exclude each other as packages, so
    the package is unpacked into the user's cache."""
    cache = cache_folder() / LIBCLC_PACKAGE
    folder = cache / "usr" / "lib" / "clc"
    if not (folder / NVIDIA_LIBRARY).exists():
        fix = f"apt-get download {LIBCLC_PACKAGE}; dpkg -x {LIBCLC_PACKAGE}_*.deb {cache}"
        try:
            cache.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory() as download:
                os.chmod(download, 0o755)
                subprocess.run(["apt-get", "download", LIBCLC_PACKAGE], cwd=download, check=True, capture_output=True)
                package = next(pathlib.Path(download).glob("*.deb"))
                subprocess.run(["dpkg", "-x", package, cache], check=True, capture_output=True)
        except (OSError, subprocess.CalledProcessError, StopIteration):
            return None, fix
    return (folder, "") if (folder / NVIDIA_LIBRARY).exists() else (None, "")


def find_nvidia_tool(name):
    """Path of ptxas or nvdisasm, or None and what to do. Packages of PyPI may lie in the user's cache."""
    places = [shutil.which(name), f"/usr/local/cuda/bin/{name}", *sorted((cache_folder() / "nvidia").glob(f"nvidia/*/bin/{name}"))]
    found = next((str(place) for place in places if place and pathlib.Path(place).exists()), None)
    package = {"ptxas": "nvidia-cuda-nvcc", "nvdisasm": "nvidia-cuda-nvdisasm"}[name]
    return found, f"{name} is not installed: python3 -m pip install --no-deps --target {cache_folder() / 'nvidia'} {package}"


@dataclasses.dataclass(frozen=True)
class Tools:
    """Where the sources and what compiles them are; None: not there."""
    kernels: pathlib.Path
    libclc: pathlib.Path | None
    ptxas: str | None = None
    nvdisasm: str | None = None


@dataclasses.dataclass(frozen=True)
class Compiled:
    """Assembly text (none of what is only linted), what ptxas reports, its code disassembled; or the complaint."""
    text: str = ""
    report: str = ""
    sass: str = ""
    complaint: str = ""


def clang_command(file, options, target, tools, out):
    flags = LINT_FLAGS if target == LINT else X86_FLAGS if target == X86 else TARGETS[target].flags(tools.libclc)
    if target == X86 and "INSTRUCTIONS_AVX512" in options:
        flags = [*flags, *AVX512_FLAGS]
    if target != LINT:
        flags = [*flags, "-o", str(out)]
    if file.startswith("probe/") or "INSTRUCTIONS_KHRONOS" in options:
        flags = flags + KHRONOS_FLAGS
    return [CLANG, *COMMON, "-I", str(tools.kernels), *options.split(), *flags, str(tools.kernels / file)]


def run(command):
    return subprocess.run(command, capture_output=True, text=True, check=False)


@functools.lru_cache(maxsize=None)
def state_of(kernels, libclc):
    """What the emitted code depends on besides the command: the sources, the library and the compiler."""
    state = hashlib.sha256(run([CLANG, "--version"]).stdout.encode())
    for path in sorted([*kernels.rglob("*.cl"), *kernels.rglob("*.clh"), libclc / NVIDIA_LIBRARY]):
        state.update(f"{path}\0".encode() + path.read_bytes())
    return state.hexdigest()


def kept_place(file, options, target, tools):
    """Where the tests of a build keep what several of them compile, PTX of the tree's kernels for the oldest NVIDIA device, or None.
    QTRAP_COMPILED names the folder; of other states of the sources nothing stays there."""
    folder = os.environ.get("QTRAP_COMPILED")
    if not folder or target != SHARED_TARGET or tools.kernels != ROOT / "kernels":
        return None
    state = pathlib.Path(folder) / state_of(tools.kernels, tools.libclc)
    if not state.exists():
        for other in set(pathlib.Path(folder).glob("*")) - {state}:
            shutil.rmtree(other, ignore_errors=True)
        state.mkdir(parents=True, exist_ok=True)
    return state / hashlib.sha256(f"{file}\0{options}".encode()).hexdigest()


def emit(file, options, target, tools, out):
    """(assembly text, complaint) of clang; empty of what is only linted. The text lies in `out` too."""
    kept = kept_place(file, options, target, tools)
    if kept and kept.exists():
        text, complaint = json.loads(kept.read_text())
        out.write_text(text)
        return text, complaint
    done = run(clang_command(file, options, target, tools, out))
    complaint = done.stderr.strip() if done.returncode != 0 else ""
    text = "" if complaint or done.returncode != 0 or target == LINT else out.read_text()
    if kept:
        part = kept.with_name(f"{kept.name}.{os.getpid()}.{out.parent.name}")  # two tests may compile the same
        part.write_text(json.dumps([text, complaint]))
        part.replace(kept)
    return text, complaint


def compile_program(file, options, target, tools, disassemble=False):
    """One file with one set of options; `disassemble`: NVIDIA's code too, where the tools are there."""
    with tempfile.TemporaryDirectory() as folder:
        out, cubin = (pathlib.Path(folder) / name for name in ("k.s", "k.cubin"))
        text, complaint = emit(file, options, target, tools, out)
        if complaint or target in (LINT, X86) or not TARGETS[target].nvidia or not tools.ptxas:
            return Compiled(text, complaint=complaint)
        assembled = run([tools.ptxas, "-v", f"-arch={target}", out, "-o", cubin])
        if assembled.returncode != 0:
            return Compiled(complaint=assembled.stderr.strip())
        if not disassemble or not tools.nvdisasm:
            return Compiled(text, assembled.stderr)
        shown = run([tools.nvdisasm, "-c", cubin])
        return Compiled(text, assembled.stderr, shown.stdout, shown.stderr.strip() if shown.returncode != 0 else "")
