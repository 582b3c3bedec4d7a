#!/usr/bin/env python3
"""make test-systems: does a newly installed Debian take this tree, with nothing but git, make and
ca-certificates in it at first?

    systems.py [--folder DIR] [--keep] [SUITE ...]     trixie and testing if none is named

For each suite a root is made with debootstrap, from the mirror that this system's own packages
come from. In it run README's two commands, make test, a session each of make debug and make
replay, make bench, and make grade with the other compilers. What each of them printed is in
DIR/SUITE.CHECK.log. The last lines are a table for docs/systems.md.

It needs root, debootstrap, 5 GB for each suite and an hour or more. What cannot be had is left out
and told. Then, or if a check fails, the exit status is not 0.
"""
import argparse
import glob
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time

import cli

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
SUITES = ["trixie", "testing"]
AT_FIRST = "git,make,ca-certificates"
SECONDS = 4 * 3600              # for one check
INSIDE = "/home/rvlab"
# Each check has its own namespace: what it leaves running ends with that, and so do its mounts.
ENTER = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "--propagation", "private", "sh",
         "-c", 'mount -t proc proc "$0/proc" && mount --rbind /dev "$0/dev" && '
         'exec chroot "$0" /usr/bin/env -i HOME=/root TERM=dumb LANG=C.UTF-8 '
         'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin sh -c "$1"']
GDB = "printf '%%s\\n' %s quit >obj/session.gdb && make -s build >/dev/null && " \
    "python3 tools/debug.py --objects obj/unknown-elf --commands obj/session.gdb --test read-null"

# Name, command, a pattern of what must be printed; the table shows its first group, if it has one.
CHECKS = (
    # The firmware swallows what is typed before the kernel is there, so it is typed repeatedly.
    ("make setup qemu", "(while sleep 2 && printf '\\n\\n\\nhello\\nhello\\nexit\\n'; do :; done)"
     " | make setup qemu",
     r"(?s)hello pass\..*leak check: (ok)"),
    ("make setup grade", "make setup grade", r"Total Score: (\d+/\d+)\n"),
    ("make debug", GDB % "bt", r"#0 +panic_trap"),
    ("make replay", GDB % "reverse-stepi 'info registers pc'" + " --replay",
     r"pc +0x\w+\s+0x\w+ <trap_kernel"),
    ("bounds of speed", "make bench BENCH='--no-host --check'", r"Missed bounds|All bounds hold"),
    ("linux-gnu", "make setup grade GRADE=--all TOOLCHAIN=linux-gnu WERROR=1",
     r"Total Score: (\d+/\d+)\n"),
    ("clang", "make setup grade GRADE=--all TOOLCHAIN=clang WERROR=1",
     r"Total Score: (\d+/\d+)\n"),
    ("make test", "make test", r"(?s)\d+ tests: (\d+ passed, \d+ failed).*Ran \d+ tests"),
)
VERSIONS = (("GCC", "riscv64-unknown-elf-gcc -dumpversion"),
            ("clang", "clang -dumpversion"),
            ("QEMU", "qemu-system-riscv64 --version"), ("gdb", "gdb-multiarch --version"),
            ("Python", "python3 --version"))


class SystemsError(Exception):
    """Why nothing can be done here; the text is for the user."""


def mirror(apt="/etc/apt"):
    """The address of the mirror that this system's packages come from."""
    for path in sorted(glob.glob(apt + "/sources.list") + glob.glob(apt + "/sources.list.d/*")):
        with open(path, encoding="utf-8", errors="replace") as file:
            found = re.search(r"^(?:URIs:|deb(?:\s+\[[^]]*\])?)\s+(\S+://\S*debian/?)(?:\s|$)",
                              file.read(), re.M)
        if found:
            return found.group(1)
    raise SystemsError("this system's sources of packages name no mirror of Debian")


def way_to_mirror():
    """What apt-get in a root is told: this system's proxies and certificates, and that the
    mirror's lists may be old. A mirror may stand still; debootstrap has taken its lists anyway."""
    said = subprocess.run(["apt-config", "dump"], stdout=subprocess.PIPE).stdout.decode()
    ways = [line for line in said.splitlines() if re.match(r"Acquire::https?(::|\s)", line)]
    return "\n".join(ways + ['Acquire::Check-Valid-Until "false";', ""])


class System:
    """One suite: its root, and the result of each check.

    results    {name of a check: what the table shows}
    failed     names of the checks that failed
    left_out   why there is no root; None if there is one
    """

    def __init__(self, suite, folder):
        self.suite, self.folder = suite, folder
        self.root = os.path.join(folder, suite)
        self.results, self.failed, self.left_out = {}, [], None
        self.process, self.ended = None, False

    def log(self, name):
        """The path of the log of a check."""
        return os.path.join(self.folder, "%s.%s.log" % (self.suite, name.replace(" ", "-")))

    def run(self, command, log, seconds=SECONDS):
        """Run a command: its exit status, or None if it took too long. What it prints goes to the
        log."""
        if self.ended:
            return None
        with open(log, "wb") as file:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=file,
                                            stderr=subprocess.STDOUT, start_new_session=True)
            try:
                return self.process.wait(seconds)
            except subprocess.TimeoutExpired:
                return None
            finally:
                self.stop()

    def stop(self):
        """End what runs now. All that is in the namespace of unshare ends with it."""
        if self.process:
            self.process.kill()
            self.process.wait()

    def inside(self, command, log):
        """Run a command of the shell in the root, in the tree there."""
        return self.run(ENTER + [self.root, "cd %s && %s" % (INSIDE, command)], log)

    def make_root(self):
        """Make the root, or take one that was kept, and copy this tree into it."""
        if not os.path.isdir(self.root):
            log = self.log("debootstrap")
            status = self.run(["debootstrap", "--variant=minbase", "--include=" + AT_FIRST,
                               self.suite, self.root, mirror()], log)
            if status != 0:
                shutil.rmtree(self.root, ignore_errors=True)
                self.left_out = "no root: see %s" % log
                return
        with open(os.path.join(self.root, "etc/apt/apt.conf.d/01host"), "w") as file:
            file.write(way_to_mirror())
        for name in ("resolv.conf", "hosts"):
            shutil.copy("/etc/" + name, os.path.join(self.root, "etc", name))
        inside = self.root + INSIDE
        shutil.rmtree(inside, ignore_errors=True)
        shutil.copytree(TOP, inside, symlinks=True,
                        ignore=shutil.ignore_patterns("obj", "__pycache__"))

    def check(self, name, command, wanted):
        """Run one check: it is good if it succeeds and prints what is wanted."""
        started = time.monotonic()
        status = self.inside(command, self.log(name))
        with open(self.log(name), encoding="utf-8", errors="replace") as file:
            found = re.search(wanted, file.read().replace("\r", ""))
        good = status == 0 and found
        shown = found.group(1) if found and found.groups() else ""
        self.results[name] = shown if good and shown else "ok" if good else \
            ("failed" + (": " + shown if shown else ""))
        if not good:
            self.failed.append(name)
        print("%s: %s: %s (%d s)" % (self.suite, name, self.results[name],
                                     time.monotonic() - started), flush=True)

    def versions(self):
        """Ask the tools in the root for their versions, for the table."""
        for name, command in VERSIONS:
            self.inside(command, self.log("version"))
            with open(self.log("version"), encoding="utf-8", errors="replace") as file:
                number = re.search(r"\d+(\.\d+)+|^\d+$", file.read(), re.M)
            self.results[name] = number.group() if number else "-"

    def test(self):
        """Make the root and run all checks. Each suite has a thread that does this."""
        self.make_root()
        if self.left_out:
            return
        for check in CHECKS:
            self.check(*check)
        self.versions()


def table(systems):
    """The lines of a table, as docs/systems.md shows it."""
    names = [name for name, _ in VERSIONS] + [check[0] for check in CHECKS]
    yield "Debian, %s" % time.strftime("%Y-%m-%d", time.gmtime())
    rows = [["check"] + [system.suite for system in systems]]
    rows += [[name] + [system.results.get(name, "left out") for system in systems]
             for name in names]
    rows.insert(1, ["---"] * len(rows[0]))
    for row in rows:
        yield "| " + " | ".join(row) + " |"


def needs():
    """Raise SystemsError if something is missing without which no root can be made."""
    if os.geteuid() != 0:
        raise SystemsError("nothing was tested: making a root takes root")
    for tool, package in (("debootstrap", "debootstrap"), ("unshare", "util-linux"),
                          ("apt-config", "apt")):
        if not shutil.which(tool):
            raise SystemsError("nothing was tested: %s is missing; it is in the package %s"
                               % (tool, package))


def test_all(options):
    """Test all suites side by side, print the table, and return the exit status."""
    needs()
    mirror()
    os.makedirs(options.folder, exist_ok=True)
    folder = tempfile.mkdtemp(prefix="roots-", dir=options.folder) if not options.keep \
        else options.folder
    systems = [System(suite, folder) for suite in options.suites or SUITES]
    threads = [threading.Thread(target=system.test, daemon=True) for system in systems]
    try:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        for system in systems:
            system.ended = True
            system.stop()
            if not options.keep:
                shutil.rmtree(system.root, ignore_errors=True)
    print()
    for line in table(systems):
        print(line)
    for system in systems:
        if system.left_out:
            print("%s was left out: %s" % (system.suite, system.left_out))
    print("The logs are in %s" % folder)
    return 1 if any(system.failed or system.left_out for system in systems) else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0],
                                     epilog="See the head of tools/systems.py.")
    parser.add_argument("suites", nargs="*", metavar="SUITE")
    parser.add_argument("--folder", default=os.path.join(TOP, "obj", "systems"),
                        help="where roots and logs go; %(default)s")
    parser.add_argument("--keep", action="store_true",
                        help="keep the roots in the folder, and take those that are there")
    options = parser.parse_args()
    return cli.run("systems", lambda: test_all(options), SystemsError)


if __name__ == "__main__":
    sys.exit(main())
