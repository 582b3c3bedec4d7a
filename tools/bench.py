#!/usr/bin/env python3
"""Measure what the kernel's operations cost, and compare with what they may cost.

    bench.py [--json] [--check] [--no-host]         make bench BENCH="..." calls it

The first part counts guest instructions, on one hart under -icount: the figures are the same in
each run, on any host. user/bench.c says how it measures. The boot is measured through QEMU's gdb
stub, from the firmware's jump to the first instruction of a program.

The second part measures time of this host, without -icount: the same operations, how much faster
two harts do the work of user/scale.c than one, and how long a thread waits for a lock that all of
its brothers want. These times mean little if the host does something else; then it says so.

The exit status is 2 if something could not be measured. With --check it is 1 if an operation of
the first part costs more than its bound (a known miss has a bound of its own). The operations and
bounds are in bench_data.py. They are for the course's compiler; other compilers may cost 15 % more.
"""
import argparse
import json
import os
import re
import subprocess
import sys
import time

import cli
import scratch
from bench_data import (COURSE_TOOLCHAIN, COURSE_VERSION, FLAT_PERCENT, LOOSE_PERCENT, OPERATIONS,
                        OTHERS_PERCENT, PROBED, PROBE_STEP, SCALING, WAITING, WAITING_US)
from bench_floors import floor
from gdbstub import StubError, connect
from grader.disk import Disk, DiskError

KERNEL_ENTRY, USER_ENTRY = 0x80200000, 0x800000
TRIES = 3                   # of scaling; the best counts
BUSY_PERCENT = 10           # of one processor: what others may use while the host is measured
LIMIT_SECONDS = 300         # of CPU time, for one machine

COUNTED = ["-icount", "shift=0,sleep=off"]


class Failed(Exception):
    """Something could not be measured; the text says what, and why."""


class Compiler:
    """The compiler that made the kernel; what operations may cost depends on it.

    version     how the compiler names itself
    tolerance   how many percent above the bounds are allowed
    column      the head of the column that says what is allowed
    """

    def __init__(self, objects):
        try:
            with open(os.path.join(objects, "config.mk")) as lines:
                self.version = lines.readline().partition(" for ")[2].strip()
        except OSError:
            self.version = ""
        number = re.search(r"(?:^| )(\d+)\.\d+(?:\.\d+)?(?: |$)", self.version)
        is_courses = os.path.basename(os.path.normpath(objects)) == COURSE_TOOLCHAIN and \
            number and int(number.group(1)) == COURSE_VERSION
        self.tolerance = 0 if is_courses else OTHERS_PERCENT
        self.column = "at most" if is_courses else "bound +%d%%" % OTHERS_PERCENT

    def allows(self, bound):
        """What an operation with this bound may cost; None if it has no bound."""
        return bound and bound * (100 + self.tolerance) // 100


def command_of(options, init, mem="128M", harts=1):
    """The command of a machine whose first program is `init`."""
    return [options.qemu, "-machine", "virt", "-bios", "default", "-m", mem, "-smp", str(harts),
            "-kernel", options.objects + "/kernel", "-display", "none", "-monitor", "none",
            "-append", "init=" + init]


def selftest_command(options, name, mem):
    """The command of a machine that runs a self test of the kernel."""
    return command_of(options, "", mem)[:-1] + ["selftest=" + name]


def start(command, **files):
    # It gets a session of its own, so that ctrl-C comes to this process only.
    return subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=subprocess.STDOUT,
                            start_new_session=True, **files)


def console_of(command):
    """Run a machine to its end: what it printed. It raises Failed if the machine fails."""
    limit = ["sh", "-c", 'ulimit -t %d; exec "$@"' % LIMIT_SECONDS, "sh"]
    machine = start(limit + command + ["-serial", "stdio"], stdout=subprocess.PIPE)
    try:
        text = machine.communicate()[0].decode("utf-8", "replace")
    finally:
        machine.kill()
        machine.wait()
    if machine.returncode != 0:
        last = [line for line in text.splitlines() if line.strip()][-3:]
        raise Failed("%s: exit status %d\n    %s"
                     % (command[-1], machine.returncode, "\n    ".join(last)))
    return text


def figures(text, unit):
    """{key: number} of the lines that user/bench.c prints with this unit."""
    return {key: int(value) for key, value in
            re.findall(r"^bench: (\S+) +(\d+) %s\r?$" % unit, text, re.M)}


def file_costs(options):
    """The figures of user/filebench.c, which needs a disk."""
    with scratch.folder("bench") as folder:
        image = os.path.join(folder, "disk.img")
        Disk(size="8M", programs=("true",)).make(image, options.objects)
        command = command_of(options, "filebench") + COUNTED + ["-initrd", image]
        return figures(console_of(command), "instructions")


def boot_cost(options, mem, disk=None):
    """How many instructions run from the kernel's first to the first one of the first program.

    With a Disk that is in memory, the program is the shell, which is on it.

    The machine runs without sleep=off. With it QEMU takes a machine that gdb has stopped for an
    idle one, and advances its time to the next event, or for ever.
    """
    with scratch.folder("bench") as folder:
        return boot_cost_in(folder, options, mem, disk)


def boot_cost_in(folder, options, mem, disk):
    """The same, with a folder for the image and the socket of the gdb stub."""
    path, image = os.path.join(folder, "gdb"), os.path.join(folder, "disk.img")
    if disk:
        disk.make(image, options.objects)
    machine = start(command_of(options, "sh" if disk else "true", mem) + [
        *(["-initrd", image] if disk else []),
        # The host need not have the memory: most of it is never touched.
        "-machine", "memory-backend=ram",
        "-object", "memory-backend-ram,id=ram,size=%s,reserve=off" % mem,
        "-icount", "shift=0", "-serial", "null", "-S", "-gdb", "chardev:gdb",
        "-chardev", "socket,id=gdb,path=%s,server=on,wait=off" % path],
        stdout=subprocess.DEVNULL)
    try:
        while not os.path.exists(path):
            if machine.poll() is not None:
                raise Failed("boot with %s: QEMU does not start" % mem)
            time.sleep(0.01)
        stub = connect(path)
        stub.run_to(KERNEL_ENTRY)
        begin = stub.register("minstret")
        stub.run_to(USER_ENTRY)
        return stub.register("minstret") - begin
    except (StubError, OSError) as error:
        raise Failed("boot with %s: %s" % (mem, error))
    finally:
        machine.kill()
        machine.wait()


def count_instructions(options, failures):
    """The first part: {key: instructions}. What cannot be measured is added to `failures`."""
    found = {}
    jobs = (lambda: figures(console_of(command_of(options, "bench") + COUNTED), "instructions"),
            lambda: figures(console_of(command_of(options, "bench children", "1G") + COUNTED),
                            "instructions"),
            lambda: figures(console_of(command_of(options, "bench sync") + COUNTED),
                            "instructions"),
            lambda: file_costs(options),
            lambda: figures(console_of(selftest_command(options, "sem-cost", "128M") + COUNTED),
                            "instructions"),
            lambda: figures(console_of(selftest_command(options, "page-cost", "128M") + COUNTED),
                            "instructions"),
            lambda: figures(console_of(selftest_command(options, "irq-off", "1G") + COUNTED),
                            "instructions"),
            lambda: {"boot-128M": boot_cost(options, "128M")},
            lambda: {"boot-disk": boot_cost(options, "128M", Disk(size="8M", programs=("sh",)))},
            lambda: {"boot-8G": boot_cost(options, "8G")},
            lambda: {"boot-64G": boot_cost(options, "64G")})
    for job in jobs:
        try:
            found.update(job())
        except (Failed, DiskError) as failure:
            failures.append(str(failure))
    failures.extend("no figure for: " + row.text for row in OPERATIONS if row.key not in found)
    return found


def verdict(row, found, compiler):
    """(the bound of this row or None, whether it holds). A bound may be relative to another row."""
    value = found.get(row.key)
    bound = compiler.allows(row.bound)
    if row.flat in found:
        bound = found[row.flat] * (100 + FLAT_PERCENT) // 100
    return bound, value is None or bound is None or value <= bound


def is_loose(row, found, compiler):
    """Is a bound so far above the figure that the kernel could get slower unnoticed? Those of other
    compilers than the course's are."""
    if compiler.tolerance or row.bound is None or row.key not in found:
        return False
    most = found[row.key] + (PROBE_STEP if row.key in PROBED else 0)
    return row.bound > most * (1 + LOOSE_PERCENT / 100)


def number(value):
    return "-" if value is None else "{:,}".format(value)


def times(value, base):
    return "-" if value is None or not base else "%.2f" % (value / base)


def print_instructions(found, compiler):
    """Print the table of instructions; an operation that misses its bound is marked."""
    print("Guest instructions, one hart, -icount shift=0: the same in each run")
    print("Compiled by %s\n" % (compiler.version or "an unknown compiler"))
    form = "%-50s %11s %11s %9s %11s %11s %7s %7s"
    print(form % ("operation", "rvlab", compiler.column, "floor", "xv6", "ucore", "xv6 x",
                  "ucore x"))
    missed = []
    for row in OPERATIONS:
        value = found.get(row.key)
        bound, holds = verdict(row, found, compiler)
        if not holds:
            missed.append(row)
        print((form % (row.text, number(value), number(bound), number(floor(row.key)),
                       number(row.xv6), number(row.ucore), times(row.xv6, value),
                       times(row.ucore, value)) + ("" if holds else "  MISSED")).rstrip())
    if compiler.tolerance:
        print("\n%s: at most %d %% more than with the course's compiler, %s %d"
              % (compiler.column, compiler.tolerance, COURSE_TOOLCHAIN, COURSE_VERSION))
    print("\nfloor: what no kernel could save (docs/speed.md); "
          "xv6 x, ucore x: how many times as many they need")
    if missed:
        print("Missed bounds: %d. Where the instructions go: "
              'make profile PROG="bench NAME"' % len(missed))
    else:
        print("All bounds hold.")
    for row in OPERATIONS:
        if is_loose(row, found, compiler):
            print("The bound of \"%s\" is too far above %s: lower it in tools/bench_data.py."
                  % (row.text, number(found[row.key])))


class HostLoad:
    """It tells how much of a processor other processes have used since it was made."""

    def __init__(self):
        self.busy, self.own, self.time = self.now()

    @staticmethod
    def now():
        """(seconds that all processors were busy or None, seconds of this process and its
        children, time)."""
        usage = os.times()
        own = usage.user + usage.system + usage.children_user + usage.children_system
        try:
            with open("/proc/stat") as file:
                fields = [int(field) for field in file.readline().split()[1:]]
        except OSError:
            return None, own, time.monotonic()
        idle = fields[3] + fields[4]
        return (sum(fields[:8]) - idle) / os.sysconf("SC_CLK_TCK"), own, time.monotonic()

    def others(self):
        """What the others used, in percent of one processor; None if this host does not say."""
        busy, own, now = self.now()
        if busy is None or self.busy is None or now <= self.time:
            return None
        used = (busy - self.busy) - (own - self.own)
        return max(0, round(100 * used / (now - self.time)))


def scale_time(options, what, count, harts):
    """How many microseconds user/scale.c takes with so many processes, on so many harts."""
    text = console_of(command_of(options, "scale %s %d" % (what, count), harts=harts))
    match = re.search(r"^scale: \w+ \d+ (\d+) us", text, re.M)
    if not match:
        raise Failed("scale %s %d printed no time" % (what, count))
    return int(match.group(1))


def longest_wait(options, harts):
    """The longest wait for a lock that user/mmlock.c met on so many harts, in microseconds."""
    text = console_of(command_of(options, "mmlock %d" % (harts - 1), harts=harts))
    match = re.search(r"^mmlock: brk (\d+) us", text, re.M)
    if not match:
        raise Failed("mmlock on %d harts printed no time" % harts)
    return int(match.group(1))


def measure_host(options, failures):
    """The second part: {"ns": times by key, "scaling": by kind, "waiting": by harts,
    "others_percent": what others used meanwhile}."""
    load = HostLoad()
    result = {"ns": {}, "scaling": {}, "waiting": {}}
    try:
        result["ns"] = figures(console_of(command_of(options, "bench wall")), "ns")
        for what, count, _, wanted in SCALING:
            one, two = (min(scale_time(options, what, count, harts) for _ in range(TRIES))
                        for harts in (1, 2))
            result["scaling"][what] = {"one_hart_us": one, "two_harts_us": two,
                                       "times": round(one / two, 2), "wanted": wanted}
        for harts in WAITING:
            result["waiting"][harts] = min(longest_wait(options, harts) for _ in range(TRIES))
    except Failed as failure:
        failures.append(str(failure))
    result["others_percent"] = load.others()
    return result


def print_host(host):
    """Print the times on this host; what misses its bound is marked."""
    print("\nTime on this host, without -icount: another host, other figures\n")
    for row in OPERATIONS:
        if row.key in host["ns"]:
            print("%-50s %11s ns" % (row.text, number(host["ns"][row.key])))
    print("\n%-50s %11s %11s %6s %8s" % ("the same work on", "1 hart, us", "2 harts, us", "times",
                                         "at least"))
    for what, count, text, _ in SCALING:
        if what in host["scaling"]:
            s = host["scaling"][what]
            print("%-50s %11s %11s %6.2f %8.1f%s" % (
                text % count, number(s["one_hart_us"]), number(s["two_harts_us"]), s["times"],
                s["wanted"], "" if s["times"] >= s["wanted"] else "  MISSED"))
    print()
    for harts, waited in sorted(host["waiting"].items()):
        print("%-50s %11s %11s us%s" % (
            "longest wait for a lock that %d harts want" % harts, number(waited),
            number(WAITING_US), "" if waited <= WAITING_US else "  MISSED"))
    others = host["others_percent"]
    if (os.cpu_count() or 1) < 2:
        print("\nThis host has one processor: two harts cannot be faster here.")
    if others is None:
        print("\nIt is not known whether this host did something else meanwhile.")
    elif others > BUSY_PERCENT:
        print("\nWARNING: this host was busy: others used %d %% of a processor meanwhile. "
              "These times are too long." % others)


def as_json(found, host, compiler):
    """All results as one text of JSON, for another program."""
    rows = []
    for row in OPERATIONS:
        bound, holds = verdict(row, found, compiler)
        rows.append({"key": row.key, "operation": row.text, "rvlab": found.get(row.key),
                     "bound": bound, "holds": holds, "floor": floor(row.key), "xv6": row.xv6,
                     "ucore": row.ucore})
    return json.dumps({"compiler": compiler.version, "tolerance_percent": compiler.tolerance,
                       "instructions": rows, "host": host}, indent=2)


def arguments():
    parser = argparse.ArgumentParser(description="Measure what the kernel's operations cost.")
    parser.add_argument("--objects", default="obj/unknown-elf", help="where the kernel is")
    parser.add_argument("--qemu", default="qemu-system-riscv64")
    parser.add_argument("--json", action="store_true", help="print JSON instead of tables")
    parser.add_argument("--check", action="store_true",
                        help="a bound that is missed, or too far away, is a failure")
    parser.add_argument("--no-host", action="store_true", help="only what is in instructions")
    options = parser.parse_args()
    cli.need_machine("bench", options.objects, options.qemu)
    return options


def bench(options):
    """Measure, print, and return the exit status."""
    failures, compiler = [], Compiler(options.objects)
    found = count_instructions(options, failures)
    if not options.json:
        print_instructions(found, compiler)
        sys.stdout.flush()
    host = None if options.no_host else measure_host(options, failures)
    if options.json:
        print(as_json(found, host, compiler))
    elif host:
        print_host(host)
    for failure in failures:
        print("bench: not measured: " + failure, file=sys.stderr)
    missed = any(not verdict(row, found, compiler)[1]
                 and found[row.key] > (compiler.allows(row.known) or 0)
                 or is_loose(row, found, compiler) for row in OPERATIONS)
    return 2 if failures else 1 if options.check and missed else 0


if __name__ == "__main__":
    sys.exit(cli.run("bench", lambda: bench(arguments())))
