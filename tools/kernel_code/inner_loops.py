"""Instructions that a warp or wave issues in the loop over a kernel's columns, from its emitted code, per weight and per product
of a matrix unit.

The loop is the innermost one that holds most multiply-adds, without the loops inside that hold none (odd rows, byte by byte). Of AMD's
code the vector unit's instructions count (v_..., the two halves of v_dual_ as one), as scalar, memory and local-memory
instructions are issued beside them; of NVIDIA's all, as a scheduler issues one a cycle of whatever kind.
"""
import dataclasses
import re

MATRIX = re.compile(r"HMMA|IMMA|v_mfma|v_wmma")
VECTOR = re.compile(r"FFMA|HFMA2|IDP|v_(dual_|pk_)?(fma|fmac|fmaak|fmamk)_f(32|16)|v_fma_mix\w*|v_dot4c?_i32_i\w+")


@dataclasses.dataclass(frozen=True)
class Loop:
    instructions: float  # issued to the unit that binds
    products: int        # of a matrix unit
    multiply_adds: int   # instructions of the vector unit that multiply and add


def issue_of(name, nvidia):
    if nvidia:
        return 0 if name == "NOP" else 1
    return 0 if not name.startswith("v_") or name == "v_nop" else 0.5 if name.startswith("v_dual_") else 1


def inner_loop(code, nvidia):
    """The Loop of (names, labels, jumps) as counts.read_sass or read_amd gives them; None where nothing is multiplied."""
    names, labels, jumps = code
    ranges = sorted({(labels[label], at + 1) for at, label in jumps if label in labels and labels[label] <= at})
    wanted = MATRIX if any(MATRIX.match(name) for name in names) else VECTOR
    work = lambda first, end: sum(bool(wanted.match(name)) for name in names[first:end])
    # Of loops one in another the inner one, where it has half of the outer one's work or more; of those the one with the most.
    working = [r for r in ranges if work(*r)]
    holds = lambda outer, inner: outer != inner and outer[0] <= inner[0] and inner[1] <= outer[1] and 2 * work(*inner) >= work(*outer)
    working = [outer for outer in working if not any(holds(outer, inner) for inner in working)]
    if not working:
        return None
    first, end = min(working, key=lambda r: (-work(*r), r[1] - r[0]))
    # Loops that overlap, as jumps back to one label do, are left out once.
    beside = {i for f, e in ranges if (f, e) != (first, end) and first <= f and e <= end and not work(f, e) for i in range(f, e)}
    body = [names[i] for i in range(first, end) if i not in beside]
    return Loop(sum(issue_of(name, nvidia) for name in body), sum(bool(MATRIX.match(name)) for name in body),
                sum(bool(VECTOR.match(name)) for name in body))
