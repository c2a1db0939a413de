"""The two memories of a launch, with all that a kernel may do wrong in them.

Global: every access lies inside one buffer and on a multiple of its size; inputs are never written; nothing reads what
nobody wrote; no item touches what another item of the launch wrote, or writes what another read (nothing orders items of
a launch there). Local: the same, but barriers order the items of a group, a barrier ending an epoch; and bytes that
cp.async brings belong to nobody until their item has waited for them. Source: "PTX ISA", "Memory Consistency Model" and
cp.async; OpenCL C 1.2, section 6.12.8 (barrier).
"""
import numpy as np

from parser import Fault

BASE = 0x7F0000000000  # beyond 32 bits: a truncated address falls outside every buffer
GUARD = 256  # bytes between buffers
POISON = 0xA5
OUTSIDE, READ_ONLY, WRITABLE = 0, 1, 2
NOBODY, SEVERAL = -1, -2


def unsigned(bytes_):
    return np.dtype(f"u{bytes_}").type


class GlobalMemory:
    """Buffers: [(array, writable, whether its contents are initial values)] as the host binds them."""

    def __init__(self, buffers):
        self.arrays, self.bases, size = [array for array, _, _ in buffers], [], GUARD
        for array, _, _ in buffers:
            self.bases.append(BASE + size)
            size = (size + array.nbytes + 2 * GUARD - 1) // GUARD * GUARD
        self.bytes = np.full(size, POISON, np.uint8)
        self.views = {width: self.bytes.view(unsigned(width)) for width in (1, 2, 4, 8)}
        self.kind = np.zeros(size, np.uint8)
        self.known = np.zeros(size, bool)
        self.writer = np.full(size, NOBODY, np.int64)
        self.reader = np.full(size, NOBODY, np.int64)
        for (array, writable, initial), base in zip(buffers, self.bases):
            place = slice(base - BASE, base - BASE + array.nbytes)
            self.kind[place] = WRITABLE if writable else READ_ONLY
            self.known[place] = initial
            if initial:
                self.bytes[place] = np.ascontiguousarray(array).view(np.uint8).ravel()

    def find(self, addresses, size, what):
        """Offsets of whole accesses of `size` bytes."""
        if (addresses & np.uint64(size - 1)).any():
            raise Fault(f"{what} not on {size} bytes")
        at = (addresses - np.uint64(BASE)).view(np.int64)
        if at.min() < 0 or at.max() > len(self.bytes) - size or not (self.kind[at].all() and self.kind[at + size - 1].all()):
            raise Fault(f"{what} outside every buffer")
        return at

    def load(self, lanes, addresses, width, count, constant=False):
        """`count` values of `width` bytes per item. `constant`: through the path that must not see writes."""
        at = self.find(addresses, width * count, "load")
        shared = self.kind[at] == WRITABLE
        if shared.any():
            if constant:
                raise Fault("read-only load from a buffer that the kernel may write")
            self.note_reads(lanes[shared], at[shared], width * count)
        first = at // width
        return [self.views[width][first + i] for i in range(count)]

    def note_reads(self, lanes, at, size):
        where, lane = at[:, None] + np.arange(size), lanes[:, None]
        if not self.known[where].all():
            raise Fault("load of bytes that nobody wrote")
        writer = self.writer[where]
        if ((writer != NOBODY) & (writer != lane)).any():
            raise Fault("race: load of what another item wrote")
        reader = self.reader[where]
        self.reader[where] = np.where((reader == NOBODY) | (reader == lane), lane, SEVERAL)
        twice = self.reader[where] != lane
        self.reader[where[twice]] = SEVERAL

    def store(self, lanes, addresses, width, values):
        size = width * len(values)
        at = self.find(addresses, size, "store")
        if not (self.kind[at] == WRITABLE).all():
            raise Fault("store to an input")
        where, lane = at[:, None] + np.arange(size), lanes[:, None]
        writer, reader = self.writer[where], self.reader[where]
        if ((writer != NOBODY) & (writer != lane)).any() or ((reader != NOBODY) & (reader != lane)).any():
            raise Fault("race: store to what another item wrote or read")
        self.writer[where] = np.broadcast_to(lane, where.shape)
        if (self.writer[where] != lane).any():
            raise Fault("race: several items store to the same bytes")
        self.known[where] = True
        for i, value in enumerate(values):
            self.views[width][at // width + i] = value

    def result(self, index):
        """What the buffer holds, in its array's type, and which of its bytes somebody wrote."""
        array = self.arrays[index]
        place = slice(self.bases[index] - BASE, self.bases[index] - BASE + array.nbytes)
        return self.bytes[place].copy().view(array.dtype).reshape(array.shape), self.writer[place] != NOBODY


class LocalMemory:
    """`variables`: {name: (alignment, bytes)} of one group; every group has them at the same addresses, GUARD apart.
    `unit`: bytes of the smallest access, at which owners are kept. Within an epoch of the group, bar.warp.sync orders the 32
    items of a warp: it ends an epoch of that warp."""

    def __init__(self, variables, group_of_lane, unit):
        self.addresses, size = {}, 0
        for name, (alignment, length) in variables.items():
            size = (size + GUARD + alignment - 1) // alignment * alignment
            self.addresses[name] = size
            size += length
        self.unit, self.size, self.pitch = unit, size, (size + 2 * GUARD) // GUARD * GUARD
        groups = int(group_of_lane[-1]) + 1
        self.group_of_lane = group_of_lane
        self.items = len(group_of_lane)
        self.bytes = np.full(groups * self.pitch, POISON, np.uint8)
        self.views = {width: self.bytes.view(unsigned(width)) for width in (1, 2, 4, 8)}
        inside = np.zeros(self.pitch // unit, bool)
        for name, (_, length) in variables.items():
            inside[self.addresses[name] // unit:(self.addresses[name] + length) // unit] = True
        self.inside = np.tile(inside, groups)
        # Who touched a unit last, as epoch * owners + owner: an item, several of warp w (items + w), or several (the last).
        self.warps = (self.items + 31) // 32
        self.owners = self.items + self.warps + 1
        self.warp_of = np.concatenate([np.arange(self.items) // 32, np.arange(self.warps), [-1]])
        self.written = np.full(len(self.inside), -1, np.int64)
        self.read = np.full(len(self.inside), -1, np.int64)
        # In which epoch of its warp.
        self.written_at, self.read_at = np.zeros((2, len(self.inside)), np.int64)
        self.warp_epoch = np.zeros(self.warps, np.int64)
        self.pending = np.zeros(len(self.inside), np.int32)
        self.epoch = np.zeros(groups, np.int64)
        self.copies = []  # of cp.async: (lanes, batch of each, units, offsets, bytes of each)
        self.batches = np.zeros(self.items, np.int64)  # closed by each item

    def end_epoch(self, groups):
        self.epoch[groups] += 1

    def end_warp_epoch(self, lanes):
        """Of whole warps."""
        self.warp_epoch[lanes[::32] // 32] += 1

    def find(self, lanes, addresses, size, what):
        at = addresses.astype(np.int64)
        if (at % size).any():
            raise Fault(f"local {what} not on {size} bytes")
        if at.min() < 0 or at.max() > self.size - size:
            raise Fault(f"local {what} outside every variable")
        at = at + self.group_of_lane[lanes] * self.pitch
        units = at[:, None] // self.unit + np.arange(max(1, size // self.unit))
        if not self.inside[units].all():
            raise Fault(f"local {what} outside every variable")
        return at, units

    def marks(self, lanes):
        """(mark below which all is of earlier epochs, this item's mark)."""
        start = (self.epoch[self.group_of_lane[lanes]] * self.owners)[:, None]
        return start, start + lanes[:, None]

    def of_same_warp(self, marks, start, lanes):
        """Whether the items of the same warp alone left these marks of this epoch."""
        return self.warp_of[np.clip(marks - start, 0, self.owners - 1)] == lanes[:, None] // 32

    def is_of_others(self, marks, at, lanes):
        """Whether other items left these marks and nothing has ordered them since."""
        start, own = self.marks(lanes)
        others = (marks >= start) & (marks != own)
        if not others.any():  # as after a barrier
            return others
        since = self.of_same_warp(marks, start, lanes) & (at < self.warp_epoch[lanes // 32][:, None])
        return others & ~since

    def load(self, lanes, addresses, width, count):
        at, units = self.find(lanes, addresses, width * count, "load")
        start, own = self.marks(lanes)
        written = self.written[units]
        if (written < 0).any():
            raise Fault("local load of bytes that nobody wrote")
        if self.pending[units].any():
            raise Fault("local load of bytes whose cp.async was not waited for")
        if self.is_of_others(written, self.written_at[units], lanes).any():
            raise Fault("race: local load of what another item wrote since the last barrier")
        read, of_warp, several = self.read[units], start + self.items + lanes[:, None] // 32, start + self.owners - 1
        first = (read < start) | (read == own)
        marked = np.broadcast_to(own, units.shape)
        if not first.all():
            marked = np.where(first, own, np.where(self.of_same_warp(read, start, lanes), of_warp, several))
        self.read[units] = marked
        twice = self.read[units] != marked
        if twice.any():  # several items of this access read the unit
            self.read[units[twice]] = np.broadcast_to(of_warp, units.shape)[twice]
            other = (self.read[units] != marked) & (self.read[units] != of_warp)
            self.read[units[other]] = np.broadcast_to(several, units.shape)[other]
        self.read_at[units] = np.broadcast_to(self.warp_epoch[lanes // 32][:, None], units.shape)
        return [self.views[width][at // width + i] for i in range(count)]

    def claim(self, lanes, addresses, size, what):
        """Checks that the items may write, and marks them as the writers."""
        at, units = self.find(lanes, addresses, size, what)
        _, own = self.marks(lanes)
        if (self.is_of_others(self.written[units], self.written_at[units], lanes).any()
                or self.is_of_others(self.read[units], self.read_at[units], lanes).any()):
            raise Fault(f"race: local {what} to what another item wrote or read since the last barrier")
        if self.pending[units].any():
            raise Fault(f"local {what} onto a pending cp.async")
        self.written[units] = np.broadcast_to(own, units.shape)
        if (self.written[units] != own).any():
            raise Fault("race: several items write the same local bytes")
        self.written_at[units] = np.broadcast_to(self.warp_epoch[lanes // 32][:, None], units.shape)
        return at, units

    def store(self, lanes, addresses, width, values):
        at, _ = self.claim(lanes, addresses, width * len(values), "store")
        for i, value in enumerate(values):
            self.views[width][at // width + i] = value

    def begin_copy(self, lanes, addresses, chunks):
        """cp.async of `chunks` [item][byte], into the items' open batches."""
        at, units = self.claim(lanes, addresses, chunks.shape[1], "cp.async")
        self.pending[units] = 1
        self.copies.append((lanes, self.batches[lanes], units, at, chunks))

    def close_batch(self, lanes):
        self.batches[lanes] += 1

    def wait(self, lanes, left):
        """Completes all but the last `left` closed batches of the items: their bytes are then the items' own."""
        waiting = np.zeros(self.items, bool)
        waiting[lanes] = True
        kept = []
        for owners, batch, units, at, chunks in self.copies:
            done = waiting[owners] & (batch < self.batches[owners] - left)
            if done.any():
                self.bytes[at[done, None] + np.arange(chunks.shape[1])] = chunks[done]
                self.pending[units[done]] = 0
                self.written[units[done]] = np.broadcast_to(self.marks(owners)[1], units.shape)[done]
                self.written_at[units[done]] = np.broadcast_to(self.warp_epoch[owners // 32][:, None], units.shape)[done]
            if not done.all():
                kept.append(tuple(part[~done] for part in (owners, batch, units, at, chunks)))
        self.copies = kept
