#!/usr/bin/env python3
"""The power fails in a whole machine, with a disk of QEMU's.

    powercut.py                         some seconds
    powercut.py --scripts 8 --states 3000 --boots 40        more of each

A machine runs scripts of random calls (grader/fsops.py) on a virtio disk. QEMU notes all that is
written (blklogwrites). On the host
- the order of the writes is compared with docs/sfs.md, by flushes and by content;
- of what a power failure can leave, --states are built by chance, and must be in order when what is
  in their journal is brought home;
- of these --boots are booted. The machine must recover the same files, and in the right order, of
  which a log is made too; the disk must be in order then.

A file that the machine's script replaces by rename, again and again, with a larger number, must
be there with a number that fits. Exit status 1: something was found, which is told.
"""
import argparse
import os
import random
import re
import subprocess
import sys
import tempfile

import cli
from grader import disk, fsops, samples
from sfs import check, format, reader, writelog

QEMU_SECONDS = 120
SCRIPT, COUNTER = "/work.sh", b"/n"
FEW = 10                            # sentences that are told


class Machine:
    """How to boot."""

    def __init__(self, objects, qemu, folder):
        self.kernel, self.qemu, self.folder = os.path.join(objects, "kernel"), qemu, folder

    def logged(self, image, log):
        """QEMU's options for a disk whose writes are noted."""
        open(log, "wb").close()
        return ["-blockdev", "driver=file,node-name=img,cache.no-flush=on,filename=" + image,
                "-blockdev", "driver=raw,node-name=fmt,file=img",
                "-blockdev", "driver=file,node-name=lf,cache.no-flush=on,filename=" + log,
                "-blockdev", "driver=blklogwrites,node-name=top,file=fmt,log=lf,log-append=off,"
                "log-super-update-interval=1"]

    def lacks(self):
        """Why this QEMU cannot note writes; None: it can."""
        image, log = (os.path.join(self.folder, name) for name in ("probe", "probe.log"))
        with open(image, "wb") as file:
            file.truncate(1 << 20)
        result = subprocess.run(
            [self.qemu, "-machine", "none", "-display", "none", "-monitor", "stdio"]
            + self.logged(image, log), input=b"quit\n", stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, timeout=QEMU_SECONDS)
        if not result.returncode:
            return None
        return "%s cannot note what is written to a disk: %s" % (
            self.qemu, result.stderr.decode("utf-8", "replace").strip().split("\n")[-1])

    def boot(self, image, command):
        """Run a command on this disk to its end: the Writes and Flushes. DiskError if the run
        fails."""
        log = image + ".log"
        result = subprocess.run(
            [self.qemu, "-machine", "virt", "-bios", "default", "-m", "128M", "-nic", "none",
             "-kernel", self.kernel, "-display", "none", "-monitor", "none", "-serial", "stdio",
             "-append", "init=" + command, "-device", "virtio-blk-device,drive=top"]
            + self.logged(image, log), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, timeout=QEMU_SECONDS)
        text = result.stdout.decode("utf-8", "replace")
        if result.returncode or "cannot be mounted" in text:
            raise format.DiskError("%s: the machine ended with %d:\n%s" % (
                os.path.basename(image), result.returncode, text[-2000:]))
        return writelog.read_log(log)


def make_disk(path, objects, first, count):
    """A disk with random scripts, and one that runs them all and counts in a file meanwhile."""
    seeds = tuple(range(first, first + count))
    fsops.ScriptDisk(size="8M", seeds=seeds).make(path, objects)
    lines = []
    for number, seed in enumerate(seeds, 1):
        lines += ["%s" % fsops.command([seed])]
        lines += ["echo %d > n.new; mv n.new n; %s" % (10 * number + i, "sync" if i % 3 else "true")
                  for i in range(10)]
    with tempfile.NamedTemporaryFile("w", suffix=".sh") as file:
        file.write("\n".join(lines) + "\n")
        file.flush()
        status, text = disk.run_tool("put", path, file.name + ":" + SCRIPT)
    if status:
        raise format.DiskError("; ".join(text[-2:]))


def counted(image):
    """The number in the file that the script replaces: 0 if it is not there yet."""
    files = reader.Disk(image)
    try:
        node = files.inode(files.lookup(COUNTER))
    except format.DiskError:
        return 0
    text = files.data(node)
    if not re.fullmatch(rb"\d+\n", text):
        raise format.DiskError("%s: it has %r" % (COUNTER.decode(), text))
    return int(text)


class Trial:
    """One run, looked at. `base` has the bytes of the disk before."""

    def __init__(self, base, writes):
        self.base, self.writes, self.wrong, self.booted = base, writes, [], 0
        order = writelog.Order(format.Image(base))
        self.wrong += order.look(writes)
        self.transactions = order.transactions
        self.numbers = {}                       # by length of a prefix: what was counted there

    def image(self, state):
        return writelog.crash(format.Image(self.base, "state %d %s %s" % state), self.writes,
                              *state)

    def number(self, length):
        """What a prefix has counted, after its journal was brought home."""
        if length not in self.numbers:
            image = self.image((length, writelog.ALL, None))
            format.replay(image, format.good_super(image))
            self.numbers[length] = counted(image)
        return self.numbers[length]

    def look(self, state):
        """Is this state in order, and between those before and behind its epoch? True: there is
        something to be recovered."""
        image = self.image(state)
        looked = check.Check(image, crashed=True)
        found = looked.run()
        try:
            if not found:
                least = self.number(writelog.epoch_start(self.writes, state[0]))
                most = self.number(state[0])
                have = counted(image)
                if not least <= have <= most:
                    found = ["%s has %d, which must be from %d to %d" % (
                        COUNTER.decode(), have, least, most)]
        except format.DiskError as error:
            found = [str(error)]
        self.wrong += ["%s: %s" % (image.name, sentence) for sentence in found[:2]]
        return looked.replayed > 0 or len(looked.orphans) > 0

    def boot(self, machine, state):
        """Boot a state: the order of its recovery, and what comes of it."""
        before = self.image(state)
        name, data = before.name, before.read(0, before.size // format.BLOCK)
        path = os.path.join(machine.folder, "state")
        with open(path, "wb") as file:
            file.write(data)
        try:
            writes = machine.boot(path, "true")
            self.wrong += ["%s, recovery: %s" % (name, sentence) for sentence
                           in writelog.Order(format.Image(data)).look(writes)]
            with open(path, "rb") as file:
                self.wrong += samples.wrong_with(name, data, file.read())
        except format.DiskError as error:
            self.wrong.append("%s: %s" % (name, error))
        self.booted += 1


def arguments():
    """The command line, read."""
    parser = argparse.ArgumentParser(description="The power fails in a whole machine.")
    add = parser.add_argument
    add("--scripts", type=int, default=2, metavar="N", help="of random calls; %(default)s")
    add("--first", type=int, default=1, metavar="SEED", help="of the first script; %(default)s")
    add("--states", type=int, default=300, metavar="N", help="that are looked at; %(default)s")
    add("--boots", type=int, default=5, metavar="N", help="of them; %(default)s")
    add("--objects", default="obj/unknown-elf", help="where the kernel is built; %(default)s")
    add("--qemu", default="qemu-system-riscv64", help="%(default)s")
    options = parser.parse_args()
    if min(options.scripts, options.first, options.states, options.boots) < 1:
        parser.error("numbers from 1 on")
    if not os.path.exists(os.path.join(options.objects, "kernel")):
        parser.error("%s has no kernel: run make build" % options.objects)
    return options


def main():
    """The command; its exit status."""
    options = arguments()
    with tempfile.TemporaryDirectory(prefix="powercut-") as folder:
        machine = Machine(options.objects, options.qemu, folder)
        lacks = machine.lacks()
        if lacks:
            raise format.DiskError(lacks)
        path = os.path.join(folder, "disk")
        make_disk(path, options.objects, options.first, options.scripts)
        with open(path, "rb") as file:
            base = file.read()
        trial = Trial(base, machine.boot(path, "sh " + SCRIPT))
        everything = list(writelog.states(trial.writes))
        some = random.Random(options.first).sample(everything,
                                                   min(options.states, len(everything)))
        # Those that have something to be recovered are booted first.
        for state in sorted(some, key=trial.look, reverse=True)[:options.boots]:
            trial.boot(machine, state)
    for sentence in trial.wrong[:FEW]:
        print(sentence)
    print("%d writes and flushes, %d transactions; %d states were looked at, %d booted; %d mistakes"
          % (len(trial.writes), trial.transactions, len(some), trial.booted, len(trial.wrong)))
    return 1 if trial.wrong else 0


if __name__ == "__main__":
    sys.exit(cli.run("powercut", main, (format.DiskError, disk.DiskError, OSError,
                                        subprocess.TimeoutExpired)))
