"""tools/check-kernels must find what it is there to find: a spill, a narrow load, a warning, a missing entry."""
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(os.environ["QTRAP_SOURCE"])
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


def check(source, kernel="k", family="gpu", target="gfx90a", variant=None, used_by="run", common=COMMON):
    """Exit status and output of check-kernels on one kernel."""
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        (folder / "k.cl").write_text(source)
        programs = folder / "programs"
        programs.write_text(f"#!/bin/sh\nprintf '%s\\n' '{kernel}\t{family}\t{variant or family}\tk.cl\t{kernel}\t64\t{used_by}\t{common}'\n")
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


if __name__ == "__main__":
    if not shutil.which("clang-19"):
        print("clang-19 is not installed: skipped")
        sys.exit(77)
    unittest.main()
