"""Counts multiply-adds in the loops of emitted code: SASS as nvdisasm prints it, AMD's assembly as clang does.

A ceiling (kernels/probe/ceilings.cl) is its counted work over its time, so its loop must hold exactly what the host counts
(CeilingProgram::macs_per_round), done for each item and not once per warp on the uniform (NVIDIA) or scalar (AMD) datapath:
ptxas drops lanes that nobody reads, and every compiler moves what all items share. Names of instructions: NVIDIA, "CUDA
Binary Utilities", tables of instruction sets; AMD, the ISA manuals of CDNA 3 and RDNA 3.
"""
import collections
import re

# Multiply-adds of one item, by what the whole name matches. Matrix units: M x N x K over the items of a wave.
FMA = {"FFMA": 1, "FFMA2": 2, "v_fma_f32|v_fmac_f32|v_dual_fmac_f32": 1, "v_pk_fma_f32": 2}
PAIRS = {r"HFMA2(\.MMA)?": 2, "v_pk_fma_f16": 2}
DOT = {r"IDP\.4A\.S8\.S8": 4, "v_dot4c?_i32_i8|v_dot4_i32_iu8": 4}
PRODUCTS = {"IMAD": 1, "v_(mul|mad)_i32_i24(_sdwa)?": 1}
MATRIX_F16 = {r"HMMA\.16816\.F32": 16 * 8 * 16 / 32, "v_mfma_f32_16x16x16_?f16": 16 * 16 * 16 / 64,
              "v_wmma_f32_16x16x16_f16": 16 * 16 * 16 / 32}
MATRIX_INT8 = {r"IMMA\.16832\.S8\.S8": 16 * 8 * 32 / 32, "v_mfma_i32_16x16x16i8": 16 * 16 * 16 / 64,
               "v_mfma_i32_16x16x32_i8": 16 * 16 * 32 / 64, "v_wmma_i32_16x16x16_iu8": 16 * 16 * 16 / 32}
# By entry; int8_rate without an instruction set multiplies bytes one by one.
WORK = {"fma_rate": FMA, "half2_rate": PAIRS, "int8_rate": DOT, "matrix_f16_rate": MATRIX_F16, "matrix_int8_rate": MATRIX_INT8}
# Arithmetic that a warp or wave does once for all its items; what a loop needs for itself is not among it.
SHARED = re.compile(r"U(FFMA|FMUL|FADD|IMAD|IDP|HFMA2|PRMT|SGXT|SHF)\b.*|s_(mul|fma|fmac|fmaak|fmamk|pk_\w+)_\w+|s_(add|sub)_f(16|32)")
# What stands beside the work without being issued to its unit: fillers, hints, the loop's end.
BESIDE = re.compile(r"NOP|s_nop|s_delay_alu|s_waitcnt\w*")
MOST_BESIDE = 4  # instructions that are neither counted nor fillers: the loop's counter, comparison and jumps


def read_sass(text):
    """(names of the instructions, {label: index}, [(index, label it jumps to)])."""
    names, labels, jumps = [], {}, []
    for line in text.splitlines():
        if found := re.match(r"\s*(\.L_x_\d+):", line):
            labels[found[1]] = len(names)
        elif found := re.match(r"\s*/\*[0-9a-f]{4,}\*/\s+(?:@!?U?P\w+\s+)?([A-Z][\w.]*)(.*)", line):
            if target := re.search(r"`\((\.L_x_\d+)\)", found[2]) if found[1].startswith("BRA") else None:
                jumps.append((len(names), target[1]))
            names.append(found[1])
    return names, labels, jumps


def read_amd(text):
    """The same; both halves of a dual instruction are named."""
    names, labels, jumps = [], {}, []
    for line in text.splitlines():
        code = line.split(";")[0].strip()
        if found := re.fullmatch(r"(\.LBB\d+_\d+):", code):
            labels[found[1]] = len(names)
        elif re.match(r"[vsbdgf]\w*_\w+(?!\S)", code):
            if target := re.fullmatch(r"s_c?branch\w* (\.LBB\d+_\d+)", code):
                jumps.append((len(names), target[1]))
            names += [re.sub(r"_(e32|e64|dpp)+$", "", half.split()[0]) for half in code.split("::")]
    return names, labels, jumps


def innermost_loops(names, labels, jumps):
    """Names of the instructions of each loop that holds no other."""
    ranges = sorted({(labels[label], at) for at, label in jumps if label in labels and labels[label] <= at})
    inner = [(first, last) for first, last in ranges
             if not any((first, last) != (f, l) and first <= f and l <= last for f, l in ranges)]
    return [names[first:last + 1] for first, last in inner]


def work_of(program):
    """{pattern: multiply-adds} of what the program's loop is made of; None where it counts nothing."""
    work = WORK.get(program.entry)
    return PRODUCTS if program.entry == "int8_rate" and "-DINSTRUCTIONS_" not in program.options else work


def macs_of(name, work):
    return next((macs for pattern, macs in work.items() if re.fullmatch(pattern, name)), 0)


def check_loops(program, loops):
    """(multiply-adds of an item in a round of the loop, or None; what is wrong)."""
    work = work_of(program)
    wanted = " or ".join(work)
    working = [loop for loop in loops if any(macs_of(name, work) for name in loop)]
    if len(working) != 1:
        return None, [f"{len(working)} loops of {wanted} instead of 1"]
    counts = collections.Counter(working[0])
    found = sum(macs_of(name, work) * count for name, count in counts.items())
    problems = []
    if found != program.macs:
        problems.append(f"{found:g} multiply-adds per item and round instead of the {program.macs} counted ({wanted})")
    shared = {name: count for name, count in counts.items() if SHARED.fullmatch(name)}
    if shared:
        problems.append(f"once per warp, not per item: {', '.join(f'{count} {name}' for name, count in shared.items())}")
    beside = sum(count for name, count in counts.items() if not macs_of(name, work) and not BESIDE.fullmatch(name))
    if work is not PRODUCTS and beside > MOST_BESIDE:
        problems.append(f"{beside} instructions of the loop are neither counted nor its own")
    return found, problems
