// Ceilings of a device: what the fastest plain access or arithmetic reaches, against which kernels are judged.
// Layout: READ and COPY walk `count` uint4 (16 bytes each); work-item g takes chunk g (STRIDED=0: CPUs, one stream per item) or every
// gsize-th element (STRIDED=1: GPUs, neighbours adjacent). Tunables: STRIDED, WIDTH (float lanes of the FMA kernel).
// Bytes: read 16 * count, copy 32 * count. Operations per work-item and round: fma_rate 12 * WIDTH multiply-adds,
// half_fma_rate 24, int8_rate 48 (192 on CPUs).

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

// The sum keeps every load alive: out is written once per work-item. A CPU core reads eight streams side by side: one
// leaves the start of each page exposed (Zen 3: 24 GB/s with one stream, 33 with the eight rows of a GEMV).
__kernel void read_bandwidth(__global const uint4* in, __global uint* out, const uint count) {
#if STRIDED
  uint4 sum = (uint4)(0);
  FOR_EACH(i) { sum ^= in[i]; }
  out[get_global_id(0)] = sum.x ^ sum.y ^ sum.z ^ sum.w;
#else
  __global const uint8* wide = (__global const uint8*)in;
  const ulong stream = count / 2 / get_global_size(0) / 8;
  const ulong first = get_global_id(0) * 8 * stream;
  uint8 sum[8] = {0, 0, 0, 0, 0, 0, 0, 0};
  for (ulong i = first; i < first + stream; ++i) {
#pragma unroll
    for (uint s = 0; s < 8; ++s) sum[s] ^= wide[i + s * stream];
  }
  uint8 all = ((sum[0] ^ sum[1]) ^ (sum[2] ^ sum[3])) ^ ((sum[4] ^ sum[5]) ^ (sum[6] ^ sum[7]));
  if (get_global_id(0) == 0) {
    for (ulong i = get_global_size(0) * 8 * stream; i < count / 2; ++i) all ^= wide[i];
  }
  const uint4 half_sum = all.lo ^ all.hi;
  out[get_global_id(0)] = half_sum.x ^ half_sum.y ^ half_sum.z ^ half_sum.w;
#endif
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

// fma_rate in half, two values per lane; built only where the probe of fp16 passed.
#ifdef FP16
#ifdef cl_khr_fp16
#pragma OPENCL EXTENSION cl_khr_fp16 : enable
#endif
__kernel void half_fma_rate(__global float* out, const float a, const float b, const uint rounds) {
  const half2 factor = (half2)((half)a, (half)a), addend = (half2)((half)b, (half)b);
  half2 x[12];
#pragma unroll
  for (uint j = 0; j < 12; ++j) x[j] = factor + addend * (half)(float)j;
  for (uint i = 0; i < rounds; ++i) {
#pragma unroll
    for (uint j = 0; j < 12; ++j) x[j] = x[j] * factor + addend;
  }
  half2 sum = x[0];
#pragma unroll
  for (uint j = 1; j < 12; ++j) sum += x[j];
  out[get_global_id(0)] = (float)sum.x + (float)sum.y;
}
#endif

// Multiply-adds of int8 values into int32. DOT8: the Khronos dot product where its probe passed, 12 x 4 per round.
// STRIDED (GPUs): four products of bytes in plain C, 12 x 4. Else (CPUs): 16-bit products, two of them summed before they
// widen, as gemv_i8_i8_cpu does: 6 x 32 per round. The values wrap, which takes no time.
#ifdef DOT8
#pragma OPENCL EXTENSION cl_khr_integer_dot_product : enable
#endif
__kernel void int8_rate(__global float* out, const uint a, const uint b, const uint rounds) {
#if STRIDED || defined(DOT8)
  uint x[12];
#pragma unroll
  for (uint j = 0; j < 12; ++j) x[j] = a + j;
  for (uint i = 0; i < rounds; ++i) {
#pragma unroll
    for (uint j = 0; j < 12; ++j) {
#ifdef DOT8
      x[j] += (uint)dot_4x8packed_ss_int(x[j], b);
#else
      const char4 p = as_char4(x[j]), q = as_char4(b);
      x[j] += (uint)((int)p.x * q.x + (int)p.y * q.y + (int)p.z * q.z + (int)p.w * q.w);
#endif
    }
  }
  uint sum = x[0];
#pragma unroll
  for (uint j = 1; j < 12; ++j) sum ^= x[j];
  out[get_global_id(0)] = (float)sum;
#else
  const short16 p = (short16)((short)a), q = (short16)((short)b);
  int8 x[12];
#pragma unroll
  for (uint j = 0; j < 12; ++j) x[j] = (int8)((int)(a + j));
  for (uint i = 0; i < rounds; ++i) {
#pragma unroll
    for (uint j = 0; j < 12; j += 2) {
      const int8 lane = as_int8(as_short16(x[j]) * p + as_short16(x[j + 1]) * q);
      x[j] += (lane << 16) >> 16;
      x[j + 1] += lane >> 16;
    }
  }
  int8 sum = x[0];
#pragma unroll
  for (uint j = 1; j < 12; ++j) sum ^= x[j];
  out[get_global_id(0)] = (float)(sum.s0 ^ sum.s1 ^ sum.s2 ^ sum.s3 ^ sum.s4 ^ sum.s5 ^ sum.s6 ^ sum.s7);
#endif
}

// Does as little as a launch can do and still be a kernel.
__kernel void empty_launch(__global uint* out) {
  if (get_global_id(0) == 0) out[0] = 1u;
}
