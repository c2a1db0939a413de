"""Runs one launch of a PTX function: all items of all groups side by side as numpy lanes, the lowest instruction first.

Items that diverge run apart until they meet again; barriers end an epoch of a group's local memory; instructions of a
whole warp (shfl.sync, mma.sync, ldmatrix, bar.warp.sync) wait for its 32 items. Faults: those of memory.py; a barrier that an item of its
group does not reach, or reaches elsewhere; an incomplete warp; a launch that does not end; an unknown instruction.
Registers that nothing has written hold garbage. Source: "PTX ISA", "Instruction Set".
"""
import re

import numpy as np

import matrix_unit
from arithmetic import DTYPES, bits_of, semantics
from memory import GlobalMemory, LocalMemory, unsigned
from parser import Fault, Instruction

RUNS, AT_BARRIER, AT_WARP, ENDED = range(4)
MOST_BLOCKS = 25_000  # of instructions; the longest launch of the tests takes a tenth
GARBAGE = 0xDEADBEEFCAFEF00D
SPACES = re.compile(r"(ld|st)\.(global|shared|const|param)(\.nc)?(?:\.v([24]))?\.([bfus])(8|16|32|64)")
ADDRESS = re.compile(r"\[([%\w$]+)(?:\+(-?\w+))?\]")
CONTROL = {"bra", "ret", "exit", "bar"}
KNOWN = {"bar.warp.sync"}  # opcodes that were looked at
NOT_MADE = object()


class Active:
    """The items that execute an instruction: `mask` is None when it is all of the launch."""

    def __init__(self, mask, all_lanes):
        self.mask = mask
        self.lanes = all_lanes if mask is None else np.flatnonzero(mask)

    def of(self, values):
        """The active ones of a value per item."""
        if np.ndim(values) == 0:
            return np.full(len(self.lanes), values)
        return values if self.mask is None else values[self.lanes]


class Launch:
    """`groups` and `items`: three sizes each. `arguments`: numbers, or (array, writable, initial) for buffers."""

    def __init__(self, function, groups, items, arguments):
        self.function = function
        per_group = int(np.prod(items))
        self.count, self.per_group = per_group * int(np.prod(groups)), per_group
        self.lanes = np.arange(self.count)
        self.memory = GlobalMemory([a for a in arguments if isinstance(a, tuple)])
        bases = iter(self.memory.bases)
        self.parameters = {name: (np.uint64(next(bases)) if isinstance(a, tuple) else DTYPES[kind](a))
                           for (name, kind), a in zip(function.parameters, arguments, strict=True)}
        widths = [int(m[6]) // 8 for m in (SPACES.match(i.opcode) for i in function.instructions) if m and m[2] == "shared"]
        self.local = LocalMemory(function.shared, self.lanes // per_group, min([4, *widths]))
        self.constants = GlobalMemory([(np.frombuffer(values, np.uint8), False, True) for values in function.constants.values()])
        self.symbols = self.local.addresses | dict(zip(function.constants, self.constants.bases))
        self.registers = {}
        self.special = self.make_special(groups, items)
        self.state = np.zeros(self.count, np.int8)
        self.place = np.zeros(self.count, np.int64)
        self.leaders = function.leaders()
        self.executed = np.zeros(len(function.instructions), bool)  # which instructions some item executed
        for opcode in {i.opcode for i in function.instructions} - KNOWN:
            self.check_opcode(opcode)
        self.steps = [NOT_MADE] * len(function.instructions)  # each made when first executed: many never are

    @staticmethod
    def check_opcode(opcode):
        """That it is understood, whether or not an item ever executes it; operands are looked at when one does."""
        if opcode.split(".")[0] not in CONTROL | {"mma", "shfl", "ldmatrix", "cp"} and not SPACES.fullmatch(opcode):
            semantics(opcode)
        KNOWN.add(opcode)

    def step_at(self, at):
        if self.steps[at] is NOT_MADE:
            self.steps[at] = self.make_step(self.function.instructions[at])
        return self.steps[at]

    def make_special(self, groups, items):
        item, group = self.lanes % self.per_group, self.lanes // self.per_group
        special = {}
        for axis, stride_i, stride_g in zip("xyz", np.cumprod([1, *items]), np.cumprod([1, *groups])):
            at = "xyz".index(axis)
            special |= {f"%tid.{axis}": item // stride_i % items[at], f"%ctaid.{axis}": group // stride_g % groups[at],
                        f"%ntid.{axis}": np.full(self.count, items[at]), f"%nctaid.{axis}": np.full(self.count, groups[at])}
        # %envreg3 to 5: the global offset in NVIDIA's OpenCL, which no launch of the kernel table has.
        special |= {f"%envreg{i}": np.zeros(self.count) for i in (3, 4, 5)}
        return {name: values.astype(np.uint32) for name, values in special.items()}

    def register(self, name):
        if name not in self.registers:
            kind = self.function.registers.get(name)
            if kind is None:
                raise Fault(f"undeclared register {name}")
            values = np.zeros(self.count, np.bool_) if kind == "pred" else None
            if values is None:
                values = np.full(self.count, GARBAGE & (1 << bits_of(kind)) - 1, unsigned(bits_of(kind) // 8))
            self.registers[name] = values
        return self.registers[name]

    # Operands: functions without arguments, bound to the registers once.
    def source(self, text, kind):
        dtype = DTYPES[kind]
        if text.startswith("%"):
            values = self.special[text] if text in self.special else self.register(text)
            width = np.dtype(dtype).itemsize
            if values.dtype == np.bool_ or values.dtype.itemsize == width:
                typed = values.view(dtype)
                return lambda: typed
            return lambda: values.astype(unsigned(width)).view(dtype)  # the low part
        if text in self.symbols:
            constant = dtype(self.symbols[text])
        elif text.startswith("0f"):
            constant = np.uint32(int(text[2:], 16)).view(np.float32)
        elif text.startswith("0d"):
            constant = np.uint64(int(text[2:], 16)).view(np.float64)
        elif kind == "pred":
            constant = np.bool_({"true": 1, "false": 0, "1": 1, "0": 0, "-1": 1}[text])
        else:
            bits = np.dtype(dtype).itemsize * 8
            constant = unsigned(bits // 8)(int(text, 0) & (1 << bits) - 1).view(dtype)
        return lambda: constant

    def target(self, text, kind):
        """Function that stores values of the active items, one per item of the launch, in a register."""
        if text == "_":
            return lambda values, active: None
        register, dtype = self.register(text), np.dtype(DTYPES[kind])
        if register.dtype == np.bool_ or register.dtype.itemsize == dtype.itemsize:
            typed, convert = register.view(dtype), lambda values: values
        else:  # a narrower value fills its register, with its sign if it has one
            wide = np.dtype(f"{'i' if dtype.kind == 'i' else 'u'}{register.dtype.itemsize}")
            typed, convert = register.view(wide), lambda values: np.asarray(values).astype(wide)

        def put(values, active):
            if active.mask is None:
                typed[...] = convert(values)
            else:
                np.copyto(typed, convert(values), where=active.mask)
        return put

    def scatter(self, text, kind):
        """The same for values of the active items alone."""
        put, whole = self.target(text, kind), np.zeros(self.count, DTYPES[kind])

        def run(values, active):
            whole[active.lanes] = values
            put(whole, active)
        return run

    def address(self, text):
        found = ADDRESS.fullmatch(text)
        if not found:
            raise Fault(f"not understood: address {text}")
        kind = "u32" if self.function.registers.get(found[1]) == "b32" else "u64"
        base, offset = self.source(found[1], kind), np.uint64(int(found[2] or "0", 0) & 0xFFFFFFFFFFFFFFFF)
        return lambda active: active.of(base()).astype(np.uint64) + offset

    # Instructions: functions of the active items.
    def make_step(self, instruction):
        opcode, operands = instruction.opcode, instruction.operands
        name = opcode.split(".")[0]
        if opcode == "bar.warp.sync":
            if int(operands[0], 0) != 0xFFFFFFFF:
                raise Fault("bar.warp.sync of a part of a warp: not modelled")
            return lambda active: self.local.end_warp_epoch(active.lanes)
        if name in CONTROL:
            return None
        special = {"mma": self.make_mma, "shfl": self.make_shuffle, "ldmatrix": self.make_ldmatrix, "cp": self.make_copy}
        if SPACES.fullmatch(opcode):
            step = self.make_access(instruction)
        elif name in special:
            step = special[name](instruction)
        elif name == "mov" and "{" in instruction.text:
            step = self.make_packing(instruction)
        else:
            result, kinds, function = semantics(opcode)
            sources = [self.source(text, kind) for text, kind in zip(operands[1:], kinds, strict=True)]
            put = self.target(operands[0], result)
            step = lambda active: put(function(*(source() for source in sources)), active)
        return self.make_predicated(instruction, step) if instruction.predicate else step

    def make_predicated(self, instruction, step):
        predicate, negated = self.register(instruction.predicate), instruction.negated

        def run(active):
            mask = ~predicate if negated else predicate
            mask = mask.copy() if active.mask is None else mask & active.mask
            if mask.any():
                step(Active(mask, self.lanes))
        return run

    def make_access(self, instruction):
        name, space, constant, vector, letter, bits = SPACES.fullmatch(instruction.opcode).groups()
        kind, width, count = letter + bits, int(bits) // 8, int(vector or 1)
        registers, address = (instruction.operands if name == "ld" else reversed(instruction.operands))
        registers = [text.strip() for text in registers.strip("{}").split(",")]
        if space == "param":
            return self.make_parameter(registers[0], address, kind)
        memory, where = {"global": self.memory, "shared": self.local, "const": self.constants}[space], self.address(address)
        if name == "ld":
            puts = [self.scatter(text, kind) for text in registers]
            options = {"constant": True} if constant else {}

            def load(active):
                for put, value in zip(puts, memory.load(active.lanes, where(active), width, count, **options), strict=True):
                    put(value.view(DTYPES[kind]), active)
            return load
        sources = [self.source(text, f"b{bits}") for text in registers]
        return lambda active: memory.store(active.lanes, where(active), width, [active.of(source()) for source in sources])

    def make_parameter(self, register, address, kind):
        value = self.parameters[ADDRESS.fullmatch(address)[1]]
        if bits_of(kind) != value.dtype.itemsize * 8:
            raise Fault(f"parameter of another size: {address}")
        put = self.target(register, kind)
        return lambda active: put(value.view(DTYPES[kind]), active)

    def make_packing(self, instruction):
        """mov between a word and the parts in braces, lowest first."""
        to, of = instruction.operands
        bits = int(instruction.opcode.removeprefix("mov.b"))
        parts = [text.strip() for text in (to if to.startswith("{") else of).strip("{}").split(",")]
        size = bits // len(parts)
        word, part = unsigned(bits // 8), f"b{size}"
        shifts = [word(i * size) for i in range(len(parts))]
        if to.startswith("{"):
            source, puts = self.source(of, f"b{bits}"), [self.target(text, part) for text in parts]

            def unpack(active):
                value = source()
                for put, shift in zip(puts, shifts):
                    put((value >> shift).astype(DTYPES[part]), active)
            return unpack
        sources, put = [self.source(text, part) for text in parts], self.target(to, f"b{bits}")
        return lambda active: put(sum((source().astype(word) << shift for source, shift in zip(sources, shifts)), word(0)), active)

    def make_shuffle(self, instruction):
        lane_of = {"shfl.sync.bfly.b32": lambda here, number: here ^ number, "shfl.sync.idx.b32": lambda here, number: number}
        if instruction.opcode not in lane_of or [int(text, 0) for text in instruction.operands[3:]] != [31, 0xFFFFFFFF]:
            raise Fault(f"not understood: {instruction.text}")
        put, value = self.scatter(instruction.operands[0], "b32"), self.source(instruction.operands[1], "b32")
        number, of = self.source(instruction.operands[2], "b32"), lane_of[instruction.opcode]

        def shuffle(active):
            here = np.arange(len(active.lanes))
            put(active.of(value())[here // 32 * 32 + of(here % 32, active.of(number()) & 31)], active)
        return shuffle

    def make_mma(self, instruction):
        shape = matrix_unit.MMA.get(instruction.opcode)
        if shape is None:
            raise Fault(f"not understood: {instruction.opcode}")
        d, *rest = [[text.strip() for text in group.strip("{}").split(",")] for group in instruction.operands]
        puts = [self.scatter(text, "b32") for text in d]
        sources = [[self.source(text, "b32") for text in group] for group in rest]

        def multiply(active):
            values = [[active.of(source()) for source in group] for group in sources]
            for put, value in zip(puts, shape.multiply(*values), strict=True):
                put(value, active)
        return multiply

    def make_ldmatrix(self, instruction):
        if instruction.opcode != matrix_unit.LDMATRIX:
            raise Fault(f"not understood: {instruction.opcode}")
        puts = [self.scatter(text.strip(), "b32") for text in instruction.operands[0].strip("{}").split(",")]
        where = self.address(instruction.operands[1])

        def load(active):
            for put, value in zip(puts, matrix_unit.load_matrices(self.local, active.lanes, where(active)), strict=True):
                put(value, active)
        return load

    def make_copy(self, instruction):
        opcode, operands = instruction.opcode, instruction.operands
        if opcode == "cp.async.commit_group":
            return lambda active: self.local.close_batch(active.lanes)
        if opcode == "cp.async.wait_group":
            return lambda active: self.local.wait(active.lanes, int(operands[0]))
        widths = {"cp.async.cg.shared.global": ("16",), "cp.async.ca.shared.global": ("4", "8")}.get(opcode, ())
        if operands[2] not in widths:
            raise Fault(f"not understood: {instruction.text}")
        to, of, width = self.address(operands[0]), self.address(operands[1]), int(operands[2])
        size = self.source(operands[3] if len(operands) > 3 else operands[2], "b32")

        def copy(active):
            lanes, addresses, sizes = active.lanes, of(active), active.of(size())
            if (addresses & np.uint64(width - 1)).any():
                raise Fault(f"cp.async not from {width} bytes")
            if not np.isin(sizes, (0, width)).all():
                raise Fault(f"cp.async of a part of {width} bytes: not modelled")
            chunks, read = np.zeros((len(lanes), width // 4), np.uint32), sizes == width
            if read.any():
                chunks[read] = np.stack(self.memory.load(lanes[read], addresses[read], 4, width // 4), axis=1)
            self.local.begin_copy(lanes, to(active), chunks.view(np.uint8))
        return copy

    # Control.
    def run(self):
        with np.errstate(all="ignore"):
            for _ in range(MOST_BLOCKS):
                runs = self.state == RUNS
                if not runs.any():
                    if not self.release():
                        if self.local.copies:
                            raise Fault("ends while a cp.async is pending")
                        return self
                    continue
                first = int(self.place[runs].min())
                mask = runs & (self.place == first)
                last = self.run_from(first, None if mask.all() else mask)
                self.executed[first:last + 1] = True
        raise Fault("does not end")

    def run_from(self, at, mask):
        """Executes until the active items meet others, part or wait; the last instruction."""
        active, instructions, steps, warp_wide = Active(mask, self.lanes), self.function.instructions, self.steps, self.function.warp_wide
        while True:
            instruction = instructions[at]
            try:
                step = steps[at]
                if step is NOT_MADE:
                    step = self.step_at(at)
                if step is None:
                    self.control(instruction, at, active)
                    return at
                if warp_wide[at]:
                    if not self.run_warps(instruction, at, active):
                        return at
                else:
                    step(active)
            except Fault as fault:
                who = active.lanes[0]
                where = f"item {who % self.per_group} of group {who // self.per_group}"
                raise Fault(f"{fault} (`{instruction.text}`, number {at}; the first that executes it: {where})") from None
            at += 1
            if at in self.leaders and mask is not None:
                self.place[active.lanes] = at
                return at - 1

    def control(self, instruction: Instruction, at, active):
        name = instruction.opcode.split(".")[0]
        self.place[active.lanes] = at + 1
        if name == "bra":
            taken = active
            if instruction.predicate:
                predicate = self.register(instruction.predicate)
                chosen = ~predicate if instruction.negated else predicate
                taken = Active(chosen if active.mask is None else chosen & active.mask, self.lanes)
            self.place[taken.lanes] = self.function.labels[instruction.operands[0]]
            return
        if instruction.predicate:
            raise Fault("predicated end or barrier: not modelled")
        if name == "bar":
            if instruction.opcode != "bar.sync" or instruction.operands != ("0",):
                raise Fault("another barrier than bar.sync 0: not modelled")
            self.place[active.lanes] = at
        self.state[active.lanes] = AT_BARRIER if name == "bar" else ENDED

    def run_warps(self, instruction, at, active):
        """Executes it for the warps that are complete; False when some items must wait for others of their warp."""
        if instruction.predicate or self.per_group % 32 != 0:
            raise Fault("warp instruction with a partial warp")
        if active.mask is None:
            self.step_at(at)(active)
            return True
        self.state[active.lanes], self.place[active.lanes] = AT_WARP, at
        arrived = ((self.state == AT_WARP) & (self.place == at)).reshape(-1, 32).all(axis=1).repeat(32)
        if arrived.any():
            complete = Active(arrived, self.lanes)
            self.step_at(at)(complete)
            self.state[complete.lanes], self.place[complete.lanes] = RUNS, at + 1
        return False

    def release(self):
        """Lets the groups at a barrier go on; False when all items have ended."""
        if (self.state == AT_WARP).any():
            at = int(self.place[self.state == AT_WARP][0])
            raise Fault(f"partial warp: `{self.function.instructions[at].text}` waits for items that never come")
        waits = (self.state == AT_BARRIER).reshape(-1, self.per_group)
        if not waits.any():
            return False
        groups = np.flatnonzero(waits.any(axis=1))
        place = self.place.reshape(-1, self.per_group)[groups]
        if not waits[groups].all() or (place != place[:, :1]).any():
            raise Fault("a barrier that some items of the group do not reach")
        self.local.end_epoch(groups)
        freed = waits.ravel()
        self.state[freed] = RUNS
        self.place[freed] += 1
        return True
