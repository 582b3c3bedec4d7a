#!/usr/bin/env python3
"""How the cost of operations grows with what there is: make bench GROW=1 calls it.

    grow.py             measure all, print the table; the exit status is 1 if a claim does not hold
    grow.py WHAT ...    only these rows
    grow.py --write     measure all, and write the tables of docs/speed.md and docs/grow.svg anew

Each row is measured at four sizes over three decades (user/grow.c, selftest=pmm-grow, and the boot
as bench.py measures it), in guest instructions, so the result is the same on any host. The exponent
is the slope of the line that fits log(cost) over log(size) best: 0 is a cost that does not depend
on the size, 1 one that is in proportion. A fixed part makes it smaller; so the slope of the last
decade is there too, and a claim is held by the larger of the two:

    O(1)        0.03 at most: a tick may fall into one size and not into the other
    O(log n)    0.10 at most: between 1,000 and 10,000 log n grows by a third, n by ten
    O(n)        1.05 at most

What one thing takes of the memory is measured the same way, by making many (row "bytes"). The page
must have the same, within PERCENT: else it is told, and the exit status is 1 too.
"""
import argparse
import concurrent.futures
import math
import os
import re
import sys

import cli
import scratch
from bench import COUNTED, Compiler, Failed, boot_cost, command_of, console_of, figures
from grader.disk import run_tool
from speed import PAGE, number, write_parts

PICTURE = "docs/grow.svg"
DECADES = (10, 100, 1000, 10000)
PERCENT = 5
LIMITS = {"O(1)": 0.03, "O(log n)": 0.10, "O(n)": 1.05}
MIB = 1 << 20
OPEN_FILES = 100        # of a process in user/grow.c

# key: (what costs, with how many of what, what is claimed, sizes)
ROWS = {
    "processes": ("fork + exit + wait", "processes alive", "O(1)", DECADES),
    "pages": ("fork + exit + wait", "pages that the parent has", "O(n)", DECADES),
    "areas": ("two faults in different areas", "areas between them", "O(log n)", DECADES),
    "timers": ("wait with a timer that is taken back", "timers", "O(log n)", DECADES),
    "descriptors": ("open + close", "open descriptors of the system", "O(1)", DECADES),
    "table": ("open + close", "descriptors of the process", "O(n)", (1, 5, 25, 120)),
    "entries": ("open of a name that is not there", "entries of the directory", "O(n)", DECADES),
    "file": ("seek + read of the last 4 KiB", "blocks of the file", "O(log n)", DECADES),
    "disk": ("create + write + unlink + sync", "KiB of the disk", "O(1)",
             (800, 8000, 80000, 800000)),
    "waiters": ("sem_post, and the wait of who woke up", "threads that wait", "O(1)", DECADES),
    "rr": ("a switch", "runnable threads, sched=rr", "O(1)", DECADES),
    "fifo": ("a switch", "runnable threads, sched=fifo", "O(1)", DECADES),
    "stride": ("a switch", "runnable threads, sched=stride", "O(log n)", DECADES),
    "mlfq": ("a switch", "runnable threads, sched=mlfq", "O(1)", DECADES),
    "own": ("a switch", "runnable threads, sched=own", "O(n)", (2, 20, 200, 2000)),
    "buddy": ("a block of two pages, and back", "free blocks, pmm=buddy", "O(log n)", DECADES),
    "first_fit": ("a block of two pages, and back", "free blocks, pmm=first_fit", "O(n)", DECADES),
    "best_fit": ("a block of two pages, and back", "free blocks, pmm=best_fit", "O(n)", DECADES),
    "own-blocks": ("a block of two pages, and back", "free blocks, pmm=own", "O(n)", DECADES),
    "boot": ("boot to the first program", "MiB of memory", "O(1)", (64, 640, 6400, 64000)),
}
SCHEDULERS = ("rr", "fifo", "stride", "mlfq", "own")
ALLOCATORS = {"buddy": "buddy", "first_fit": "first_fit", "best_fit": "best_fit",
              "own-blocks": "own"}
WITH_DISK = ("descriptors", "table", "file")

# key of user/grow.c: what it is.
BYTES = (("process", "a process that was forked, small"),
         ("thread", "a thread, with the page of its stack"),
         ("area", "an area of an address space"),
         ("semaphore", "a semaphore of a program"),
         ("file", "an open file, its descriptor"),
         ("system", "the idle system: kernel, programs in it, tables, of 128 MiB"))


def machine(options, append, mem, disk=""):
    """What a machine measures: {key: figure}, in instructions or bytes."""
    command = command_of(options, "", mem)[:-1] + [append] + COUNTED
    text = console_of(command + (["-initrd", disk] if disk else []))
    return {**figures(text, "instructions"), **figures(text, "bytes")}


def with_disk(options, append, mem, size, files=0):
    """The same, with a RAM disk of this size that has a directory "many" with so many files."""
    with scratch.folder("grow") as folder:
        many, image = os.path.join(folder, "many"), os.path.join(folder, "disk.img")
        os.mkdir(many)
        for i in range(files):
            open(os.path.join(many, str(i)), "w").close()
        words = [image, "--size", size] + (["--inodes", str(files + 64)] if files else [])
        make_disk(words + (["--put", many + ":/many"] if files else []))
        return machine(options, append, mem, image)


def make_disk(words):
    """tools/disk make with these words; Failed if it cannot."""
    status, lines = run_tool("make", *words)
    if status:
        raise Failed("the disk cannot be made: " + "; ".join(lines[-3:]))


def measured(options, key, size):
    """The cost of an operation at this size."""
    if key == "boot":
        return boot_cost(options, "%dM" % size)
    if key in ALLOCATORS:
        append = "pmm=%s selftest=pmm-grow" % ALLOCATORS[key]
        return machine(options, append, "256M")["blocks-%d" % size]
    if key in SCHEDULERS:
        append = "sched=%s init=grow runnable %d" % (key, size)
        return machine(options, append, "1G")["runnable"]
    append = "init=grow %s %d" % (key, size)
    if key == "disk":
        found = with_disk(options, append, "2G", "%dK" % size)
    elif key == "entries":
        found = with_disk(options, append, "256M", "64M", size)
    elif key in WITH_DISK:
        found = with_disk(options, append, "512M", "64M")
    else:
        found = machine(options, append, "1G")
    return found[key]


def slope(points):
    """The exponent: the slope of the line that fits the logarithms best."""
    xs, ys = [[math.log(value) for value in column] for column in zip(*points)]
    x, y = sum(xs) / len(xs), sum(ys) / len(ys)
    return sum((a - x) * (b - y) for a, b in zip(xs, ys)) / sum((a - x) ** 2 for a in xs)


def exponents(points):
    """(of all decades, of the last one)."""
    return slope(points), slope(points[-2:])


def holds(key, points):
    """Does the cost grow as slowly as is claimed?"""
    return max(exponents(points)) <= LIMITS[ROWS[key][2]]


def measure_rows(options, keys):
    """{key: [(size, cost)]}; some machines at a time."""
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        jobs = {key: [(size, pool.submit(measured, options, key, size)) for size in ROWS[key][3]]
                for key in keys}
        return {key: [(size, job.result()) for size, job in points]
                for key, points in jobs.items()}


def measure_bytes(options):
    """{key of BYTES: bytes}."""
    disk, mem = 4, 128
    found = with_disk(options, "init=grow bytes", "%dM" % mem, "%dM" % disk)
    found["file"] = (found["process-files"] - found["process"]) // OPEN_FILES
    found["system"] = (mem - disk) * MIB - found["free"]
    return found


def table(found):
    """The table of rows, as Markdown."""
    lines = ["| operation | n: so many | at %s | exponent | last decade | claimed |"
             % " | at ".join("n%d" % (i + 1) for i in range(4)),
             "|---|---|--:|--:|--:|--:|--:|--:|---|"]
    for key, points in found.items():
        what, many, claim, _ = ROWS[key]
        costs = [number(cost) for _, cost in points] + [""] * (4 - len(points))
        lines.append("| %s | %s, %s | %s | %.3f | %.3f | %s%s |" % (
            (what, many, ", ".join(number(size) for size, _ in points), " | ".join(costs))
            + exponents(points) + (claim, "" if holds(key, points) else " MISSED")))
    return "\n".join(lines)


def table_of_bytes(found):
    lines = ["| what | bytes |", "|---|--:|"]
    return "\n".join(lines + ["| %s | %s |" % (text, number(found[key])) for key, text in BYTES])


WIDTH, HEIGHT, LEFT, TOP, RIGHT, BOTTOM = 920, 560, 60, 20, 330, 40
COLOURS = ("#2f6fb0", "#3a9d5d", "#c98a1b", "#8f5bb5", "#c2504b", "#1f9c9c")
DASHES = ("", "6 3", "2 3", "9 3 2 3")


def picture(found):
    """The SVG: for each row its cost as a multiple of the cost at the smallest size, both axes in
    decades. What is flat lies at the bottom, what is in proportion goes to the upper right."""
    def place(size, cost, points):
        x = math.log10(size / points[0][0]) / 3
        y = math.log10(max(cost / points[0][1], 1)) / 3
        return (LEFT + x * (WIDTH - LEFT - RIGHT), HEIGHT - BOTTOM - y * (HEIGHT - TOP - BOTTOM))
    items = []
    for decade in range(4):
        x, y = place(10 ** decade, 10 ** decade, [(1, 1)])
        items.append('<path d="M%.1f %dV%d M%d %.1fH%d" stroke="#ccc" fill="none"/>'
                     % (x, TOP, HEIGHT - BOTTOM, LEFT, y, WIDTH - RIGHT))
        for where, anchor in (((x, HEIGHT - BOTTOM + 16), "middle"), ((LEFT - 6, y + 4), "end")):
            items.append('<text x="%.1f" y="%.1f" text-anchor="%s">x %s</text>'
                         % (where + (anchor, number(10 ** decade))))
    for at, (key, points) in enumerate(found.items()):
        style = 'stroke="%s" stroke-dasharray="%s" stroke-width="2" fill="none"' % (
            COLOURS[at % len(COLOURS)], DASHES[at // len(COLOURS) % len(DASHES)])
        way = " ".join("%.1f,%.1f" % place(size, cost, points) for size, cost in points)
        y = TOP + 10 + at * 22
        items.append('<polyline points="%s" %s/>' % (way, style))
        items.append('<path d="M%d %dh26" %s/><text x="%d" y="%d">%s, %s</text>' % (
            WIDTH - RIGHT + 14, y - 4, style, WIDTH - RIGHT + 46, y, ROWS[key][1], ROWS[key][2]))
    return ('<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" role="img" aria-label='
            '"how many times as much an operation costs when there is more of something">\n'
            '<rect width="100%%" height="100%%" fill="#fff"/>\n<g font-family="DejaVu Sans, Arial, '
            'sans-serif" font-size="11" fill="#111">\n%s\n</g>\n</svg>\n'
            % (WIDTH, HEIGHT, "\n".join(items)))


def arguments():
    parser = argparse.ArgumentParser(description="How costs grow with what there is.")
    parser.add_argument("--objects", default="obj/unknown-elf", help="where the kernel is")
    parser.add_argument("--qemu", default="qemu-system-riscv64")
    parser.add_argument("--write", action="store_true", help="write docs/speed.md and grow.svg")
    parser.add_argument("rows", nargs="*", metavar="WHAT",
                        help="these only: %s" % ", ".join(ROWS))
    options = parser.parse_args()
    unknown = [key for key in options.rows if key not in ROWS]
    if unknown:
        parser.error("there is no row %s; there are %s" % (unknown[0], ", ".join(ROWS)))
    cli.need_machine("grow", options.objects, options.qemu)
    return options


def write(found, sizes):
    """Put the tables into the page, and write the picture."""
    write_parts({"grow": table(found), "bytes": table_of_bytes(sizes)})
    with open(PICTURE, "w", encoding="utf-8") as file:
        file.write(picture(found))


def stale(sizes, options):
    """What takes another number of bytes than the page says. It is about the course's compiler, and
    of others nothing is stale."""
    with open(PAGE, encoding="utf-8") as file:
        shown = dict(re.findall(r"^\| (.*) \| ([\d,]+) \|$", file.read(), re.M))
    return [] if Compiler(options.objects).tolerance else [
        text for key, text in BYTES if abs(int(shown.get(text, "0").replace(",", "")) - sizes[key])
        > sizes[key] * PERCENT / 100]


def main():
    options = arguments()
    try:
        found = measure_rows(options, options.rows or list(ROWS))
        sizes = None if options.rows else measure_bytes(options)
    except Failed as failure:
        sys.exit("grow: not measured: %s" % failure)
    if options.write and not options.rows:
        write(found, sizes)
    print(table(found) + ("\n\n" + table_of_bytes(sizes) if sizes else ""))
    missed = [key for key, points in found.items() if not holds(key, points)]
    old = stale(sizes, options) if sizes else []
    for text in old:
        print("\n%s has another number of bytes for \"%s\": run tools/grow.py --write"
              % (PAGE, text))
    print("\n%d operations at %d sizes: %d grow faster than is claimed"
          % (len(found), sum(len(points) for points in found.values()), len(missed)))
    return 1 if missed or old else 0


if __name__ == "__main__":
    sys.exit(cli.run("grow", main))
