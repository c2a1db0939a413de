"""mma.sync and ldmatrix over whole warps. Source: "PTX ISA", "Matrix Fragments for mma.m16n8k16 with floating point type",
"… for mma.m16n8k32" (integer) and "ldmatrix": lane l has group g = l / 4 and place p = l % 4.

A sum of products is formed exactly and rounded once; hardware rounds more often, in an order that NVIDIA does not tell.
"""
import numpy as np

from parser import Fault

LANES = np.arange(32)
GROUP, PLACE = LANES // 4, LANES % 4


class Shape:
    """Where the elements of a lane's registers lie: `depth` columns of A, `packed` elements per register."""

    def __init__(self, element, result, depth):
        self.element, self.result, self.depth = element, result, depth
        packed = 4 // np.dtype(element).itemsize
        j = np.arange(packed)[None, None, :]
        half = depth // 2
        a, b, c = (np.arange(count)[:, None, None] for count in (4, 2, 4))
        group, place = GROUP[None, :, None], PLACE[None, :, None]
        # [register][lane][element]: register i of A holds row g + 8 (i % 2), columns p packed + j of half i / 2.
        self.a_row, self.a_column = np.broadcast_arrays(group + 8 * (a % 2), place * packed + j + half * (a // 2))
        self.b_row, self.b_column = np.broadcast_arrays(place * packed + j + half * b, group)
        self.c_row, self.c_column = group[..., 0] + 8 * (c[..., 0] // 2), place[..., 0] * 2 + c[..., 0] % 2

    def elements(self, registers, warps):
        """[warp][register][lane][element] as f64, which holds all sums of such products exactly."""
        words = np.stack(registers).reshape(len(registers), warps, 32).transpose(1, 0, 2)
        return np.ascontiguousarray(words)[..., None].view(self.element).astype(np.float64)

    def multiply(self, a, b, c):
        """D = A B + C of lists of registers, each with 32 values per warp."""
        warps = len(a[0]) // 32
        left, right = np.zeros((warps, 16, self.depth)), np.zeros((warps, self.depth, 8))
        left[:, self.a_row, self.a_column] = self.elements(a, warps)
        right[:, self.b_row, self.b_column] = self.elements(b, warps)
        sums = np.stack(c).view(self.result).astype(np.float64).reshape(4, warps, 32).transpose(1, 0, 2)
        product = (left @ right)[:, self.c_row, self.c_column] + sums
        narrow = product.astype(np.int64).astype(np.int32) if self.result == np.int32 else product.astype(np.float32)
        return list(np.ascontiguousarray(narrow.transpose(1, 0, 2)).view(np.uint32).reshape(4, warps * 32))


MMA = {"mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32": Shape(np.float16, np.float32, 16),
       "mma.sync.aligned.m16n8k32.row.col.s32.s8.s8.s32": Shape(np.int8, np.int32, 32)}
LDMATRIX = "ldmatrix.sync.aligned.m8n8.x4.shared.b16"


def load_matrices(local, lanes, addresses):
    """Four matrices of eight rows of 16 bytes; lane 8 m + r names row r of matrix m, lane l takes word p of row g."""
    if (addresses % np.uint64(16)).any():
        raise Fault("row of ldmatrix not on 16 bytes")
    rows = addresses.reshape(-1, 32)
    return [local.load(lanes, (rows[:, 8 * m + GROUP] + (4 * PLACE).astype(np.uint64)).ravel(), 4, 1)[0] for m in range(4)]
