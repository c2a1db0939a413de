"""PTX text to functions: parameters, registers, local variables, instructions and basic blocks.

Grammar: "PTX ISA", chapters "Syntax" and "State Spaces, Types, and Variables", as far as clang's NVPTX back end writes it.
What is not understood raises Fault: nothing is skipped in silence.
"""
import dataclasses
import functools
import re


class Fault(Exception):
    """What a kernel does that it must not, or text that is not understood."""


@dataclasses.dataclass(frozen=True)
class Instruction:
    opcode: str  # with all its modifiers, e.g. ld.global.v4.u32
    operands: tuple  # as written; {…} and […] are one operand
    predicate: str | None  # register that must be true, or false
    negated: bool
    text: str


WARP_WIDE = ("shfl.", "mma.", "ldmatrix.", "bar.warp.")


@dataclasses.dataclass
class Function:
    name: str
    parameters: list  # (name, type without the dot)
    registers: dict  # name -> type without the dot
    shared: dict  # name -> (alignment, bytes)
    instructions: list
    labels: dict  # name -> index of an instruction
    constants: dict  # name -> bytes, those of its file

    @functools.cached_property
    def warp_wide(self):
        """Of each instruction, whether whole warps execute it."""
        return [instruction.opcode.startswith(WARP_WIDE) for instruction in self.instructions]

    def leaders(self):
        """Indices at which a basic block may begin."""
        return {0, *self.labels.values()}


ENTRY = re.compile(r"^\.visible \.entry (\w+)\((.*?)\)\s*^\{$(.*?)^\}$", re.S | re.M)
CONSTANT = re.compile(r"^(?:\.visible )?\.const \.align \d+ \.b8 (\w+)\[(\d+)\] = \{([\d, ]*)\};$", re.M)
# The only scoped register that clang writes: the part of a word that nobody wants.
SCOPED = re.compile(r"\{ \.reg \.b\d+ tmp; (.*?) \}", re.S)


OPERAND = re.compile(r"(?:[^,{}\[\]]|\{[^{}]*\}|\[[^\[\]]*\])+")


def split_operands(text):
    """Operands between the commas that stand in no bracket."""
    return tuple(part.strip() for part in OPERAND.findall(text) if part.strip())


def parse_instruction(text):
    found = re.fullmatch(r"(?:@(!?)(%p\d+) )?([a-z][\w.:]*)(?: (.*))?", text)
    if not found:
        raise Fault(f"not understood: {text}")
    negated, predicate, opcode, operands = found.groups()
    return Instruction(opcode, split_operands(operands or ""), predicate, negated == "!", text)


def parse_declaration(text, function):
    """True for a declaration, which is noted; .loc and the like do not occur without debug information."""
    if found := re.fullmatch(r"\.reg \.(\w+) (%\w+)<(\d+)>", text):
        function.registers.update({f"{found[2]}{i}": found[1] for i in range(int(found[3]))})
    elif found := re.fullmatch(r"\.shared \.align (\d+) \.b8 ([\w$]+)\[(\d+)\]", text):
        function.shared[found[2]] = (int(found[1]), int(found[3]))
    elif text.startswith(".pragma"):
        pass
    elif text.startswith("."):
        raise Fault(f"not understood: {text}")
    else:
        return False
    return True


def parse_body(body, function):
    body = SCOPED.sub(lambda found: found[1].replace("tmp", "_"), re.sub(r"//.*", "", body))
    for statement in re.sub(r"(\$L\w+:)", r"\1;", body).split(";"):
        text = " ".join(statement.split())
        if not text or parse_declaration(text, function):
            continue
        if text.endswith(":"):
            function.labels[text[:-1]] = len(function.instructions)
        else:
            function.instructions.append(parse_instruction(text))


def parse_constants(text):
    """Their bytes; what the file leaves out at the end is zero."""
    found = {name: bytes(map(int, values.split(","))).ljust(int(size), b"\0") for name, size, values in CONSTANT.findall(text)}
    if len(found) != len(re.findall(r"^[^/\n]*\.const\b", text, re.M)):
        raise Fault("not understood: a constant of the file")
    return found


def parse_entry(found, constants):
    name, parameters, body = found.groups()
    listed = [parse_parameter(text) for text in split_operands(" ".join(parameters.split()))]
    function = Function(name, listed, {}, {}, [], {}, constants)
    parse_body(body, function)
    return function


def parse_parameter(text):
    found = re.fullmatch(r"\.param \.(\w+)(?: \.ptr(?: \.\w+)*(?: \.align \d+)?)? (\w+)", text)
    if not found:
        raise Fault(f"not understood: parameter {text}")
    return found[2], found[1]


def parse(text):
    """{name: Function} of all kernels."""
    constants = parse_constants(text[:text.find(".entry")])
    return {found[1]: parse_entry(found, constants) for found in ENTRY.finditer(text)}
