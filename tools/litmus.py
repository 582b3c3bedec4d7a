#!/usr/bin/env python3
"""Litmus tests: what RISC-V's memory model lets happen where harts meet without a lock.

    litmus.py                   all tests of tools/litmus, each with what is left out of it
    litmus.py NAME ...          only these tests
    litmus.py --list            their names and titles
    litmus.py --show NAME       the instructions of a test, as the model sees them
    litmus.py --compiled obj/TOOLCHAIN      and does this compiler make of the kernel's atomic
                                operations what the tests take them for?

A test is a few steps on a few harts, and an end that must be forbidden, or is allowed. rvwmo.py
tries all executions. A test that names functions of the kernel is tried again without each single
fence and each bit aq or rl: the end must be allowed then, or the fence is not needed and the test
says why it is there (`spare`). And the functions must still do these steps in this order: the names
of the steps are those of riscv/atomic.h and its like, and are looked for in the source.
"""
import argparse
import collections
import glob
import os
import re
import sys

import check_entries
import cli
import rvwmo
from rvwmo import Step

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
FOLDER = os.path.join(ROOT, "tools", "litmus")
COMMENT = re.compile(r"/\*.*?\*/", re.S)

# What the primitives of the kernel are made of. A name in this table stands for these steps; `W` is
# its word, `V` its value, `E` what it expects to be there, `R` the register for the result.
PRIMITIVES = {
    "atomic_load": "R = load W",
    "atomic_store": "store W V",
    "atomic_load_acquire": "R = load W; fence r,rw",
    "atomic_store_release": "fence rw,w; store W V",
    "atomic_swap": "R = amoswap.aqrl W V",
    "atomic_add": "R = amoadd.aqrl W V",
    "atomic_or": "R = amoor.aqrl W V",
    "atomic_and": "R = amoand.aqrl W V",
    "atomic_xor": "R = amoxor.aqrl W V",
    "atomic_cas": "R = lr W; need R E; sc.aqrl W V",
    "memory_barrier": "fence rw,rw",
    "set_pte": "fence rw,w; store W V",
    "set_pte_relaxed": "store W V",
    "pte_exchange": "R = amoswap.aqrl W V",
    "pte_and": "R = amoand.aqrl W V",
    "pte_or": "R = amoor.aqrl W V",
    "sfence_all": "sfence.vma",
    "sfence_page": "sfence.vma",
    "FENCE_BEFORE": "fence iorw,W",
    "FENCE_AFTER": "fence W,iorw",
}
# What stands for itself in the source, in an asm.
INSTRUCTION = r"(?:lr|sc|amo(?:swap|add|or|and|xor))(?:\.[wd])?(?:\.(?:aqrl|aq|rl))?"
IN_SOURCE = re.compile(
    r"(?<![\w.])(?:(%s)\s*\(\s*((?:[^;(),]|\([^()]*\))*)|(%s|sfence\.vma|fence\.i)(?![\w.]))" % (
        "|".join(PRIMITIVES), INSTRUCTION))

Line = collections.namedtuple("Line", "text name place")        # place: (file, function) or None


class LitmusError(Exception):
    """A file that is not in the form of a test."""


class Test:
    """One test: `harts` is {name: [Line]}, `final` a list of (hart or None, name, equal, value)."""

    def __init__(self, name, source):
        self.name, self.source = name, source
        self.title, self.expect = "", None
        self.init, self.harts, self.final, self.spare = {}, {}, [], {}

    def has_code(self):
        """Is it about functions of the kernel?"""
        return any(line.place for lines in self.harts.values() for line in lines)


def number(text):
    """A value: a number, or a name as it is."""
    return int(text) if re.fullmatch(r"-?\d+", text) else text


def parse_final(text):
    """The terms of a `final`: [(hart, name, must it be equal?, value)]."""
    terms = []
    for term in text.split("&"):
        match = re.fullmatch(r"\s*(?:(\w+):)?(\w+)\s*(!?=)\s*(-?\w+)\s*", term)
        if match is None:
            raise LitmusError("'%s' is not HART:REGISTER=VALUE or WORD=VALUE" % term.strip())
        terms.append((match[1], match[2], match[3] == "=", number(match[4])))
    return terms


def parse_line(test, key, text):
    """Take in one `key: text` that is no step."""
    if key == "title":
        test.title = (test.title + " " + text).strip()
    elif key == "expect" and text in ("allowed", "forbidden"):
        test.expect = text
    elif key == "init":
        pairs = re.findall(r"(\w+)=(-?\w+)", text)
        test.init.update((name, number(value)) for name, value in pairs)
    elif key == "final":
        test.final = parse_final(text)
    elif key == "spare":
        what, _, why = text.partition(" -- ")
        if not why:
            raise LitmusError("spare: WHAT -- WHY")
        test.spare[what.strip()] = why
    else:
        raise LitmusError("'%s: %s' is nothing that a test has" % (key, text))


def parse(text, source):
    """The tests of a file."""
    tests, hart, place = [], None, None
    for count, line in enumerate(text.split("\n"), 1):
        line = line.split("#")[0].rstrip()
        key, colon, rest = line.partition(":")
        try:
            if not line:
                continue
            if line.startswith(" "):
                if hart is None:
                    raise LitmusError("a step stands before the first hart")
                steps = line
            elif key == "test" and colon:
                tests.append(Test(rest.strip(), source))
                hart = None
                continue
            elif not tests:
                raise LitmusError("a file begins with test: NAME")
            elif key.startswith("hart ") and colon:
                hart, place, steps = key[5:].strip(), None, rest
                tests[-1].harts[hart] = []
            elif colon:
                hart = parse_line(tests[-1], key, rest.strip())
                continue
            else:
                raise LitmusError("'%s' is no KEY: TEXT" % line)
            for step in filter(None, (step.strip() for step in steps.split(";"))):
                if step.startswith("in "):
                    place = tuple(step.split()[1:])
                    place = place if len(place) == 2 else None
                else:
                    name = step.split("= ")[-1].split()[0]
                    tests[-1].harts[hart].append(Line(step, name, place))
        except LitmusError as error:
            raise LitmusError("%s:%d: %s" % (os.path.relpath(source, ROOT), count, error))
    for test in tests:
        if test.expect is None or not test.final or not test.harts:
            raise LitmusError("%s: the test %s needs expect:, hart NAME: and final:"
                              % (os.path.relpath(source, ROOT), test.name))
    return tests


def spread(line, scratch):
    """The instructions of a line, as texts; `scratch` is a register that nobody uses."""
    if line.name not in PRIMITIVES:
        return [line.text]
    reg, _, rest = line.text.rpartition("= ")
    words = rest.split()[1:]
    names = {"R": reg.strip() or scratch, "W": words[0] if words else "",
             "E": words[1] if len(words) == 3 else "", "V": words[-1] if words else ""}
    return [re.sub(r"\b[RWEV]\b", lambda match: names[match[0]], part)
            for part in PRIMITIVES[line.name].split("; ")]


def instruction(text, pair):
    """The Step of one instruction; `pair` marks an lr and its sc."""
    match = re.fullmatch(r"(?:(\w+) = )?([a-z]+)(?:\.[wd])?(?:\.(aqrl|aq|rl|vma|i))?((?: \S+)*)",
                         text)
    if match is None:
        raise LitmusError("'%s' is no step" % text)
    reg, name, bits, words = match[1], match[2], match[3] or "", match[4].split()
    bits_of = {"aq": "aq" in bits, "rl": "rl" in bits}
    shapes = {("load", 1), ("in", 1), ("lr", 1), ("store", 2), ("out", 2), ("sc", 2), ("need", 2),
              ("walk", 1), ("fetch", 1), ("sfence", 0), ("fence", 0 if bits == "i" else 1)}
    if name.startswith("amo") and name[3:] in rvwmo.CHANGES and len(words) == 2:
        return Step("amo", reg, words[0], number(words[1]), change=name[3:], **bits_of)
    if (name, len(words)) not in shapes:
        raise LitmusError("'%s' is no step" % text)
    if name == "fence":
        return Step("fencei") if bits == "i" else Step("fence", before=words[0].split(",")[0],
                                                       after=words[0].split(",")[-1])
    if name == "need":
        return Step("need", words[0], value=number(words[1]))
    value = number(words[1]) if len(words) > 1 else None
    kind = {"in": "load", "lr": "load", "out": "store", "sc": "store"}.get(name, name)
    return Step(kind, reg, *words[:1], value=value, pair=pair if name in ("lr", "sc") else None,
                device=name in ("in", "out") or None, **bits_of)


def steps_of(test, left_out=None):
    """{hart: [Step]}; without what `left_out` names, as variants() has it."""
    harts = {}
    for hart, lines in test.harts.items():
        harts[hart], pair = [], 0
        for count, line in enumerate(lines):
            for part, text in enumerate(spread(line, "_%d" % count)):
                pair += bool(re.search(r"\blr\b", text))
                step = instruction(text, pair)
                if left_out is not None and left_out[:4] == (line.place, line.name, word_of(line),
                                                             part):
                    if left_out[4] not in ("aq", "rl"):
                        continue
                    step = step._replace(**{left_out[4]: False})
                harts[hart].append(step)
    return harts


def word_of(line):
    """The word that a step is about, or an empty text."""
    words = line.text.split("= ")[-1].split()[1:]
    return words[0].split("^")[0] if words else ""


def variants(test):
    """[(what is left out, its name)] for each fence, and each bit, of the kernel's own steps. If
       two harts run one function, it is left out of both."""
    found = []
    for line in (line for lines in test.harts.values() for line in lines):
        if line.place is None:
            continue
        for part, text in enumerate(spread(line, "_")):
            step = instruction(text, 1)
            whats = [bit for bit in ("aq", "rl") if getattr(step, bit)]
            if step.kind in ("fence", "sfence", "fencei"):
                whats = [text]
            for what in whats:
                name = "%s: %s of %s %s" % (line.place[1], what, line.name, word_of(line))
                one = (line.place, line.name, word_of(line), part, what)
                if (one, name.strip()) not in found:
                    found.append((one, name.strip()))
    return found


def possible(test, left_out=None):
    """Can the test end as its `final` says?"""
    harts = steps_of(test, left_out)
    names = list(harts)
    words = {step.word.split("^")[0] for steps in harts.values() for step in steps
             if step.word is not None and not step.word.startswith("[")}
    words |= {value for value in test.init.values() if isinstance(value, str)}
    words |= {step.value for steps in harts.values() for step in steps
              if step.kind in ("store", "amo") and isinstance(step.value, str)
              and not any(step.value.split("^")[-1] == other.reg for other in steps)}
    init = {word: 0 for word in words}
    init.update(test.init)

    def holds(term, registers, memory):
        hart, name, equal, value = term
        if hart is None:
            return memory is None or (memory[name] == value) == equal
        found = registers[names.index(hart) if hart in names else int(hart)]
        return name in found and (found[name] == value) == equal

    def wanted(registers, memory=None):
        return all(holds(term, registers, memory) for term in test.final)

    return any(wanted(*end) for end in rvwmo.outcomes(list(harts.values()), init, wanted))


def body(path, function):
    """The text of a function of the kernel without comments; LitmusError if it is not there."""
    try:
        with open(os.path.join(ROOT, path), encoding="utf-8") as file:
            text = COMMENT.sub("", file.read())
    except OSError as error:
        raise LitmusError("%s: %s" % (path, error.strerror))
    match = re.search(r"(?ms)^(?:[\w*]+[ *]+)+\b%s\([^;{]*\)\s*\n\{\n(.*?)^\}" % function, text)
    if match is None:
        raise LitmusError("%s has no function %s()" % (path, function))
    return match[1]


def last_name(argument):
    """The name of the word that an argument is: `harts` of `&next->harts`."""
    names = re.findall(r"\w+", re.sub(r"\[[^\]]*\]", "", argument))
    return names[-1] if names else ""


def drift(test):
    """One line for each place where a function does not do what the test says."""
    wrong, places = [], []
    for lines in test.harts.values():
        places.append((None, []))
        for line in lines:
            if line.place and places[-1][0] != line.place:
                places.append((line.place, []))
            if line.place and (line.name in PRIMITIVES or re.fullmatch(
                    INSTRUCTION + r"|sfence\.vma|fence\.i", line.name)):
                places[-1][1].append((line.name, word_of(line)))
    for place, wanted in (entry for entry in places if entry[0]):
        try:
            there = [(name or bare, last_name(argument) if name else None)
                     for name, argument, bare in IN_SOURCE.findall(body(*place))]
        except LitmusError as error:
            wrong.append(str(error))
            continue
        found = iter(there)
        for name, word in wanted:
            if not any(name == n and w in (None, "", word.strip("[]")) for n, w in found):
                wrong.append("%s: %s() does not have %s of '%s' there any more; it has: %s" % (
                    place[0], place[1], name, word,
                    ", ".join("%s %s" % (n, w or "") for n, w in there) or "nothing"))
                break
    return wrong


PROBE = """#include <mm/pagetable.h>
#include <driver/mmio.h>
"""
# Each of PRIMITIVES as a call in C; W is a word of 32 or of 64 bits.
CALLS = {"atomic_store_release": "atomic_store_release(W, v)", "set_pte": "set_pte(W, v | 1)",
         "atomic_load_acquire": "return atomic_load_acquire(W)",
         "atomic_cas": "return atomic_cas(W, v, v + 1)", "memory_barrier": "memory_barrier()",
         "sfence_all": "sfence_all()", "FENCE_BEFORE": "FENCE_BEFORE(o)",
         "FENCE_AFTER": "FENCE_AFTER(o)"}
CALLS.update((name, "return %s(W, v)" % name) for name in (
    "atomic_swap", "atomic_add", "atomic_or", "atomic_and", "atomic_xor", "pte_exchange", "pte_and",
    "pte_or"))
MADE = re.compile(r"^\s*(?:0:\s*)?(?:(?P<fence>fence)(?:[ \t]+(?P<sets>[riow]+,\s*[riow]+))?"
                  r"|(?P<other>sfence\.vma|fence\.i)"
                  r"|(?P<atomic>lr|sc|amo\w+)\.[wd](?:\.(?P<bits>aqrl|aq|rl))?\s.*"
                  r"|(?P<kind>[ls])[dw]\s.*\b0\((?!sp)\w+\))\s*$", re.M)


def as_strong(step, made):
    """Is an instruction that the compiler made, a match of MADE, a step or more than that?"""
    kind = {"load": "lr" if step.pair else "l", "store": "sc" if step.pair else "s",
            "amo": "amo%s" % step.change, "sfence": "sfence.vma"}.get(step.kind, "fence")
    if kind != (made["fence"] or made["other"] or made["atomic"] or made["kind"]):
        return False
    before, after = (made["sets"] or "iorw,iorw").replace(" ", "").split(",")
    return set(step.before or "") <= set(before) and set(step.after or "") <= set(after) \
        and all(bit in (made["bits"] or "") for bit in ("aq", "rl") if getattr(step, bit))


def weak(objects):
    """One line for each primitive that the build's compiler makes weaker than PRIMITIVES has it."""
    text = PROBE
    for name, call in CALLS.items():
        for size in (32, 64):
            word = "uint%d_t" % (64 if "pte" in name else size)
            head = "long probe_%s_%d(__not_used %s *p, __not_used %s v)" % (name, size, word, word)
            text += "%s;\n%s { %s; %s}\n" % (head, head, call.replace("W", "p"),
                                            "" if call.startswith("return") else "return v; ")
    text = re.sub(r"\batomic_(swap|add|or|and)\(p", r"atomic_\1((uint32_t *)p", text)
    made = check_entries.assembly_of(objects, text)
    for name in CALLS:
        for size in (32, 64):
            code = re.search(r"(?ms)^probe_%s_%d:(.*?)^\s*\.size" % (name, size), made)
            if code is None:
                raise LitmusError("the compiler did not take the probes:\n%s" % made)
            found = iter(list(MADE.finditer(code[1])))
            for part in PRIMITIVES[name].replace("W", "o").split("; "):
                step = instruction(part, 1)
                if step.kind != "need" and not any(as_strong(step, each) for each in found):
                    yield "%s, of %d bits: the compiler makes nothing of it that is '%s':%s" % (
                        name, size, part, code[1])
                    break


class Tally:
    """What was found so far."""

    def __init__(self):
        self.tests = self.known = self.patterns = self.needed = self.spare = self.wrong = 0

    def complain(self, test, text):
        """Tell what is wrong with a test."""
        self.wrong += 1
        print("%s: %s: %s" % (os.path.relpath(test.source, ROOT), test.name, text))

    def leave_out(self, test):
        """Try the test without each fence and bit."""
        spare = dict(test.spare)
        for left_out, name in variants(test):
            needed, said = possible(test, left_out), spare.pop(name, None)
            self.needed += needed
            self.spare += not needed
            if needed and said:
                self.complain(test, "spare: %s: but without it the end is allowed" % name)
            elif not needed and not said:
                self.complain(test, "not needed: %s: say why it is there, by spare:" % name)
        for name in spare:
            self.complain(test, "spare: %s: there is nothing of that name" % name)

    def run(self, test):
        """Try a test."""
        self.tests += 1
        self.known += not test.has_code()
        self.patterns += test.has_code()
        found = "allowed" if possible(test) else "forbidden"
        if found != test.expect:
            self.complain(test, "the end is %s, and should be %s" % (found, test.expect))
        for line in drift(test):
            self.complain(test, line)
        if test.has_code():
            self.leave_out(test)


def load(folder=FOLDER):
    """All tests of a folder."""
    tests = []
    for path in sorted(glob.glob(os.path.join(folder, "*.litmus"))):
        with open(path, encoding="utf-8") as file:
            tests += parse(file.read(), path)
    return tests


def show(test):
    """Print the instructions of a test."""
    print("%s: %s\n%s" % (test.name, test.title, test.expect))
    for hart, lines in test.harts.items():
        print("%s:" % hart)
        for count, line in enumerate(lines):
            print("    %-36s%s" % (line.text, "; ".join(spread(line, "_%d" % count))))


def main():
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--list", action="store_true", help="the names and titles of the tests")
    parser.add_argument("--show", action="store_true", help="the instructions of these tests")
    parser.add_argument("--compiled", metavar="OBJECTS", help="look at this compiler, too")
    parser.add_argument("names", nargs="*", metavar="NAME", help="a test of tools/litmus")
    options = parser.parse_args()
    tally = Tally()
    tests = load()
    unknown = set(options.names) - {test.name for test in tests}
    if unknown:
        raise LitmusError("there is no test %s: see --list" % sorted(unknown)[0])
    for test in tests:
        if options.names and test.name not in options.names:
            continue
        if options.list:
            print("%-20s%s" % (test.name, test.title))
        elif options.show:
            show(test)
        else:
            tally.run(test)
    if options.list or options.show:
        return 0
    for line in weak(options.compiled) if options.compiled else ():
        tally.wrong += 1
        print(line)
    print("%d litmus tests: %d have the known results, %d are patterns of the kernel; of their "
          "fences and bits %d are needed, %d are not and say why; %d interleavings; %d wrong" % (
              tally.tests, tally.known, tally.patterns, tally.needed, tally.spare,
              rvwmo.Search.tried, tally.wrong))
    return 1 if tally.wrong else 0


if __name__ == "__main__":
    sys.exit(cli.run("litmus", main, (LitmusError,)))
