#!/usr/bin/env python3
"""Where the instructions of the kernel's operations go, beside what no kernel could save.

    speed.py            print for each operation its floor, what it costs, and in which folders
    speed.py --write    write the tables of docs/speed.md and the bars of docs/speed.svg anew

The floors, with their parts, are in bench_floors.py. What rvlab needs is counted from outside, as
make profile does it: each function counts for the folder of kern/ that it is in, or for the
program. Of programs only what they do for the operation counts, not the loop that measures.

docs/speed.md keeps its text: only what stands between the lines "<!-- NAME: begin -->" and
"<!-- NAME: end -->" is written. It takes about a minute.
"""
import argparse
import collections
import html
import os
import re
import sys

import cli
import scratch
from bench_data import OPERATIONS
from bench_floors import FLOORS, floor
from grader.disk import Disk
from profile import Counter, Places, Program, run
from speed_aims import AimError, missed, table

PAGE, PICTURE = "docs/speed.md", "docs/speed.svg"

# key: (program, operations in a stretch that it marks). See user/bench.c and user/filebench.c.
PROFILED = {
    "null": ("bench", 64), "fork": ("bench", 16), "fork-1m": ("bench", 8),
    "fork-16m": ("bench", 2), "exec": ("bench", 8), "touch": ("bench", 64),
    "cow-copy": ("bench", 64), "cow-last": ("bench", 64), "yield": ("bench", 64),
    "sem": ("bench", 64), "mutex": ("bench", 64), "hand-over": ("bench", 64),
    "pipe": ("filebench", 64), "pipe-kib": ("filebench", 256), "open": ("filebench", 64),
    "write-kib": ("filebench", 64), "read-kib": ("filebench", 128),
    "read-16k": ("filebench", 128), "create": ("filebench", 16), "unlink": ("filebench", 16),
    "exec-disk": ("filebench", 8), "boot-128M": ("true", 1),
}
# What measures, and is no part of an operation.
LOOP = {"run_rounds", "profile_begin", "profile_end", "now", "measure_nothing"}

# (name in the tables, what it is, colour) of the groups, in their order; the folders of kern/
# that are not named here are "other".
GROUPS = (("program", "the program itself and its library", "#9aa5b1"),
          ("trap", "kern/trap, kern/riscv: entry, exit, dispatch", "#2f6fb0"),
          ("syscall", "kern/syscall: system calls", "#6fb0e0"),
          ("mm", "kern/mm: pages, tables, areas, faults", "#3a9d5d"),
          ("process", "kern/process: tasks, fork, exec, exit, wait", "#c98a1b"),
          ("sched", "kern/sched: run queues, switch", "#8f5bb5"),
          ("lock", "kern/lock, kern/sync: locks, semaphores, queues", "#c2504b"),
          ("fs", "kern/fs: descriptors, pipes, files", "#1f9c9c"),
          ("libs", "libs: memset, memcpy, strings", "#7a8b2a"),
          ("other", "all else", "#555555"))
SAME_GROUP = {"sync": "lock", "riscv": "trap"}


def folder_of_functions(objects):
    """{function: the folder of kern/ that has it, or "libs"}, from the object files."""
    found = {}
    base = os.path.join(objects, "kobj")
    for folder, _, names in os.walk(base):
        parts = os.path.relpath(folder, base).split(os.sep)
        group = parts[1] if parts[0] == "kern" and len(parts) > 1 else parts[0]
        for name in names:
            if name.endswith(".o"):
                for _, function in Program(os.path.join(folder, name)).functions.pairs:
                    found[function.partition(".")[0]] = group
    return found


def profiled(key, options, disk):
    """{(kind, function): instructions} of one operation."""
    program, rounds = PROFILED[key]
    boot = program == "true"
    options = argparse.Namespace(
        objects=options.objects, qemu=options.qemu, mem="128M", append="", boot=boot, all=False,
        disk=disk if program == "filebench" else "", console=disk + ".console",
        program=program if boot else program + " " + key)
    counter = Counter(Places(options.objects, program), options)
    status = run(options, counter)
    if status:
        sys.exit("speed: %s ended with status %d" % (options.program, status))
    each = rounds * (1 if boot else counter.stretches)
    return {place: count / each for place, count in counter.total.items()}


def grouped(functions, folders):
    """The instructions of an operation by the names of GROUPS."""
    known = {name for name, _, _ in GROUPS}
    sums = collections.Counter()
    for (kind, name), count in functions.items():
        if kind == "user":
            if name.partition(": ")[2] not in LOOP:
                sums["program"] += count
        else:
            group = folders.get(name.partition(".")[0], "other")
            group = SAME_GROUP.get(group, group)
            sums[group if group in known else "other"] += count
    return sums


def number(value):
    return "{:,}".format(round(value))


def text_of(key):
    """What the row of make bench says of an operation, on its own."""
    text = {row.key: row.text for row in OPERATIONS}[key]
    word, full = {"fork-1m": ("the same", "fork + exit + wait"),
                  "fork-16m": ("the same", "fork + exit + wait"),
                  "read-16k": ("the same", "read of it from the cache, per KiB,"),
                  "unlink": ("it", "a 64 KiB file"),
                  "boot-disk": ("the same", "boot")}.get(key, ("", ""))
    return text.replace(word, full) if word else text


def summary(measured):
    """The table of all operations: the floor, what it is, how many times, and by group."""
    heads = ["operation", "floor", "rvlab", "times"] + [name for name, _, _ in GROUPS]
    lines = ["| " + " | ".join(heads) + " |", "|---|" + "--:|" * (len(heads) - 1)]
    for key, groups in measured.items():
        total, least = sum(groups.values()), floor(key)
        lines.append("| %s | %s | %s | %s | %s |" % (
            text_of(key), number(least) if least else "", number(total),
            "%.1f" % (total / least) if least else "",
            " | ".join(number(groups[name]) if round(groups[name]) else ""
                       for name, _, _ in GROUPS)))
    return "\n".join(lines)


def floors():
    """A table for each floor: the parts, how often, and what each costs. Operations of which the
    parts are the same have one."""
    parts = []
    for key in FLOORS:
        alike = [other for other in FLOORS if FLOORS[other] is FLOORS[key]]
        if alike[0] != key:
            continue
        lines = ["**%s**: %s" % (", ".join(map(text_of, alike)), number(floor(key))), "",
                 "| instructions | how often | each | for |", "|--:|--:|--:|---|"]
        for times, what, each in FLOORS[key]:
            lines.append("| %s | %s | %s | %s |" % (number(times * each), number(times),
                                                    number(each), what))
        parts.append("\n".join(lines))
    return "\n\n".join(parts)


def dearest(details):
    """The functions of each operation that run most instructions."""
    lines = ["| operation | functions, instructions of one operation |", "|---|---|"]
    for key, functions in details.items():
        top = sorted(((count, name) for (_, name), count in functions.items()
                      if name.partition(": ")[2] not in LOOP), reverse=True)[:7]
        lines.append("| %s | %s |" % (text_of(key), ", ".join(
            "%s %s" % (name.partition(": ")[2] or name, number(count)) for count, name in top)))
    return "\n".join(lines)


def of_operation(functions):
    """{function: instructions} of what is the operation's, by the names of functions alone."""
    found = collections.Counter()
    for (_, name), count in functions.items():
        if name.partition(": ")[2] not in LOOP:
            found[name.partition(": ")[2] or name] += count
    return found


def aims(details, folders):
    """A table for each operation that costs more than its aim."""
    plain = {key: of_operation(functions) for key, functions in details.items()}
    return "\n\n".join(table(text_of(key), key, plain[key], folders) for key in missed(plain))


LEFT, WIDTH, BAR, LINE = 350, 920, 8, 34


def bars(measured):
    """The SVG: for each operation with a floor two bars, of rvlab by group and of the floor. The
    longer one is as wide as the picture, so that only the two can be compared."""
    colours = {name: colour for name, _, colour in GROUPS}
    items, y = [], 16
    for at, (name, what, colour) in enumerate(GROUPS):
        x, row = 16 + at % 2 * 440, y + at // 2 * 20
        items.append('<rect x="%d" y="%d" width="12" height="12" fill="%s"/>'
                     '<text x="%d" y="%d">%s</text>' % (x, row, colour, x + 18, row + 11,
                                                        html.escape(name + ": " + what)))
    y += (len(GROUPS) + 1) // 2 * 20 + 14
    for key, groups in measured.items():
        total, least = sum(groups.values()), floor(key)
        if not least:
            continue
        scale = (WIDTH - LEFT - 90) / max(total, least)
        items.append('<text x="%d" y="%d" text-anchor="end">%s</text>'
                     % (LEFT - 8, y + 13, html.escape(text_of(key))))
        x = LEFT
        for name, _, _ in GROUPS:
            width = groups[name] * scale
            if width >= 0.3:
                items.append('<rect x="%.1f" y="%d" width="%.1f" height="%d" fill="%s"/>'
                             % (x, y, width, BAR, colours[name]))
            x += width
        items.append('<text x="%.1f" y="%d">%s</text>' % (x + 5, y + 9, number(total)))
        items.append('<rect x="%d" y="%d" width="%.1f" height="%d" fill="none" stroke="#111"/>'
                     '<text x="%.1f" y="%d">%s</text>'
                     % (LEFT, y + BAR + 2, least * scale, BAR - 1, LEFT + least * scale + 5,
                        y + 2 * BAR + 4, number(least)))
        y += LINE
    return ('<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" role="img" '
            'aria-label="for each operation the instructions that rvlab needs, by folder, and '
            'the floor">\n<rect width="100%%" height="100%%" fill="#fff"/>\n'
            '<g font-family="DejaVu Sans, Arial, sans-serif" font-size="11" fill="#111">\n%s\n'
            '</g>\n</svg>\n' % (WIDTH, y + 8, "\n".join(items)))


def replaced(text, name, body):
    """A page with what stands between the two lines of this name replaced."""
    pattern = r"(?s)(<!-- %s: begin -->\n).*?(<!-- %s: end -->)" % (name, name)
    if not re.search(pattern, text):
        sys.exit("speed: %s has no lines <!-- %s: begin --> and <!-- %s: end -->"
                 % (PAGE, name, name))
    return re.sub(pattern, lambda match: match.group(1) + body + "\n" + match.group(2), text)


def write_parts(parts, path=PAGE):
    """Put these texts into the page, {name of the two lines: what stands between them}."""
    with open(path, encoding="utf-8") as file:
        page = file.read()
    for name, body in parts.items():
        page = replaced(page, name, body)
    with open(path, "w", encoding="utf-8") as file:
        file.write(page)


def measure(options):
    """({key: instructions by group}, {key: instructions by function}) of all operations."""
    folders = folder_of_functions(options.objects)
    details = {}
    with scratch.folder("speed") as folder:
        disk = os.path.join(folder, "disk.img")
        Disk(size="8M", programs=("true",)).make(disk, options.objects)
        for key in PROFILED:
            details[key] = profiled(key, options, disk)
    return {key: grouped(functions, folders) for key, functions in details.items()}, details


def main():
    options = cli.measuring("speed", "Where the instructions of each operation go.",
                            "write docs/speed.md and speed.svg")
    measured, details = measure(options)
    if options.write:
        write_parts({"summary": summary(measured), "dearest": dearest(details),
                     "aims": aims(details, folder_of_functions(options.objects)),
                     "floors": floors()})
        with open(PICTURE, "w", encoding="utf-8") as file:
            file.write(bars(measured))
    else:
        print(summary(measured) + "\n\n" + dearest(details))
    return 0


if __name__ == "__main__":
    sys.exit(cli.run("speed", main, (AimError,)))
