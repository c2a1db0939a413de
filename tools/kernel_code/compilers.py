"""The compilers of kernel code: clang-19 with libclc-19, and NVIDIA's ptxas. None of them needs a GPU."""
import dataclasses
import os
import pathlib
import shutil
import subprocess
import tempfile

from kernel_code.programs import LINT, NVIDIA_LIBRARY, NVIDIA_TARGETS, TARGETS, X86

CLANG = "clang-19"
LIBCLC_PACKAGE = "libclc-19"
COMMON = ["-x", "cl", "-Xclang", "-finclude-default-header", "-Wall", "-Wextra", "-Werror"]
LINT_FLAGS = ["-target", "spir64", "-fsyntax-only"]
X86_FLAGS = ["-target", "x86_64-unknown-linux-gnu", "-march=haswell", "-O3", "-S"]  # the device's library stays calls
# What a device that passes the Khronos probes has; clang knows no pragma for the dot product.
KHRONOS_FLAGS = ["-Xclang", "-cl-ext=+__opencl_c_integer_dot_product_input_4x8bit_packed", "-Wno-ignored-pragmas"]


def find_libclc():
    """Folder with the bitcode libraries, or None and what to do. libclc-15 and -19 exclude each other as packages, so
    the package is unpacked into the user's cache."""
    cache = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache") / "qtrap" / LIBCLC_PACKAGE
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


def find_ptxas():
    return shutil.which("ptxas") or next((str(p) for p in [pathlib.Path("/usr/local/cuda/bin/ptxas")] if p.exists()), None)


@dataclasses.dataclass(frozen=True)
class Tools:
    """Where the sources and what compiles them are; None: not there."""
    kernels: pathlib.Path
    libclc: pathlib.Path | None
    ptxas: str | None


def compile_program(file, options, target, tools):
    """Assembly text, ptxas' report and the compiler's complaint of one file with one set of options."""
    with tempfile.TemporaryDirectory() as folder:
        out = pathlib.Path(folder) / "k.s"
        flags = LINT_FLAGS if target == LINT else X86_FLAGS if target == X86 else TARGETS[target].flags(tools.libclc)
        if target != LINT:
            flags = [*flags, "-o", str(out)]
        if file.startswith("probe/") or "INSTRUCTIONS_KHRONOS" in options:
            flags = flags + KHRONOS_FLAGS
        command = [CLANG, *COMMON, "-I", str(tools.kernels), *options.split(), *flags, str(tools.kernels / file)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            return "", "", done.stderr.strip()
        if target == LINT:
            return "", "", ""
        report = ""
        if target in NVIDIA_TARGETS and tools.ptxas:
            checked = subprocess.run([tools.ptxas, "-v", f"-arch={target}", out, "-o", "/dev/null"], capture_output=True, text=True, check=False)
            if checked.returncode != 0:
                return "", "", checked.stderr.strip()
            report = checked.stderr
        return out.read_text(), report, ""
