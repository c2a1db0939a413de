// Ceilings of a device: what the fastest plain access or arithmetic reaches, against which kernels are judged.
// Layout: READ and COPY walk `count` uint4 (16 bytes each); work-item g takes chunk g (STRIDED=0: CPUs, one stream per item) or every
// gsize-th element (STRIDED=1: GPUs, neighbours adjacent). Tunables: STRIDED, WIDTH (float lanes of the FMA kernel).
// Bytes: read 16 * count, copy 32 * count. Operations of fma_rate: rounds * 12 * WIDTH multiply-adds per work-item.

#define PASTE_(a, b) a##b
#define PASTE(a, b) PASTE_(a, b)

#if STRIDED
#define FOR_EACH(i) for (ulong i = get_global_id(0); i < count; i += get_global_size(0))
#else
#define FOR_EACH(i)                                                             \
  const ulong chunk = (count + get_global_size(0) - 1) / get_global_size(0);    \
  const ulong first = get_global_id(0) * chunk;                                 \
  for (ulong i = first; i < min(first + chunk, (ulong)count); ++i)
#endif

// The sum keeps every load alive: out is written once per work-item.
__kernel void read_bandwidth(__global const uint4* in, __global uint* out, const uint count) {
  uint4 sum = (uint4)(0);
  FOR_EACH(i) { sum ^= in[i]; }
  out[get_global_id(0)] = sum.x ^ sum.y ^ sum.z ^ sum.w;
}

__kernel void copy_bandwidth(__global const uint4* restrict in, __global uint4* restrict out, const uint count) {
  FOR_EACH(i) { out[i] = in[i]; }
}

// Twelve independent chains hide the latency of a fused multiply-add (4 cycles on two ports of a CPU core need eight). The factor and
// addend come from arguments, so that nothing is folded; the fixed point of x = a x + b is finite.
#if WIDTH == 1
typedef float lanes;
#else
typedef PASTE(float, WIDTH) lanes;
#endif
__kernel void fma_rate(__global float* out, const float a, const float b, const uint rounds) {
  lanes x0 = (lanes)(a), x1 = x0 + 1, x2 = x0 + 2, x3 = x0 + 3, x4 = x0 + 4, x5 = x0 + 5;
  lanes x6 = x0 + 6, x7 = x0 + 7, x8 = x0 + 8, x9 = x0 + 9, x10 = x0 + 10, x11 = x0 + 11;
  for (uint i = 0; i < rounds; ++i) {
    x0 = fma(x0, (lanes)(a), (lanes)(b));
    x1 = fma(x1, (lanes)(a), (lanes)(b));
    x2 = fma(x2, (lanes)(a), (lanes)(b));
    x3 = fma(x3, (lanes)(a), (lanes)(b));
    x4 = fma(x4, (lanes)(a), (lanes)(b));
    x5 = fma(x5, (lanes)(a), (lanes)(b));
    x6 = fma(x6, (lanes)(a), (lanes)(b));
    x7 = fma(x7, (lanes)(a), (lanes)(b));
    x8 = fma(x8, (lanes)(a), (lanes)(b));
    x9 = fma(x9, (lanes)(a), (lanes)(b));
    x10 = fma(x10, (lanes)(a), (lanes)(b));
    x11 = fma(x11, (lanes)(a), (lanes)(b));
  }
  const lanes sum = x0 + x1 + x2 + x3 + x4 + x5 + x6 + x7 + x8 + x9 + x10 + x11;
#if WIDTH == 1
  out[get_global_id(0)] = sum;
#else
  out[get_global_id(0)] = sum.s0 + PASTE(sum.s, LAST);
#endif
}

// Does as little as a launch can do and still be a kernel.
__kernel void empty_launch(__global uint* out) {
  if (get_global_id(0) == 0) out[0] = 1u;
}
