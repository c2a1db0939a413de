"""What the host builds (the listing of the build's kernel_programs), for which devices, and how each is compiled for."""
import dataclasses
import pathlib
import re
import subprocess

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent


@dataclasses.dataclass(frozen=True)
class Target:
    """A device architecture. The limits are per multiprocessor (NVIDIA: CUDA programming guide, technical
    specifications per compute capability); AMD's compiler computes its own from the same kind of table."""
    name: str
    nvidia: bool
    waves: int  # most resident warps per multiprocessor, or waves per SIMD
    local_bytes: int = 0
    library: str = ""
    compiled_for: str = ""  # where clang-19 does not know it: ptxas assembles an older one's PTX, as NVIDIA's driver does

    def flags(self, libclc):
        link = ["-O3", "-Xclang", "-mlink-builtin-bitcode", "-Xclang", str(libclc / self.library), "-S", "-Wno-linker-warnings"]
        if self.nvidia:
            return ["-target", "nvptx64-unknown-nvidiacl", f"-march={self.compiled_for or self.name}", *link]
        return ["-target", "amdgcn-amd-amdhsa", f"-mcpu={self.name}", "-nogpulib", *link]


NVIDIA_LIBRARY, AMD_LIBRARY = "nvptx64--nvidiacl.bc", "amdgcn--amdhsa.bc"
TARGETS = {target.name: target for target in (
    Target("sm_80", True, 64, 164 << 10, library=NVIDIA_LIBRARY),
    Target("sm_90", True, 64, 228 << 10, library=NVIDIA_LIBRARY),
    Target("gfx90a", False, 8, library=AMD_LIBRARY),
    Target("gfx942", False, 8, library=AMD_LIBRARY),
    Target("gfx1100", False, 16, library=AMD_LIBRARY),
    Target("sm_100", True, 64, 228 << 10, library=NVIDIA_LIBRARY, compiled_for="sm_90"),
    Target("sm_120", True, 48, 100 << 10, library=NVIDIA_LIBRARY, compiled_for="sm_90"),
    Target("gfx1151", False, 16, library=AMD_LIBRARY),
    Target("gfx1200", False, 16, library=AMD_LIBRARY),
)}
LINT, X86 = "lint", "x86"
SHARED_TARGET = "sm_80"  # what both check-kernels and tests/ptx compile nearly all programs for
CANDIDATE_TARGETS, CANDIDATE_VARIANTS = ["sm_80", "gfx90a", "gfx1100"], ["gpu", "ptx", "gcn", "rdna3"]
NVIDIA_TARGETS, AMD_TARGETS = ["sm_80", "sm_90"], ["gfx90a", "gfx942", "gfx1100"]
# Ceilings go to these besides where they go to the key: other scalar and packed units, the same kernels.
MORE_FOR_CEILINGS = {"sm_90": ["sm_100", "sm_120"], "gfx1100": ["gfx1151", "gfx1200"]}
# Which targets have the instruction sets of kernels/common/instructions.clh.
INSTRUCTION_TARGETS = {"PTX": NVIDIA_TARGETS, "GCN": ["gfx90a", "gfx942"], "RDNA3": ["gfx1100"], "KHRONOS": [LINT],
                       "HALF2": [LINT, *AMD_TARGETS], "AVX2": [X86], "AVX512": [X86]}
EXTENSION_PROBES = ["fp16", "subgroups"]  # of extensions that the off-line compiler does not have
# Which targets have a matrix unit's variant.
MATRIX_UNIT_TARGETS = {"mma": NVIDIA_TARGETS, "mfma": ["gfx90a", "gfx942"], "wmma": ["gfx1100"]}
WITHOUT_WMMA = "gfx1200"  # its own instructions, which kernels/common/wmma.clh does not name


@dataclasses.dataclass(frozen=True)
class Program:
    """One row of kernel_programs: what the host builds."""
    kernel: str
    family: str
    variant: str
    file: str
    entry: str
    work_group: int
    used_by: str  # run, tune (a candidate that is no default), probe or ceiling (of probe/ceilings.cl)
    options: str
    macs: float | None = None  # multiply-adds that the host counts per item and round of the loop

    @property
    def operation(self):
        return self.entry.removesuffix("_" + self.family)

    def define(self, name):
        """The number of -Dname, or None."""
        found = re.search(rf"-D{name}=(\S+)", self.options)
        return int(found[1]) if found else None


def read_programs(path):
    listing = subprocess.run([path], capture_output=True, text=True, check=True).stdout
    rows = (line.split("\t") for line in listing.splitlines())
    return [Program(*row[:5], int(row[5]), *row[6:8], *(float(macs) for macs in row[8:])) for row in rows]


def read_unpack_operations(path):
    """{what kernels call a format: its unpack operations}, of the host's table."""
    listing = subprocess.run([path, "--formats"], capture_output=True, text=True, check=True).stdout
    return {name: float(operations) for name, operations in (line.split("\t") for line in listing.splitlines())}


def targets_of(program):
    """What can compile it. The CPU family is only linted, as are probes of Khronos extensions; programs of a vendor's
    instructions compile for that vendor's devices alone."""
    found = re.search(r"-DINSTRUCTIONS_(\w+)", program.options)
    if program.variant in MATRIX_UNIT_TARGETS:
        targets = MATRIX_UNIT_TARGETS[program.variant]
    elif found:
        targets = INSTRUCTION_TARGETS[found[1]]
    else:
        targets = [LINT] if program.family == "cpu" or program.variant in EXTENSION_PROBES else [LINT, *NVIDIA_TARGETS, *AMD_TARGETS]
    if program.used_by == "tune":
        return [target for target in targets if target in CANDIDATE_TARGETS and program.variant in CANDIDATE_VARIANTS]
    if program.used_by == "ceiling":
        more = [one for target in targets for one in MORE_FOR_CEILINGS.get(target, [])]
        return [*targets, *(one for one in more if (program.variant, one) != ("wmma", WITHOUT_WMMA))]
    return targets


def one_of_each_vendor(targets):
    """The first target of NVIDIA, the first of AMD, and those that are no device."""
    kept, vendors = [], set()
    for target in targets:
        vendor = TARGETS[target].nvidia if target in TARGETS else target
        if vendor not in vendors:
            vendors.add(vendor)
            kept.append(target)
    return kept


def default_programs():
    built = sorted(ROOT.glob("build/*/tests/scheme/kernel_programs"), key=lambda path: path.stat().st_mtime)
    return built[-1] if built else None
