#!/usr/bin/python3
"""The interpreter must find what it is there to find: small kernels, each with one fault, and the rounding of its fma."""
import fractions
import pathlib
import subprocess
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True
from runner import ROOT, compile_functions, make_tools, np, skip_without_tools

from arithmetic import fused
from machine import Launch
from parser import Fault

SOURCE = """
#define GROUP __attribute__((reqd_work_group_size(64, 1, 1))) __kernel void
#define I (uint)get_local_id(0)
GROUP clean(__global const uint* in, __global uint* out) {
  __local uint t[64]; t[I] = in[I]; barrier(CLK_LOCAL_MEM_FENCE); out[I] = t[63 - I]; }
__constant uint kTable[66] = {7, 1, 2};
GROUP constants(__global const uint* in, __global uint* out) { out[I] = kTable[in[I]]; }
GROUP constant_beyond(__global const uint* in, __global uint* out) { out[I] = kTable[in[I] + 3]; }
GROUP field(__global const uint* in, __global uint* out) {
  ulong v; __asm__("bfe.u64 %0, %1, 31, 3;" : "=l"(v) : "l"((ulong)in[I] << 30 | (ulong)in[I] << 40)); out[I] = (uint)v; }
GROUP load_beyond(__global const uint* in, __global uint* out) { out[I] = in[I + 1]; }
GROUP store_beyond(__global const uint* in, __global uint* out) { out[I + in[0] * 0 + 1] = 1; }
GROUP narrow_address(__global const uint* in, __global uint* out) {
  out[I] = *(__global const uint*)((size_t)in & 0xFFFFFFFFu); }
GROUP misaligned(__global const uint* in, __global uint* out) { *(__global uint4*)(out + 1) = (uint4)(in[I]); }
GROUP store_to_input(__global uint* in, __global uint* out) { in[I] = 1; out[I] = 1; }
GROUP load_unwritten(__global const uint* in, __global uint* out) { out[I] = out[I] + in[I]; }
GROUP same_bytes(__global const uint* in, __global uint* out) { out[I / 2] = in[I]; }
GROUP others_results(__global const uint* in, __global uint* out) {
  out[I] = in[I]; barrier(CLK_LOCAL_MEM_FENCE | CLK_GLOBAL_MEM_FENCE); if (out[63 - I] == 7) out[I] = 5; }
GROUP local_unwritten(__global const uint* in, __global uint* out) {
  __local uint t[64]; if (I < 63) t[I] = in[I]; barrier(CLK_LOCAL_MEM_FENCE); out[I] = t[63 - I]; }
GROUP local_beyond(__global const uint* in, __global uint* out) {
  __local uint t[64]; t[I + 1] = in[I]; barrier(CLK_LOCAL_MEM_FENCE); out[I] = t[63 - I]; }
GROUP read_after_write(__global const uint* in, __global uint* out) {
  __local uint t[64]; t[I] = in[I]; out[I] = t[63 - I]; }
GROUP write_after_read(__global const uint* in, __global uint* out) {
  __local uint t[64]; t[I] = in[I]; barrier(CLK_LOCAL_MEM_FENCE); const uint v = t[63 - I]; t[I] = v; out[I] = v; }
GROUP same_local_bytes(__global const uint* in, __global uint* out) {
  __local uint t[64]; t[I / 2] = in[I]; barrier(CLK_LOCAL_MEM_FENCE); out[I] = t[I / 2]; }
GROUP barrier_for_some(__global const uint* in, __global uint* out) {
  __local uint t[64]; t[I] = in[I]; if (in[I] < 32) barrier(CLK_LOCAL_MEM_FENCE); out[I] = t[I]; }
GROUP partial_warp(__global const uint* in, __global uint* out) {
  uint v = in[I]; if (v < 16) __asm__ volatile("shfl.sync.bfly.b32 %0, %1, 1, 0x1f, 0xffffffff;" : "=r"(v) : "r"(v)); out[I] = v; }
GROUP endless(__global const uint* in, __global uint* out) { for (uint i = 1; i != 0; i += 2) out[I] = in[I] + i; }
GROUP unknown(__global const uint* in, __global uint* out) {
  uint v; __asm__("vabsdiff.u32.u32.u32 %0, %1, %1;" : "=r"(v) : "r"(in[I])); out[I] = v; }
#define COPY(to, from) __asm__ volatile("cp.async.cg.shared.global [%0], [%1], 16;" : : "r"((uint)(size_t)(to)), "l"(from) : "memory")
#define CLOSE __asm__ volatile("cp.async.commit_group;" : : : "memory")
#define WAIT(n) __asm__ volatile("cp.async.wait_group " #n ";" : : : "memory")
GROUP copied(__global const uint* in, __global uint* out) {
  __local uint t[64] __attribute__((aligned(16)));
  if (I < 16) COPY(t + 4 * I, in + 4 * I); CLOSE; WAIT(0); barrier(CLK_LOCAL_MEM_FENCE); out[I] = t[I]; }
GROUP copied_not_awaited(__global const uint* in, __global uint* out) {
  __local uint t[64] __attribute__((aligned(16)));
  if (I < 16) COPY(t + 4 * I, in + 4 * I); CLOSE; WAIT(1); barrier(CLK_LOCAL_MEM_FENCE); out[I] = t[I]; }
GROUP copied_to_the_end(__global const uint* in, __global uint* out) {
  __local uint t[64] __attribute__((aligned(16)));
  out[I] = in[I]; if (I < 16) COPY(t + 4 * I, in + 4 * I); CLOSE; WAIT(1); }
GROUP copied_without_barrier(__global const uint* in, __global uint* out) {
  __local uint t[64] __attribute__((aligned(16)));
  if (I < 16) COPY(t + 4 * I, in + 4 * I); CLOSE; WAIT(0); out[I] = t[I]; }
GROUP written_while_copied(__global const uint* in, __global uint* out) {
  __local uint t[64] __attribute__((aligned(16)));
  if (I < 16) COPY(t + 4 * I, in + 4 * I); barrier(CLK_LOCAL_MEM_FENCE); t[I] = 1; CLOSE; WAIT(0); out[I] = t[I]; }
"""
CLEAN = {"clean": list(range(63, -1, -1)), "copied": list(range(64)), "constants": [7, 1, 2] + [0] * 61,
         "field": [i // 2 % 8 for i in range(64)]}
WORDS = {"constant_beyond": "load outside every buffer", "load_beyond": "load outside every buffer", "store_beyond": "store outside every buffer",
         "narrow_address": "load outside every buffer", "misaligned": "not on 16 bytes", "store_to_input": "store to an input",
         "load_unwritten": "load of bytes that nobody wrote", "same_bytes": "several items store to the same bytes",
         "others_results": "race: load of what another item wrote", "local_unwritten": "local load of bytes that nobody wrote",
         "local_beyond": "local store outside every variable", "read_after_write": "race: local load",
         "write_after_read": "race: local store", "same_local_bytes": "several items write the same local bytes",
         "barrier_for_some": "a barrier that some items of the group do not reach", "partial_warp": "partial warp",
         "endless": "does not end", "unknown": "not understood", "copied_not_awaited": "cp.async was not waited for",
         "copied_to_the_end": "ends while a cp.async is pending",
         "copied_without_barrier": "race: local load", "written_while_copied": "pending cp.async"}


class Machine(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        with tempfile.TemporaryDirectory() as folder:
            (pathlib.Path(folder) / "k.cl").write_text(SOURCE)
            tools, _ = make_tools(pathlib.Path(folder))
            cls.functions = compile_functions("k.cl", "-cl-std=CL1.2", tools)

    def run_kernel(self, name):
        values = np.arange(64, dtype=np.uint32)
        launch = Launch(self.functions[name], (1, 1, 1), (64, 1, 1), [(values, False, True), (values, True, False)]).run()
        return launch.memory.result(1)[0]

    def test_runs_clean_kernels(self):
        for name, values in CLEAN.items():
            with self.subTest(kernel=name):
                self.assertEqual(self.run_kernel(name).tolist(), values)

    def test_finds_each_fault(self):
        for name, words in WORDS.items():
            with self.subTest(kernel=name), self.assertRaisesRegex(Fault, words):
                self.run_kernel(name)

    def test_every_kernel_of_the_source_is_tried(self):
        self.assertEqual({*WORDS, *CLEAN}, set(self.functions))

    def test_fma_rounds_once(self):
        """Against exact fractions, on sums that lie next to the middle of two f32 and f16."""
        rng = np.random.default_rng(3)
        for narrow, scale in ((np.float32, 2.0**-40), (np.float16, 2.0**-24)):
            a, b = (rng.integers(1, 2048, 400).astype(narrow) for _ in range(2))
            a, c = a * narrow(scale), np.full(400, narrow(1) + np.finfo(narrow).eps)
            for sign in (1, -1):
                for middle in (c, -c):
                    got = fused(sign * a, b, middle, narrow)
                    for x, y, z, one in zip(sign * a, b, middle, got):
                        exact = fractions.Fraction(float(x)) * fractions.Fraction(float(y)) + fractions.Fraction(float(z))
                        near = [np.nextafter(one, narrow(-np.inf)), np.nextafter(one, narrow(np.inf))]
                        error = abs(fractions.Fraction(float(one)) - exact)
                        self.assertTrue(all(error <= abs(fractions.Fraction(float(n)) - exact) for n in near))


class Rows(unittest.TestCase):
    def test_a_kernel_without_a_row_is_named(self):
        with tempfile.TemporaryDirectory() as folder:
            listing = pathlib.Path(folder) / "programs"
            listing.write_text("#!/bin/sh\n[ -n \"$1\" ] || printf 'new_thing_gpu\\tgpu\\tgpu\\tnew.cl\\tnew_thing_gpu\\t64\\trun\\t-DX=1\\n'\n")
            listing.chmod(0o755)
            done = subprocess.run([sys.executable, ROOT / "tests" / "ptx" / "kernels_test.py", listing], capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 1, done.stdout)
        self.assertIn("new_thing_gpu: no row in tests/ptx/cases.py", done.stderr)


if __name__ == "__main__":
    sys.exit(skip_without_tools(lambda tools: unittest.main(argv=sys.argv[:1])))
