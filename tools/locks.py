#!/usr/bin/env python3
"""Which locks several harts want at the same time, and for how long they wait; and how long each is
held, beside its bound.

    locks.py            print the first tables, for 1, 2 and 4 harts, in some seconds
    locks.py --held measured.json ...    print the other one, of what one make grade CHECK=1, or
                                         several, left in the objects
    locks.py --write    write the tables into docs/speed.md

It needs a checked build (make CHECK=1), whose kernel counts for the locks of each name how often
they were taken and waited for, and the longest wait (kern/check/locks.c). user/scale.c does the
work: forks, faults in one space, pipes, opens in one directory. A checked kernel holds its locks
several times as long as another one, so it waits more often too; and a wait has in it what the host
did meanwhile, if that has fewer processors than the machine has harts. Mutexes, whose waiters
sleep, have a table of their own: a wait has in it what the holder did, and he may sleep too.

That of --held is of machines with one hart, in instructions, so it is exact. The bounds are in
kern/check/bounds.c; a checked kernel that exceeds one panics in a graded test.
"""
import argparse
import json
import os
import re
import sys

import cli
import scratch
from bench import Failed, command_of, console_of
from grader.checked import is_checked
from grader.disk import Disk, DiskError
from speed import number, write_parts

WORK = ("fork 4 150", "fault 4 20", "pipe 4 100", "open 4 200")
HARTS = (1, 2, 4)
ROW = re.compile(r"^  (\S.*?) +(\d+) +(\d+) +(\d+) +(\d+) +(\d+)( sleeps)?\r?$", re.M)


def rows(options, harts, disk):
    """{(is it a mutex?, lock): (taken, waited for, ns waited in all, longest wait in ns)} of all
    the work."""
    found = {}
    for work in WORK:
        command = command_of(options, "scale " + work, harts=harts)
        command[-1] = "locks " + command[-1]
        lines = ROW.findall(console_of(command + ["-initrd", disk]))
        if not lines:
            raise Failed("scale %s on %d harts printed no table of locks" % (work, harts))
        for name, *figures, _, sleeps in lines:
            taken, waited, whole, longest = map(int, figures)
            old = found.get((bool(sleeps), name), (0, 0, 0, 0))
            found[bool(sleeps), name] = (old[0] + taken, old[1] + waited, old[2] + whole,
                                         max(old[3], longest))
    return found


def table(found, what):
    """The table of the spinlocks or mutexes, as `what` says, that were waited for; the one that
    cost most time first."""
    last = found[HARTS[-1]]
    keys = sorted((key for key in last if key[0] == (what == "mutex") and any(
        rows.get(key, (0, 0))[1] for rows in found.values())), key=lambda key: -last[key][2])
    heads = [what] + ["%d hart%s: %s" % (harts, "s" * (harts > 1), text)
                      for harts in HARTS for text in ("taken", "waited", "longest, us")]
    lines = ["| " + " | ".join(heads) + " |", "|---|" + "--:|" * (len(heads) - 1)]
    for key in keys:
        cells = [key[1]]
        for harts in HARTS:
            taken, waited, _, longest = found[harts].get(key, (0, 0, 0, 0))
            cells += [number(taken), number(waited), number(longest / 1000)]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def merged(paths):
    """What these files have, as one: {"off": ..., "held": ..., "bounds": ...}, see measured.py."""
    found = {"off": [0, "", ""], "held": {}, "bounds": []}
    for path in paths:
        try:
            with open(path, encoding="utf-8") as file:
                read = json.load(file)
            found["off"] = max(found["off"], read["off"])
            for name, longest in read["held"].items():
                found["held"][name] = max(found["held"].get(name, longest), longest)
            found["bounds"] = read["bounds"] or found["bounds"]
        except (OSError, ValueError, KeyError, TypeError) as error:
            sys.exit("locks: %s is no measured.json of make grade CHECK=1: %r" % (path, error))
    return found


def table_of_bounds(found):
    """A row for each bound: the longest time that was found, and which operation that was."""
    named = {name for name, *_ in found["bounds"]}
    found["held"][""] = found["off"]
    others = [longest + [name] for name, longest in found["held"].items() if name not in named]
    found["held"]["all others"] = max(others, default=[0, "", "", ""])
    lines = ["| spinlock | bound | longest | in the test | given back by | what takes longest |",
             "|---|--:|--:|---|---|---|"]
    for name, most, each, why in found["bounds"]:
        time, test, callers, *other = found["held"].get(name, [0, "", ""])
        lines.append("| %s | %s | %s | %s | %s | %s |" % (
            name or "interrupts off",
            number(most) + (", and %s each" % number(each) if each else ""), number(time),
            test + "".join(" (%s)" % lock for lock in other if lock),
            ", ".join("`%s`" % place for place in callers.split(" < ")[:3] if place), why))
    return "\n".join(lines)


def arguments():
    parser = argparse.ArgumentParser(description="Which locks are waited for, and how long.")
    parser.add_argument("--objects", default="obj/unknown-elf-check",
                        help="where the checked kernel is; %(default)s")
    parser.add_argument("--qemu", default="qemu-system-riscv64")
    parser.add_argument("--write", action="store_true", help="write the tables into docs/speed.md")
    parser.add_argument("--held", nargs="+", metavar="FILE", default=[],
                        help="the table of how long locks are held, of these measured.json")
    options = parser.parse_args()
    if options.held:
        return options
    if not is_checked(options.objects) or not os.path.exists(options.objects + "/kernel"):
        sys.exit("locks: there is no checked kernel in %s: run make CHECK=1" % options.objects)
    cli.need_machine("locks", options.objects, options.qemu)
    return options


def main():
    options, found = arguments(), {}
    if options.held:
        return show("holds", table_of_bounds(merged(options.held)), options.write)
    try:
        with scratch.folder("locks") as folder:
            disk = os.path.join(folder, "disk.img")
            Disk(size="8M").make(disk, options.objects)
            for harts in HARTS:
                found[harts] = rows(options, harts, disk)
    except (Failed, DiskError) as failure:
        sys.exit("locks: not measured: %s" % failure)
    show("locks", table(found, "spinlock"), options.write)
    return show("mutexes", table(found, "mutex"), options.write)


def show(part, text, write):
    """Print a table, and write it into its part of the page if that is wanted; the exit status."""
    if write:
        write_parts({part: text})
    print(text)
    return 0


if __name__ == "__main__":
    sys.exit(cli.run("locks", main))
