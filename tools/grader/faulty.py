"""Machines in which something fails on purpose: booted, looked at, judged.

A machine is booted with fail=, and is judged by what must be true whatever fails: the kernel ends
by itself, without a panic and without a hang; all that was taken is given back, as counted by the
kernel and from outside; the disk is sound; the programs, which look at each result
(user/libs/tries.h), have found none that is wrong; and whoever was killed was told why. Other than
in a grading the exit code may be that of an error, and memory and disk are looked at in each case.
"""
import copy
import hashlib
import re

from grader import state
from grader.judge import PANIC_CODE, Judge
from grader.machine import End, Machine
from grader.memory import PAGE
from grader.model import Verdict

ASKED = re.compile(r"^fail=\S+: (\d+) of (\d+) failed$", re.MULTILINE)
FAILED = re.compile(r"^fail: (\w+) number \d+ fails\n((?:  [0-9a-f]{16} \S+\n)*)", re.MULTILINE)
FRAME = re.compile(r"^  [0-9a-f]{16} (\S+)$", re.MULTILINE)
ENDED = re.compile(r"^init ended with code (-?\d+)(?: E_\w+)?$", re.MULTILINE)
KILLED = re.compile(r"^(.* \(pid \d+\)) was killed: (.*)$", re.MULTILINE)
SCARCE = ("out of memory", "a page cannot be read from the disk")
WRONG = re.compile(r"^.*\bWRONG: .*$", re.MULTILINE)
GIVEN_UP_LINE = re.compile(r"^.*: given up: .*$", re.MULTILINE)
UNMOUNTED = re.compile(r"^\w+ cannot be mounted: ", re.MULTILINE)
UNWRITTEN = re.compile(r"^swap: slot (\d+) cannot be written", re.MULTILINE)
E_KILLED, GIVEN_UP = -9, 120                # codes: libs/error.h, user/libs/tries.h
REFUSED = (-4, -26)                         # E_NO_MEM, E_IO: there was no first program
PANICS, LEAKS, DISKS, OTHERS = "panics", "leaks", "damaged disks", "wrong results"


class FaultError(Exception):
    """The machines cannot be judged: this host fails, or what nothing keeps from it does not pass.
    The text is for the user."""


class FaultyMachine(Machine):
    """A machine whose memory and disk are looked at, however its first program has ended."""

    @property
    def baseline(self):
        """That of a machine in which nothing fails: there it is taken before anything can."""
        test = copy.copy(self.test)
        test.append = " ".join(each for each in test.append.split()
                               if not each.startswith("fail="))
        return self.host.baseline(test)

    def follow(self):
        """Let the machine run to its end, with a stop where its swap area is given back."""
        self.watchdog.arm()
        stops = {self.image.address("power_off"): self.off}
        if self.test.disk.swap and "swap_off" in self.image.symbols:
            stops[self.image.address("swap_off")] = lambda: self.check([bad_slots])
        for address in stops:
            self.stub.add_breakpoint(address)
        while self.go():
            pc = self.stub.register("pc")
            stops[pc]()
            if self.result.end:
                return
            self.stub.remove_breakpoint(pc)

    def off(self):
        """The kernel is about to switch off."""
        result = self.result
        result.end, result.code = End.OFF, self.stub.register("a0") & 0xff
        self.count()
        if result.code != PANIC_CODE:
            self.check(dict.fromkeys(state.ALWAYS + state.DEFAULT))
            self.check([sound])


def bad_slots(machine):
    """A check: each slot of which the kernel has said that it cannot be written is marked as bad.
    The mark is the last bit of a slot, and a chunk's slots are a page: see kern/mm/swap.c."""
    memory, wrong = machine.memory, []
    size = memory.image.type("slot").size
    per_chunk = PAGE // size
    for text in UNWRITTEN.findall(machine.qemu.printed().decode("utf-8", "replace")):
        chunk = memory.variable("chunks", "kern/mm/swap.c")[int(text) // per_chunk]
        slot = memory.read_virtual(int(chunk.slots) + int(text) % per_chunk * size, size)
        if not slot[-1] & 0x80:
            wrong.append("slot %s could not be written, and may be used again" % text)
    return wrong


def sound(machine):
    """A check: the disk is sound. Most machines leave the same disk, which is looked at once."""
    where = machine.memory.variable("machine").initrd
    start, end = int(where.start), int(where.end)
    content = hashlib.sha256(machine.memory.read(start, end - start)).digest()
    if content in machine.host.sound_disks:
        return []
    wrong = machine.test.disk.wrong(machine)
    if not wrong:
        machine.host.sound_disks.add(content)
    return wrong


class FaultJudge(Judge):
    """Gives verdicts on such machines. An Outcome of its tells more:

    failed, asked   how much has failed, of how much that could have; None if it is not told
    stacks          the call stacks of what has failed, innermost function first
    kind            one of PANICS, LEAKS, DISKS and OTHERS, if it has not passed
    """

    machine = FaultyMachine

    def __init__(self, host):
        super().__init__(host, {})
        host.sound_disks = set()

    def decide(self, outcome, run):
        """Set the verdict, and what has failed."""
        text = run.console.text
        found = ASKED.search(text)
        outcome.failed, outcome.asked = map(int, found.groups()) if found else (None, None)
        outcome.stacks = [tuple(FRAME.findall(frames)) for _, frames in FAILED.findall(text)]
        if run.end != End.OFF or run.code == PANIC_CODE:
            super().decide(outcome, run)
            outcome.kind = PANICS
            return
        wrong = WRONG.findall(text) + unexplained(outcome.test, text)
        if found is None:
            wrong.append("the kernel does not tell how often something has failed")
        disk = [line for line in run.complaints if line.startswith(("on the disk", "the disk is"))]
        wrong += [line for line in run.complaints if line.startswith("slot ")]
        leaks = [line for line in run.complaints if line not in disk and line not in wrong]
        if "\nleak check: ok" not in text:
            leaks.append("the kernel's leak check does not say ok")
        outcome.kind = LEAKS if leaks else DISKS if disk else OTHERS
        outcome.reasons += wrong + leaks + disk
        outcome.verdict = Verdict.WRONG if outcome.reasons else Verdict.OK


def unexplained(test, text):
    """Ends of processes, and errors, that a failure as the test has it does not explain."""
    plan = next(each for each in test.append.split() if each.startswith("fail="))
    reasons = ["%s was killed: %s" % pair for pair in KILLED.findall(text)
               if not pair[1].startswith(SCARCE)]
    given_up = GIVEN_UP_LINE.findall(text)
    if "/" not in plan and plan[len("fail="):].startswith(("alloc:", "page:", "slab:", "read:")) \
            and not UNMOUNTED.search(text):
        reasons += ["only one has failed, but a call failed again: " + line for line in given_up]
    ended = ENDED.search(text)
    code = int(ended.group(1)) if ended else None
    if not (code == 0 or code in REFUSED or code == E_KILLED and KILLED.search(text)
            or code == GIVEN_UP and given_up):
        reasons.append("init ended with code %s, and nothing tells why" % code)
    return reasons
