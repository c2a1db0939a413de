#!/usr/bin/python3
"""mutants_test.py KERNEL_PROGRAMS: kernels made wrong on purpose must be found by what kernels_test.py does.

In the emitted PTX, each barrier of each kernel is removed and each cp.async.wait_group waits for one batch less; a barrier
that no case reaches is an error too. In the sources, one text is replaced at a time: an index off by one, a bound left
out, a wrong zero point. Exit status: 0, 1 when one is not found, 77 where clang-19 or libclc-19 cannot be had.
"""
import collections
import dataclasses
import pathlib
import shutil
import sys
import tempfile
import time

sys.dont_write_bytecode = True
from parser import Fault, Instruction
from runner import GROUP, ROOT, compile_entry, list_nvidia_programs, make_jobs, run_job, skip_without_tools

# The frames of the matrix unit have the same barriers and waits in every format: here of those whose codes come in pieces of
# 16, 8 and 4 bytes, and those of int8 and int4 activations.
UNIT_FRAMES = ("matmul/gemv_frame_mma_gpu.cl", "matmul/gemm_frame_mma_gpu.cl")
OF_FRAMES = ("q4_0_f16", "q6_k_f16", "i3_f16", "i8_i8", "i4_i8")
NOTHING = Instruction("mov.b32", ("_", "0"), None, False, "nothing")

# (kernel, file, what is replaced, by what)
SOURCE_MUTANTS = [
    ("gemv_f16_f16_gpu_ptx", "matmul/gemv_gpu.cl", "x + (k + u * stride), columns, acc);\n  FOR_ALL_STEPS(8",
     "x + (k + u * stride) + 8, columns, acc);\n  FOR_ALL_STEPS(8"),
    ("gemv_f16_f16_gpu", "matmul/gemv_gpu.cl", "min(first + r, rows - 1) * row_bytes", "(rows > 0 ? first + r : 0) * row_bytes"),
    ("gemv_f16_f16_gpu", "common/gemv_teams.clh", "if (row < rows) expression", "if (row <= rows) expression"),
    ("gemv_f16_f16_gpu", "matmul/gemv_gpu.cl", "for (k = wide_end + lane; k < columns;", "for (k = wide_end + lane; k <= columns;"),
    ("gemv_f16_f16_gpu_ptx", "common/gemv_teams.clh", "uint i = 1; i < SPLIT_K / 32", "uint i = 1; i <= SPLIT_K / 32"),
    ("gemv_f16_f16_gpu_ptx", "common/instructions.clh", "as_float(from_lane_xor(as_uint(value), 16))", "as_float(from_lane_xor(as_uint(value), 8))"),
    ("gemv_f16_f16_gpu_ptx", "common/gemv_teams.clh", "if (item % 32 == 0) sums", "if (item % 32 < 2) sums"),
    ("gemv_i8_f16_gpu_ptx", "common/instructions.clh", "byte_to_float(biased, 0x7441)", "byte_to_float(biased, 0x7440)"),
    ("gemv_i8_f16_gpu_ptx", "common/instructions.clh", "8388736.0f", "8388735.0f"),
    ("gemv_i8_i8_gpu_ptx", "common/instructions.clh", "dot4(a.y, b.y, dot4(a.x, b.x, sum))", "dot4(a.y, b.x, dot4(a.x, b.x, sum))"),
    ("gemv_i4_f16_gpu_ptx", "common/instructions.clh", "#define HALF2_MINUS_64 0xD400D400u", "#define HALF2_MINUS_64 0xD408D400u"),
    ("gemv_i4_f16_gpu_ptx", "matmul/gemv_gpu.cl", "low_minus[r] = half2_fma(zero, HALF2_MINUS_ONE,", "low_minus[r] = half2_fma(zero, HALF2_ONE,"),
    ("gemv_i4_f16_gpu", "matmul/gemv_gpu.cl", "fma(-zero[r], sum[t], dot_g[r][t])", "fma(1.0f - zero[r], sum[t], dot_g[r][t])"),
    ("gemv_i4_f16_gpu", "matmul/gemv_gpu.cl", "load_group(scale[u], scales, groups, (k + u * stride) / GROUP,",
     "load_group(scale[u], scales, groups, (k + u * stride + 32) / GROUP,"),
    ("gemv_i4_i8_gpu_ptx", "matmul/gemv_gpu.cl", "dot16(high, odd, dot16(low, even, 0))", "dot16(high, even, dot16(low, odd, 0))"),
    ("gemv_q4_0_f16_gpu_ptx", "matmul/gemv_frame_gpu.cl", "if (last) acc[r][t] = fma(affine.y", "if (last && r > 0) acc[r][t] = fma(affine.y"),
    ("gemv_q6_k_f16_gpu", "matmul/gemv_frame_gpu.cl", "FORMAT_HALVES == 2 ? part / 2 : 0", "FORMAT_HALVES == 2 ? part % 2 : 0"),
    ("gemv_q8_0_f16_gpu", "matmul/gemv_frame_gpu.cl", "columns % 32 == 0 ? columns : 0", "columns"),
    ("gemv_mxfp4_f16_gpu", "format/format.clh", ".s02134657", ".s01234567"),
    ("gemv_nf4_f16_gpu", "format/nibbles.clh", "OF_FOUR(2, A, 6, E)", "OF_FOUR(2, A, 6, D)"),
    ("gemv_nf4_f16_gpu_ptx", "common/instructions.clh", "chosen_bytes(signs, signs, 0xBA98)", "chosen_bytes(signs, signs, 0xB298)"),
    ("gemv_fp8_f16_gpu", "format/format.clh", "& 0x00800080u) << 8", "& 0x00800080u) << 7"),
    ("gemm_q4_k_f16_gpu", "matmul/gemm_frame_gpu.cl", "k % 32 / 8", "k % 16 / 8"),
    ("gemm_nvfp4_f16_gpu", "matmul/gemm_frame_gpu.cl", "at, k % 32 / 16)", "at, k % 16 / 8)"),
    ("dequantize_q4_k_f16_reference", "format/q4_k.clh", "i < 4 ? first & 63u", "i < 5 ? first & 63u"),
    ("dequantize_i3_f16_gpu", "format/i3.clh", "bits >> 4 & 15u", "bits >> 3 & 15u"),
    ("dequantize_nf4_f16_gpu", "dequantize/frame_gpu.cl", "ROW_OF(i) * columns + first)", "ROW_OF(i) * columns + first / 2)"),
    ("gemm_f16_f16_gpu", "common/gemm_tiles.clh", "weights[k * PITCH + i + TILE_ROW_ITEMS * r]", "weights[k * PITCH + i + TILE_ROW_ITEMS * r + 1]"),
    ("gemm_f16_f16_gpu", "common/gemm_tiles.clh", "#define PITCH (TILE + 4)", "#define PITCH (TILE - 4)"),
    ("gemm_i8_f16_gpu", "common/gemm_tiles.clh", "if (row >= rows || k >= columns) return 0.0f", "if (rows == 0 || k >= columns) return 0.0f"),
    ("gemm_i4_f16_gpu", "matmul/gemm_gpu.cl", "((columns + GROUP - 1) / GROUP) + k / GROUP", "(columns / GROUP) + k / GROUP"),
    ("gemm_i4_i8_gpu_ptx", "matmul/gemm_dot_gpu.cl", "- zeros) ^ 0x80808080u", "- zeros)"),
    ("gemm_i8_i8_gpu_ptx", "matmul/gemm_dot_gpu.cl", "if (row < rows && token < tokens) out", "if (row < rows) out"),
    ("gemv_q4_0_f16_gpu_mma", "matmul/gemv_frame_mma_gpu.cl", "    wait_for_warp();", ""),
    ("gemv_f16_f16_gpu_mma", "matmul/gemv_frame_mma_gpu.cl", "stage = stage + 1 < STAGES", "stage = stage + 2 < STAGES"),
    ("gemv_q8_0_f16_gpu_mma", "matmul/gemv_frame_mma_gpu.cl", "if (wide && chunk >= chunks) continue;", ""),
    ("gemv_q6_k_f16_gpu_mma", "common/mma_frame.clh", "min((first_step) + which", "max((first_step) + which"),
    ("gemv_i8_f16_gpu_mma", "matmul/gemv_frame_mma_gpu.cl", "min(first + row, rows - 1)", "(rows > 0 ? first + row : 0)"),
    ("gemv_i4_f16_gpu_mma", "matmul/gemv_frame_mma_gpu.cl", "(low < left ? halves[low]", "(low <= left ? halves[low]"),
    ("gemv_i4_i8_gpu_mma", "matmul/gemv_frame_mma_gpu.cl", "8 * place + i < left ?", "8 * place + i <= left ?"),
    ("gemv_i4_i8_gpu_mma", "format/format.clh", "chosen_bytes(even, odd, 0x7362)", "chosen_bytes(even, odd, 0x7326)"),
    ("gemm_i4_i8_gpu_mma", "common/mma_frame.clh", "vstore_half_rte((total) * token_scales[token]", "vstore_half_rte((total) * token_scales[token ^ 1]"),
    ("gemv_nvfp4_f16_gpu_mma", "common/mma_frame.clh", "(FORMAT_HALVES == 2 ? (half) : 0))", "0)"),
    ("gemv_q4_1_f16_gpu_mma", "common/mma_frame.clh", "mma_f16(ones, value[n].lo,", "mma_f16(ones, value[n].hi,"),
    ("gemm_q4_k_f16_gpu_mma", "common/mma_frame.clh", "if (row >= rows || token >= tokens) continue;", "if (row >= rows) continue;"),
    ("gemm_mxfp4_f16_gpu_mma", "matmul/gemm_frame_mma_gpu.cl", "wanted + codes_step[i] < x_steps ? PIECE : 0", "wanted + codes_step[i] <= x_steps ? PIECE : 0"),
    ("gemm_f16_f16_gpu_mma", "matmul/gemm_frame_mma_gpu.cl", "wanted + x_step[i] < x_steps ? 16 : 0", "x_steps > 0 ? 16 : 0"),
    ("gemm_f16_f16_gpu_mma", "matmul/gemm_frame_mma_gpu.cl", "piece % 4 ^ SWIZZLE(row)", "piece % 4 ^ (SWIZZLE(row) & (step_bytes > 0 ? 3 : 1))"),
    ("gemm_q8_0_f16_gpu_mma", "matmul/gemm_frame_mma_gpu.cl", "next > 0 ? next - 1 : STAGES - 1", "next"),
    ("gemm_i3_f16_gpu_mma", "matmul/gemm_frame_mma_gpu.cl", "? (K_WARPS - 1) * CHUNK + 1 : 1", "? K_WARPS * CHUNK : 1"),
    ("gemm_i8_i8_gpu_mma", "matmul/gemm_frame_mma_gpu.cl", "from < at.x_row_bytes ?", "from <= at.x_row_bytes ?"),
    ("gemm_fp8_f16_gpu_mma", "common/mma_frame.clh", "w += ROW_WARPS * TOKEN_WARPS", "w += 2 * ROW_WARPS * TOKEN_WARPS"),
    ("gemv_i3_f16_gpu_mma", "format/i3.clh", ">> (2 * place);", ">> place;"),
    ("gemv_i2_f16_gpu_mma", "format/format.clh", "((__global const ushort*)zeros)[group] * 0x10001u", "((__global const ushort*)zeros)[group]"),
    ("gemv_fp8_f16_gpu_mma", "format/format.clh", "masked_onto(word >> 1, 0x3F803F80u", "masked_onto(word >> 1, 0x1F801F80u"),
    ("gemv_nf4_f16_gpu_mma", "format/nibbles.clh", "out[1] = HALVES(0x7632);", "out[1] = HALVES(0x5410);"),
    ("quantize_f16_i8_gpu", "common/group_rows.clh", "exchange[item + i * FEW]", "exchange[item]"),
    ("quantize_f16_i8_sums_gpu", "quantize/quantize_gpu.cl", "v < vectors ? sum_of_bytes(bytes) : 0", "sum_of_bytes(bytes)"),
    ("quantize_f16_i8_gpu", "common/group_rows.clh", "return (vectors - 1) / BLOCK * BLOCK;", "return (vectors - 1) / BLOCK * 0;"),
    ("quantize_f16_i8_gpu", "quantize/quantize_gpu.cl", "if (v < vectors) *", "if (v <= vectors) *"),
    ("rms_norm_f16_gpu_ptx", "common/group_rows.clh", "uint mask = 16; mask > 0", "uint mask = 8; mask > 0"),
    ("quantize_f16_i8_sums_gpu", "quantize/quantize_gpu.cl", "partial[g * SHARED + i]", "partial[g * SHARED]"),
    ("quantize_f16_i8_sums_gpu_ptx", "quantize/quantize_gpu.cl", "mask < SHARED;", "mask < SHARED / 2;"),
    ("quantize_f16_i8_sums_gpu", "quantize/quantize_gpu.cl", "k < min((g + 1) * GROUP, columns)", "k < (g + 1) * GROUP"),
    ("quantize_weights_f16_i8_gpu", "common/common.clh", "(fma(a, b, ROUNDING_BIAS))", "(fma(a, b, ROUNDING_BIAS + 1.0f))"),
    ("quantize_f16_i8_inliers_gpu", "quantize/quantize_gpu.cl", "return mask ? bits & mask[k] : bits;", "return mask ? bits & mask[0] : bits;"),
    ("quantize_f16_i8_inliers_gpu", "quantize/quantize_gpu.cl", "mask + 8 * (size_t)min(v, vectors - 1)", "mask + 8 * (size_t)v"),
    ("quantize_f16_e4m3_gpu", "common/common.clh", "limited + 0x7FFFFu + (limited >> 20 & 1u)", "limited + 0x80000u"),
    ("quantize_f16_e4m3_gpu", "common/common.clh", "min(top, MOST_E4M3_TOP) * INVERSE_448", "top * INVERSE_448"),
    ("gemm_fp8_e4m3_gpu", "common/frame_activations.clh", "(256.0f * token_scales[t])", "(256.0f * token_scales[0])"),
    ("gemm_fp8_e4m3_gpu", "matmul/gemm_frame_gpu.cl", "k + i < columns ? activation_at", "k + i <= columns ? activation_at"),
    ("find_outliers_f16_gpu", "outliers/outliers_gpu.cl", "high >> 16 <= (uint4)(threshold)", "high >> 16 < (uint4)(threshold)"),
    ("find_outliers_f16_gpu", "outliers/outliers_gpu.cl", "if (whole) return", "if (whole || count == 8) return"),
    ("list_outliers_f16_gpu", "outliers/outliers_gpu.cl", "if (place < places) {", "if (place <= places) {"),
    ("list_outliers_f16_gpu", "outliers/outliers_gpu.cl", "uint j = found + item", "uint j = found + item + 1"),
    ("gather_f16_reference", "outliers/outliers_reference.cl", "k < columns ? ((__global const ushort*)x)", "k <= columns ? ((__global const ushort*)x)"),
    ("dequantize_i32_add_f16_gpu", "dequantize/dequantize_gpu.cl", "*(__global const ushort4*)(products + at)", "*(__global const ushort4*)(products + at / 2)"),
    ("quantize_weights_f16_i4_reference", "quantize/quantize_reference.cl", "if (k + 1 < end) code |=", "code |="),
    ("dequantize_i4_f16_gpu_ptx", "dequantize/dequantize_gpu.cl", "half2_fma(zero2, HALF2_MINUS_ONE, HALF2_MINUS_64)", "half2_fma(zero2, HALF2_MINUS_ONE, HALF2_MINUS_1024)"),
    ("dequantize_i4_f16_gpu", "dequantize/dequantize_gpu.cl", "((size_t)min(row + (i), rows - 1))", "((size_t)(rows > 0 ? row + (i) : 0))"),
    ("dequantize_q8_0_f16_gpu", "dequantize/frame_gpu.cl", "for (uint r = row; r < min(row + ROWS, rows)", "for (uint r = row; r < min(row + ROWS - 1, rows)"),
    ("dequantize_i32_f16_gpu", "dequantize/dequantize_gpu.cl", "if (rows % RESCALED_ROWS == 0)", "if (rows % 2 == 0)"),
    ("dequantize_i8_f16_gpu", "dequantize/dequantize_gpu.cl", "first >= columns || row >= rows", "first > columns || row >= rows"),
    ("cast_f32_f16_gpu", "cast/cast_gpu.cl", "if (first + CAST_VALUES <= count)", "if (first + 7 <= count)"),
    ("rms_norm_f16_gpu_ptx", "norm/norm_gpu.cl", "v < vectors ? kept[i] : (uint4)(0)", "kept[i]"),
    ("rms_norm_f16_gpu", "norm/norm_gpu.cl", "/ (float)width", "/ (float)(width + 1)"),
    ("random_f16_reference", "common/philox.clh", "0xBB67AE85u", "0xBB67AE86u"),
    ("expand_heads_f16_gpu", "attention/expand_heads_gpu.cl", "v_row) % 8 == 0)", "v_row) % 4 == 0)"),
    ("expand_heads_f16_gpu", "attention/expand_heads_gpu.cl", "v_first + t * v_row", "v_first + t * (heads / repeat) * head_dim"),
    ("rms_norm_f16_gpu", "norm/norm_gpu.cl", "(width | first | row) % 8", "width % 8"),
    ("swiglu_f16_reference", "activation/activation_reference.cl", "up_first + t * row", "up_first + t * width"),
    ("rotate_store_f16_reference", "attention/rotate_store_reference.cl", "of_q ? q_row : kv_row", "of_k ? q_row : kv_row"),
    ("rotate_store_f16_reference", "attention/rotate_store_reference.cl", "interleaved ? 2 * i : i,", "i,"),
    ("rotate_store_f16_reference", "attention/rotate_store_reference.cl", "(tokens / run) + t / run)", "(tokens / run) + t % run)"),
    ("rms_norm_f16_gpu", "norm/norm_gpu.cl", "(float)width + eps", "(float)width + 2 * eps"),
    ("rms_norm_f16_reference", "norm/norm_reference.cl", "(float)width + eps", "(float)width + 2 * eps"),
    ("embed_f16_reference", "token/embed_reference.cl", "(size_t)ids[t] * width", "(size_t)ids[0] * width"),
    ("add_bias_f16_reference", "residual/bias_reference.cl", "vload_half(i, bias)", "vload_half(0, bias)"),
    ("choose_f16_reference", "token/choose_reference.cl", "value > top", "value >= top"),
    ("choose_f16_reference", "token/choose_reference.cl", "position[0] += run", "position[0] += run + 1"),
    ("choose_f16_gpu", "token/choose_gpu.cl", "place < places[item]", "place > places[item]"),
    ("choose_f16_gpu", "token/choose_gpu.cl", "t == 0 && item == 0", "item == 0"),
    ("choose_f16_gpu", "token/choose_gpu.cl", "places[0] < vocab ? places[0] : 0", "places[0]"),
    ("attend_f16_reference", "attention/attend_reference.cl", "position[0] + t % run + 1", "position[0] + 1"),
    ("attend_f16_gpu", "attention/attend_gpu.cl", "sum[r] *= shrink;", ""),
    ("attend_f16_gpu", "attention/attend_gpu.cl", "mixed[r][m] *= shrink;", ";"),
    ("attend_f16_gpu", "attention/attend_gpu.cl", "min((uint)WORK_GROUP, end - block)", "WORK_GROUP"),
    ("combine_heads_f16_reference", "attention/combine_heads_reference.cl", "top = fmax(top, part[split", "top = fmin(top, part[split"),
    ("expand_heads_f16_reference", "attention/expand_heads_reference.cl", "h / repeat) *", "h % repeat) *"),
]


def remove(index):
    return lambda instructions: [*instructions[:index], NOTHING, *instructions[index + 1:]]


def wait_less(index):
    def change(instructions):
        wait = instructions[index]
        return [*instructions[:index], dataclasses.replace(wait, operands=(str(int(wait.operands[0]) + 1),)), *instructions[index + 1:]]
    return change


def ptx_mutants(function):
    """(what, index of the instruction, change) of all barriers and waits."""
    for index, instruction in enumerate(function.instructions):
        if instruction.opcode in ("bar.sync", "bar.warp.sync"):
            yield f"barrier at {index} removed", index, remove(index)
        if instruction.opcode == "cp.async.wait_group":
            yield f"wait at {index} for one batch less", index, wait_less(index)


class Hunt:
    """Runs a kernel's launches on mutants: those first that found one before, then the short ones."""

    def __init__(self, jobs):
        self.jobs, self.seconds, self.found = jobs, {}, collections.Counter()

    def time(self, job, function):
        """The Launch of the right kernel."""
        started = time.process_time()
        launch = run_job(job, function)
        self.seconds[id(job)] = time.process_time() - started
        return launch

    def is_found(self, jobs, function):
        """Whether one of the launches faults; unknown instructions do not count."""
        for job in sorted(jobs, key=lambda job: (-self.found[id(job)], self.seconds.get(id(job), 0))):
            try:
                run_job(job, function)
            except Fault as fault:
                if "not understood" in str(fault):
                    raise
                self.found[id(job)] += 1
                return True
        return False


def chosen_programs(listing):
    """Of each kernel one program: the defaults, one token, groups of 128 columns; of gemv as many rows as make it use all."""
    chosen = {}
    for one in list_nvidia_programs(listing):
        if one.program.define("GROUP") in (None, GROUP) and one.program.used_by == "run":
            chosen.setdefault(one.program.kernel, one)
    return list(chosen.values())


def check_ptx(hunt, function):
    """(number of mutants, those that were not found)."""
    executed = [(job, hunt.time(job, function).executed) for job in hunt.jobs]
    count, missed = 0, []
    for what, index, change in ptx_mutants(function):
        count += 1
        reaching = [job for job, indices in executed if indices[index]]
        mutant = dataclasses.replace(function, instructions=change(function.instructions))
        if not reaching:
            missed.append(f"{what}: no case reaches it")
        elif not hunt.is_found(reaching, mutant):
            missed.append(f"{what}: not found by {len(reaching)} launches that reach it")
    return count, missed


def check_source(hunt, file, old, new, tools):
    """What is wrong with a mutant of the sources, or nothing."""
    with tempfile.TemporaryDirectory() as folder:
        kernels = pathlib.Path(folder) / "kernels"
        shutil.copytree(ROOT / "kernels", kernels)
        text = (kernels / file).read_text() if (kernels / file).exists() else ""
        if old not in text:
            return f"{file} no longer holds `{old}`: write the mutant anew"
        (kernels / file).write_text(text.replace(old, new))
        try:
            function = compile_entry(hunt.jobs[0].program, dataclasses.replace(tools, kernels=kernels))
        except Fault as fault:
            return f"{file} with `{new}` for `{old}` does not compile: {fault}"
        return None if hunt.is_found(hunt.jobs, function) else f"{file} with `{new}` for `{old}`: not found"


def main(tools):
    listing = sys.argv[1]
    jobs, faults = make_jobs(listing, chosen_programs(listing))
    by_kernel, count = {}, 0
    for job in jobs:
        by_kernel.setdefault(job.program.kernel, []).append(job)
    hunts = {kernel: Hunt(own) for kernel, own in by_kernel.items()}
    for kernel, hunt in hunts.items():
        program = hunt.jobs[0].program
        if program.file in UNIT_FRAMES and program.operation[5:] not in OF_FRAMES:
            continue
        try:
            mutants, missed = check_ptx(hunt, compile_entry(program, tools))
        except Fault as fault:
            mutants, missed = 0, [fault]
        count += mutants
        faults += [f"{kernel}: {one}" for one in missed]
    for kernel, *change in SOURCE_MUTANTS:
        count += 1
        gone = None if kernel in hunts else "there is no such kernel: write the mutant anew"
        complaint = gone or check_source(hunts[kernel], *change, tools)
        faults += [f"{kernel}: {complaint}"] if complaint else []
    for fault in faults:
        print(f"ptx: error: {fault}", file=sys.stderr)
    print(f"{count} mutants, {len(faults)} not found")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(skip_without_tools(main))
