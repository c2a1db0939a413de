"""Compiles what the host builds for NVIDIA devices, runs it in the interpreter and compares with the references."""
import dataclasses
import functools
import pathlib
import shutil
import subprocess
import sys
import zlib

SKIPPED = 77
try:
    import numpy as np
except ImportError:
    print("ptx: skipped: numpy is not installed: apt-get install python3-numpy")
    sys.exit(SKIPPED)

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tools"))
from cases import CASES, Case, Out
from kernel_code.compilers import CLANG, LIBCLC_PACKAGE, Tools, compile_program, find_libclc
from kernel_code.programs import SHARED_TARGET, Program, read_programs, targets_of
from machine import Launch
from parser import Fault, parse

TARGET = SHARED_TARGET  # the oldest that has every instruction the kernels use
GEMV_TOKENS = (1, 2, 8)
UNIT_GEMM = "matmul/gemm_frame_mma_gpu.cl"
# Codes of 64, 32, 24, 16, 12 and 8 bytes a step, brought in pieces of 16, 8 and 4; plain f16 and int8, both activations; a scale
# of a row, of a step and of half a step; minima, zero points, codes that are the sum of two f16.
TILED = ("f16_f16", "i8_f16", "i8_i8", "q6_k_f16", "q4_0_f16", "q4_1_f16", "nf4_f16", "i4_i8", "i3_f16", "i2_f16")
GROUP = 128  # columns per int4 group of most runs; the other sizes where they change what a kernel does


@dataclasses.dataclass(frozen=True)
class Numbered:
    """A program and its line in the listing, by which kernel_programs knows it."""
    number: int
    program: Program


@dataclasses.dataclass(frozen=True)
class Job:
    """One launch, with the sizes that the host's kernel table gives it."""
    program: Program
    case: Case
    total: tuple
    items: tuple

    def __str__(self):
        extent = ", ".join(f"{n} {name}" for name, n in zip(("elements", "rows", "columns", "tokens"), self.case.extent()) if n)
        return f"{self.program.kernel} with {self.program.options} ({extent})"


def make_tools(kernels=ROOT / "kernels"):
    """(Tools, ""), or (None, the reason why not)."""
    if not shutil.which(CLANG):
        return None, f"{CLANG} is not installed: apt-get install {CLANG}"
    libclc, fix = find_libclc()
    if libclc is None:
        return None, f"{LIBCLC_PACKAGE} could not be fetched: {fix}"
    return Tools(kernels, libclc), ""


def is_first_tile(program):
    """Of gemm on the matrix unit: 32 rows x 16 tokens, all warps with other columns."""
    return program.define("TOKEN_WARPS") == 1


def is_run_tile(program):
    """Of gemm on the matrix unit: every tile in a format of each way that codes and scales reach the unit (TILED), as what
    differs between tiles, the pieces that an item brings and the stages, depends on a format by the bytes of its codes alone;
    of the others the first tile, and that whose warps share rows and tokens and have other columns. Which group a step is of
    depends on its columns, which tiles do not: groups of other sizes on the first tile."""
    if is_first_tile(program):
        return True
    group, formats = program.define("GROUP"), program.operation.split("_", 1)[1]
    shares_all = program.define("ROW_WARPS") * program.define("TOKEN_WARPS") * 2 == program.define("WARPS")
    return group in (None, GROUP) and (formats in TILED or shares_all)


def is_run(program):
    """Whether this program of a kernel is among those that are run; of every kernel some are."""
    tokens, group = program.define("TOKENS"), program.define("GROUP")
    if program.file == UNIT_GEMM and not is_run_tile(program):
        return False
    if tokens not in (None, *GEMV_TOKENS) or (tokens == 2 and program.define("WARPS")):  # there a bound alone
        return False
    grouped = any(word in program.operation for word in ("i4", "i3_", "i2_", "sums"))
    return group in (None, GROUP) or (grouped and tokens in (None, 1))


def list_nvidia_programs(listing):
    return [Numbered(i, p) for i, p in enumerate(read_programs(listing)) if TARGET in targets_of(p) and is_run(p)]


def cases_of(program):
    """The Cases of a program, the same in every run."""
    if program.operation not in CASES:
        raise Fault("no row in tests/ptx/cases.py")
    return list(CASES[program.operation](program, np.random.default_rng(zlib.crc32(program.kernel.encode()))))


def make_jobs(listing, numbered):
    """The Jobs of Numbered programs; Faults name kernels without a row."""
    pairs, faults = [], []
    for one in numbered:
        try:
            pairs += [(one, case) for case in cases_of(one.program)]
        except Fault as fault:
            faults.append(f"{one.program.kernel}: {fault}")
    asked = [f"{one.number} {' '.join(map(str, case.extent()))}" for one, case in pairs if case.sizes is None]
    done = subprocess.run([listing, "--launches"], input="\n".join(asked), capture_output=True, text=True, check=True)
    answers = iter([tuple(map(int, line.split())) for line in done.stdout.splitlines()])
    jobs = []
    for one, case in pairs:
        six = sum(case.sizes, ()) if case.sizes else next(answers)
        jobs.append(Job(one.program, case, six[:3], six[3:]))
    return jobs, faults


@functools.lru_cache(maxsize=1)  # jobs of one compilation follow one another
def compile_functions(file, options, tools):
    """{entry: Function} of a file with its options."""
    compiled = compile_program(file, options, TARGET, tools)
    if compiled.complaint:
        raise Fault(compiled.complaint)
    return parse(compiled.text)


def compile_entry(program, tools):
    """The Function of a program; a Fault names the entry that its file no longer has."""
    functions = compile_functions(program.file, program.options, tools)
    if program.entry not in functions:
        raise Fault(f"{program.file} has no entry {program.entry}")
    return functions[program.entry]


def run_job(job, function):
    """Runs the launch and compares; the Launch, whose `executed` says which instructions were. Raises Fault."""
    if any(total % items for total, items in zip(job.total, job.items)):
        raise Fault(f"global size {job.total} is no multiple of {job.items}")
    groups = tuple(total // items for total, items in zip(job.total, job.items))
    arguments = [a.buffer() if isinstance(a, Out) else (a, False, True) if isinstance(a, np.ndarray) else a
                 for a in job.case.arguments]
    launch = Launch(function, groups, job.items, arguments).run()
    buffers = [a for a in job.case.arguments if isinstance(a, (Out, np.ndarray))]
    for index, out in enumerate(buffers):
        if isinstance(out, Out):
            compare(out, index, *launch.memory.result(index))
    return launch


def compare(out, index, values, written):
    if not (out.spared or written.all()):
        raise Fault(f"{(~written).sum()} of {written.size} bytes of buffer {index} are never written")
    wrong = out.wrong(values)
    if wrong.any():
        place = tuple(int(i[0]) for i in np.nonzero(wrong))
        raise Fault(f"wrong result: {int(wrong.sum())} of {wrong.size} values of buffer {index}, first at {place}")


def skip_without_tools(main):
    """Exit status of main(tools), or the visible skip."""
    tools, reason = make_tools()
    if tools is None:
        print(f"ptx: skipped: {reason}")
        return SKIPPED
    return main(tools)
