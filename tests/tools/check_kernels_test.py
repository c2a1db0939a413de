"""tools/check-kernels must find what it is there to find: a spill, a narrow load, a warning, a missing entry; of ceilings
work that the compiler drops, moves to where it is done once per warp, or that the host counts otherwise."""
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(os.environ["QTRAP_SOURCE"])
sys.path.insert(0, str(ROOT / "tools"))
from kernel_code.counts import read_amd

COMMON = "-cl-std=CL1.2 -DROWS=1 -DTOKENS=1 -DUNROLL=1"
CLEAN = "__kernel void k(__global uint4* a) { a[get_global_id(0)] += 1u; }"
# A private table with a run-time index lives in memory.
SCRATCH = """__kernel void k(__global uint* a) {
  uint table[64];
  for (uint i = 0; i < 64; ++i) table[i] = a[i] * i;
  a[get_global_id(0)] = table[a[65] % 64];
}"""
NARROW = "__kernel void gemv_f16_f16_gpu(__global uint* a, __global const uint* b) { a[get_global_id(0)] = b[get_global_id(1)]; }"
# Each weight is used before the next is loaded: what the barrier keeps apart.
ONE_BY_ONE = """__kernel void gemv_f16_f16_gpu(__global float4* a, __global const float4* b) {
  for (uint i = 0; i < 9; ++i) {
    a[i] = fma(a[i], b[get_global_id(0) + 64 * i], 1.0f);
    barrier(CLK_GLOBAL_MEM_FENCE);
  }
}"""
UNUSED = "__kernel void k(__global uint* a) { uint unused; a[0] = 1u; }"
# A ceiling of 2 chains of 4 lanes: 8 multiply-adds an item and round.
FMA_RATE = """__kernel void fma_rate(__global float* out, float a, float b, uint rounds) {
  float4 x = (float4)(START, START + 1, START + 2, START + 3), y = x * 3.0f;
  _Pragma("nounroll") for (uint i = 0; i < rounds; ++i) { x = fma(x, (float4)(a), (float4)(b)); y = fma(y, (float4)(a), (float4)(b)); }
  x += y;
  out[get_global_id(0)] = RESULT;
}"""
OWN_START, ALL_LANES = ("START", "(a + (float)get_global_id(0))"), ("RESULT", "x.s0 + x.s1 + x.s2 + x.s3")
# Two chains of dp4a, or of plain products of bytes: 8 multiply-adds.
INT8_RATE = """static inline int dot4(uint a, uint b, int sum) { DOT }
__kernel void int8_rate(__global int* out, uint a, uint b, uint rounds) {
  int x = START, y = START + 1;
  _Pragma("nounroll") for (uint i = 0; i < rounds; ++i) { x = dot4((uint)x, b, x); y = dot4((uint)y, b, y); }
  out[get_global_id(0)] = x ^ y;
}"""
DP4A = """int r; __asm__("dp4a.s32.s32 %0, %1, %2, %3;" : "=r"(r) : "r"(a), "r"(b), "r"(sum)); return r;"""
PLAIN = "const char4 p = as_char4(a), q = as_char4(b); return sum + p.x * q.x + p.y * q.y + p.z * q.z + p.w * q.w;"


def replace(source, *pairs):
    for old, new in pairs:
        source = source.replace(old, new)
    return source


def check(source, kernel="k", family="gpu", target="gfx90a", variant=None, used_by="run", common=COMMON, macs=None):
    """Exit status and output of check-kernels on one kernel."""
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        (folder / "k.cl").write_text(source)
        programs = folder / "programs"
        row = [kernel, family, variant or family, "k.cl", kernel, "64", used_by, common, *([] if macs is None else [f"{macs}"])]
        programs.write_text("#!/bin/sh\ncat <<'END'\n" + "\t".join(row) + "\nEND\n")
        programs.chmod(0o755)
        done = subprocess.run([ROOT / "tools" / "check-kernels", programs, "--kernel-dir", folder, "--target", target],
                              capture_output=True, text=True, check=False)
        return done.returncode, done.stdout + done.stderr


class CheckKernels(unittest.TestCase):
    def test_passes_a_clean_kernel(self):
        for target in ("lint", "gfx90a", "sm_80"):
            code, output = check(CLEAN, target=target)
            self.assertEqual(code, 0, output)

    def test_finds_scratch_memory(self):
        code, output = check(SCRATCH)
        self.assertEqual(code, 1, output)
        self.assertIn("bytes of spills or scratch", output)

    def test_finds_a_stack_frame_on_nvidia_with_or_without_ptxas(self):
        code, output = check(SCRATCH, target="sm_80")
        self.assertEqual(code, 1, output)

    def test_finds_narrow_loads(self):
        for target in ("gfx1100", "sm_90"):
            code, output = check(NARROW, "gemv_f16_f16_gpu", target=target)
            self.assertEqual(code, 1, output)
            self.assertIn("0 loads of 16 bytes instead of 2", output)

    def test_finds_that_the_matrix_unit_is_not_used(self):
        source = CLEAN.replace(" k(", " gemm_i8_i8_gpu(")
        for variant, target, product in (("mfma", "gfx90a", "v_mfma_i32_16x16x16i8"), ("mfma", "gfx942", "v_mfma_i32_16x16x32_i8"),
                                         ("wmma", "gfx1100", "v_wmma_i32_16x16x16_iu8"), ("mma", "sm_80", "m16n8k32")):
            code, output = check(source, "gemm_i8_i8_gpu", target=target, variant=variant)
            self.assertEqual(code, 1, output)
            self.assertIn(product, output)

    def test_finds_loads_that_wait_for_one_another(self):
        for target in ("gfx90a", "sm_80"):
            code, output = check(ONE_BY_ONE, "gemv_f16_f16_gpu", target=target, used_by="tune",
                                 common=COMMON.replace("UNROLL=1", "UNROLL=4"))
            self.assertEqual(code, 1, output)
            self.assertIn("loads of 16 bytes in flight instead of 3", output)

    def test_finds_scratch_memory_of_tuning_candidates(self):
        for target in ("gfx90a", "gfx1100"):
            code, output = check(SCRATCH, target=target, used_by="tune")
            self.assertEqual(code, 1, output)
            self.assertIn("bytes of spills or scratch", output)

    def test_finds_a_warning_in_each_family(self):
        for family in ("cpu", "gpu", "reference"):
            code, output = check(UNUSED, family=family, target="lint")
            self.assertEqual(code, 1, output)
            self.assertIn("unused variable", output)

    def test_finds_a_missing_entry(self):
        code, output = check(CLEAN, kernel="other")
        self.assertEqual(code, 1, output)
        self.assertIn("the entry other is missing", output)

    def check_ceiling(self, source, kernel, target, macs=8, options="-cl-std=CL1.2"):
        code, output = check(source, kernel, target=target, used_by="ceiling", common=options, macs=macs)
        if "ceilings' loops on sm_*" in output:
            self.skipTest(re.search(r"left out: (.*ceilings' loops on.*)", output)[1])
        return code, output

    def test_passes_a_ceiling_that_does_what_is_counted(self):
        for target in ("gfx90a", "gfx1100", "gfx1200", "sm_80", "sm_90", "sm_100", "sm_120"):
            with self.subTest(target=target):
                code, output = self.check_ceiling(replace(FMA_RATE, OWN_START, ALL_LANES), "fma_rate", target)
                self.assertEqual(code, 0, output)
                self.assertRegex(output, r"fma_rate +8\n")

    def test_finds_lanes_of_a_ceiling_that_nobody_reads(self):
        """ptxas drops half of the multiply-adds that clang leaves."""
        for target in ("sm_80", "sm_90", "sm_100", "sm_120"):
            with self.subTest(target=target):
                code, output = self.check_ceiling(replace(FMA_RATE, OWN_START, ("RESULT", "x.s0 + x.s3")), "fma_rate", target)
                self.assertEqual(code, 1, output)
                self.assertIn("4 multiply-adds per item and round instead of the 8", output)

    def test_finds_a_ceiling_whose_items_all_compute_the_same(self):
        """On devices with a scalar unit for floats; on NVIDIA's uniform datapath for integers."""
        code, output = self.check_ceiling(replace(FMA_RATE, ("START", "a"), ALL_LANES), "fma_rate", "gfx1200")
        self.assertEqual(code, 1, output)
        self.assertRegex(output, "once per warp|0 loops")
        source = replace(INT8_RATE, ("DOT", PLAIN), ("START", "(int)a"))
        code, output = self.check_ceiling(source, "int8_rate", "sm_80")
        self.assertEqual(code, 1, output)
        self.assertRegex(output, "once per warp|0 loops")

    def test_finds_that_the_host_counts_otherwise(self):
        source = replace(FMA_RATE, OWN_START, ALL_LANES)
        for target in ("gfx942", "gfx1100"):
            code, output = self.check_ceiling(source, "fma_rate", target, macs=16)
            self.assertEqual(code, 1, output)
            self.assertIn("8 multiply-adds per item and round instead of the 16", output)

    def test_finds_an_int8_ceiling_without_the_dot_product(self):
        start, options = ("START", "(int)(a + get_global_id(0))"), "-cl-std=CL1.2 -DINSTRUCTIONS_PTX"
        code, output = self.check_ceiling(replace(INT8_RATE, ("DOT", DP4A), start), "int8_rate", "sm_90", options=options)
        self.assertEqual(code, 0, output)
        code, output = self.check_ceiling(replace(INT8_RATE, ("DOT", PLAIN), start), "int8_rate", "sm_90", options=options)
        self.assertEqual(code, 1, output)
        self.assertIn("0 loops of IDP", output)

    def test_reads_every_kind_of_instruction_and_no_label_as_one(self):
        lines = ["fma_rate:  ; @fma_rate", ".LBB0_1:", *(f"\t{name} v0, v1" for name in
                 ("flat_load_b32", "global_load_b32", "ds_read_b32", "buffer_load_dword", "v_fma_f32")), "\ts_cbranch_scc1 .LBB0_1"]
        names, labels, jumps = read_amd("\n".join(lines))
        self.assertEqual(names, ["flat_load_b32", "global_load_b32", "ds_read_b32", "buffer_load_dword", "v_fma_f32", "s_cbranch_scc1"])
        self.assertEqual((labels, jumps), ({".LBB0_1": 0}, [(5, ".LBB0_1")]))

    def test_finds_a_ceiling_that_is_not_counted(self):
        code, output = self.check_ceiling(replace(FMA_RATE, OWN_START, ALL_LANES), "fma_rate", "gfx90a", macs=None)
        self.assertEqual(code, 1, output)
        self.assertIn("instead of the None counted", output)


if __name__ == "__main__":
    if not shutil.which("clang-19"):
        print("clang-19 is not installed: skipped")
        sys.exit(77)
    unittest.main()
