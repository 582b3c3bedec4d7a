#!/usr/bin/env python3
"""An address space before and after something, seen from outside of the machine.

    addrspace.py --prog "NAME ARGS" --at fork       before and after the first fork
    addrspace.py --test NAME --at cow:3             before and after the third copy-on-write fault

make map calls it. What can be looked at are the kinds of CHECKPOINTS; a number behind a colon
chooses a later one. Areas, pages with their rights, frames, page tables and who shares them are
written as obj/trace/NAME-KIND-NUMBER.svg, for any browser, and as text, which is printed too.
"""
import argparse
import re
import sys

import cli
import debug
import scratch
import timeline
from grader.memory import MemoryFault
from grader.qemu import bytes_of
from runs import columns
from runs.columns import Column
from runs.probes import Probes
from runs.space import Spaces
from runs.story import system_calls

ENTRIES = ("syscall_from_user", "trap_return_short", "trap_return")
TRAPS = ("trap_user", "trap_kernel", "trap_return_short", "trap_return")
# {kind: (what it is, the places at which the machine stops for it)}
CHECKPOINTS = {
    "fork": ("a fork, clone or vfork", ENTRIES),
    "exec": ("an exec; the first one makes the first program", ENTRIES + ("trap_kernel",)),
    "cow": ("a page fault that copies a page, or takes it over", TRAPS),
    "fault": ("any other page fault", TRAPS),
    "exit": ("the end of a process", ("do_exit", "switch_to"))}
ENDS = ("power_off", "panic_at", "panic_trap", "not_written_at")
BREAKPOINT = 3                  # the cause of the ebreak by which a kernel thread asks for exec
ALL = 10 ** 9                   # no limit of events


def checkpoint(text):
    """(kind, number) of the command line."""
    kind, colon, number = text.partition(":")
    if kind not in CHECKPOINTS:
        raise argparse.ArgumentTypeError("there is no checkpoint %s: take %s" % (
            kind or '""', ", ".join(CHECKPOINTS)))
    if colon and not re.fullmatch("[1-9][0-9]{0,5}", number):
        raise argparse.ArgumentTypeError("%s: give a number from 1 on behind the colon" % text)
    return kind, int(number or 1)


def arguments():
    parser = argparse.ArgumentParser(
        description="Show an address space before and after something.",
        epilog="KIND: " + "; ".join("%s, %s" % (kind, what) for kind, (what, _)
                                    in CHECKPOINTS.items()))
    timeline.machine_options(parser)
    parser.add_argument("--at", type=checkpoint, required=True, metavar="KIND[:NUMBER]",
                        help="what is looked at, and the how many-th of them")
    return timeline.checked(parser)


class Watcher:
    """It waits for the checkpoint, and keeps what is there before it and after it.

    seen      how many there were so far
    columns   what is shown, when it is complete
    """

    def __init__(self, probes, kind, number, names):
        self.probes, self.kind, self.number, self.names = probes, kind, number, names
        self.seen, self.columns, self.begun, self.before = 0, [], None, None

    def is_it(self, event):
        """Does a checkpoint of this kind begin with the event?"""
        if event.task is None or event.task.idle:
            return False
        data = event.data
        if self.kind in ("fork", "exec"):
            name = self.names.get(data.get("number")) if event.kind == "call" else \
                "exec" if event.kind == "exception" and data["cause"] == BREAKPOINT \
                and data["kernel"] else None
            return name in (("exec",) if self.kind == "exec" else ("fork", "clone", "vfork"))
        if self.kind == "exit":
            return event.kind == "exit"
        return event.kind == "fault" and (data["what"] == "copy-on-write") == (self.kind == "cow")

    def is_over(self, event):
        """Is what has begun over with this event?"""
        if self.kind == "exit":
            left = event.data.get("from") if event.kind == "switch" else None
            return left is not None and left.pid == self.begun.task.pid
        return event.kind == "leave" and event.task and event.task.pid == self.begun.task.pid

    def add(self, event):
        """Take an event; True when all is there."""
        if self.begun is None and self.is_it(event):
            self.seen += 1
            if self.seen == self.number:
                self.begun = event
                self.before = Spaces(self.probes.memory).of(event.task.pid)
        elif self.begun is not None and self.is_over(event):
            self.finish(event)
            return True
        return False

    def finish(self, event):
        """What there is afterwards: of a fork the child too."""
        pid, name = self.begun.task.pid, self.begun.task.name
        spaces = Spaces(self.probes.memory)
        after = spaces.of(pid)
        self.columns = [
            Column("before: process %d, %s" % (pid, name), self.before,
                   missing="no memory of its own: it is a kernel thread"),
            Column("after: process %d, %s" % (pid, after.name if after else name), after,
                   self.before, missing="no memory any more: it has given it back")]
        child = event.data.get("result", 0) if self.kind == "fork" else 0
        if child > 0:
            self.columns.append(Column("after: its child, process %d" % child, spaces.of(child),
                                       compare=False, missing="the child has ended already"))

    def note(self):
        """A line about what it was."""
        data, kind = self.begun.data, self.begun.kind
        if kind == "fault":
            return "page fault: %s at %#x by pc %#x%s: %s" % (
                data["access"], data["address"], data["pc"],
                " in the kernel" * data["kernel"], data["what"])
        if kind == "call":
            return "system call %s" % self.names.get(data["number"], data["number"])
        return "exit(%d)" % data["code"] if kind == "exit" else "exec by the kernel thread"


def show(options, folder):
    """Run to the checkpoint, and write what is there; the exit status."""
    kind, number = options.at
    session = timeline.Followed(options, folder)
    progress = timeline.Progress("%s until %s:%d" % (options.test or options.prog, kind, number))
    try:
        progress.show(progress.name)
        probes = Probes(session.begin(), session.host.image, bytes_of(session.mem),
                        session.counted, CHECKPOINTS[kind][1] + ENDS)
        watcher = Watcher(probes, kind, number, system_calls(timeline.ROOT))
        for event in probes.events(ALL, options.seconds, progress):
            if watcher.add(event):
                break
    finally:
        progress.show("")
        session.end()
    if not watcher.columns:
        raise debug.Ended("%s: %s:%d did not come%s: there were %d, then %s" % (
            options.test or options.prog, kind, number,
            " to its end" if watcher.begun else "", watcher.seen, probes.ended))
    title = "%s, at %s %d" % (options.test or options.prog, kind, number)
    notes = [watcher.note()]
    text = columns.text(title, notes, watcher.columns)
    path = timeline.save(options, "-%s-%d" % (kind, number), {
        ".svg": columns.picture(title, notes, watcher.columns), ".txt": text})
    sys.stdout.write(text)
    print("\n%s.svg: for a browser; %s.txt: this text" % (path, path))
    return 0


def main():
    options = arguments()
    with scratch.folder("map") as folder:
        return show(options, folder)


if __name__ == "__main__":
    sys.exit(cli.run("addrspace", main, timeline.ERRORS + (MemoryFault,)))
