"""What all machines of one grading share: QEMU, the built kernel and programs, and where logs go.

A Host is made once for a grading, and the threads that boot machines read it. It finds addresses in
the built files (the key of the reports, checkpoints, places that report), keeps a Snapshot of a
freshly booted machine for each kind of machine, and turns addresses into lines of source. Dicts
that are filled later hold values that are the same whoever fills them, except the baselines and the
tests that others need: each of these has a lock, because it boots a machine.
"""
import os
import re
import shutil
import subprocess
import threading

from grader.image import Image, ImageError
from grader.machine import snapshot
from grader.memory import MemoryFault
from grader.model import Test
from grader.sites import sites

ADDR2LINES = ("riscv64-unknown-elf-addr2line", "riscv64-elf-addr2line",
              "riscv64-linux-gnu-addr2line", "llvm-addr2line", "addr2line")


class Host:
    """One grading's host.

    objects    the folder with what was built
    folder     the folder for logs
    image      the kernel's Image
    cancelled  set when all machines must end
    boxed      whether machines run in a box (grader.sandbox): a stranger's kernel is in them
    needed     {test that others need: its Outcome}, guarded by needs_lock
    """

    def __init__(self, objects, qemu, folder, boxed=False):
        self.objects, self.qemu, self.folder, self.boxed = objects, qemu, folder, boxed
        self.kernel = os.path.join(objects, "kernel")
        self.image = Image(self.kernel)
        self.programs, self.baselines, self.places, self.disks = {}, {}, {}, {}
        self.lock = threading.Lock()    # guards the baselines
        self.disks_lock = threading.Lock()
        self.needed, self.needs_lock = {}, threading.Lock()
        self.cancelled = False

    def program(self, test):
        """The Image of the test's program, or None if there is no such program."""
        name = test.subject
        if name not in self.programs:
            path = os.path.join(self.objects, "user", name)
            self.programs[name] = Image(path) if os.path.exists(path) else None
        return self.programs[name]

    def key_address(self, test):
        """The kernel address of the key of the reports; None if the test's program has none. A
        program's key lies in its file, which is part of the kernel's image."""
        if test.selftest:
            return self.image.address("report_key")
        name = test.subject
        path = os.path.join(self.objects, "image", name)
        if not test.prog or not os.path.exists(path):
            return None
        program = Image(path)
        if "report_key" not in program.symbols:
            return None
        start = self.image.address("_binary_obj___user_%s_out_start"
                                   % re.sub("[^A-Za-z0-9_]", "_", name))
        return start + program.file_offset(program.address("report_key"))

    def sites(self, test):
        """The places from which the lines of the test may be reported, see grader.sites; None if
        they are not known."""
        image = self.image if test.selftest else self.program(test)
        if image and image not in self.places:
            self.places[image] = sites(image)
        return self.places.get(image)

    def checkpoint_address(self, test):
        """The address of checkpoint_reached() in the test's program or in the kernel, or None."""
        if not test.at:
            return None
        where = self.image if test.selftest else self.program(test)
        return where and "checkpoint_reached" in where.symbols and \
            where.address("checkpoint_reached")

    def baseline_key(self, test):
        """Tests with the same key share a baseline. Which program is the first does not matter
        before it begins, nor by which seed harts are switched."""
        words = [word for word in test.boot_arguments.partition("init=")[0].split()
                 if not word.startswith(("selftest=", "chaos="))]
        return test.harts, test.mem, test.processor, test.early, test.disk, tuple(words)

    def baseline(self, test):
        """The Snapshot of a machine like that of the test, before its first program or self test
        began."""
        key = self.baseline_key(test)
        with self.lock:
            if key not in self.baselines:
                fresh = Test("baseline", harts=test.harts, mem=test.mem, processor=test.processor,
                             append=" ".join(key[-1]), shift=test.shift, disk=test.disk,
                             selftest=test.selftest if test.early else None)
                self.baselines[key] = snapshot(fresh, self)
            return self.baselines[key]

    def lacks_baseline(self, test):
        """Has none been made for machines like that of the test?"""
        return self.baseline_key(test) not in self.baselines

    def keep_baseline(self, test, found):
        """The test's own machine stands where the Snapshot is made, and this is what is found."""
        with self.lock:
            self.baselines.setdefault(self.baseline_key(test), found)

    def disk(self, disk):
        """The path of the image of a Disk, which is made if need be."""
        with self.disks_lock:
            if disk not in self.disks:
                path = os.path.join(self.folder, "disk%d.img" % len(self.disks))
                disk.make(path, self.objects)
                self.disks[disk] = path
            return self.disks[disk]

    def complaints(self, check, machine):
        """What a check of the memory finds, as sentences. If the check meets damage, that is a
        finding too."""
        try:
            return check(machine)
        except MemoryFault as fault:
            return ["the kernel's memory is damaged: %s" % fault]
        except ImageError as error:
            return ["the memory cannot be judged: %s" % error]

    def from_root(self, place):
        """A place in a source, "path:line", as a path from the root of the tree. The debug
        information may have the path of another tree, because a copy of a tree takes over
        objects."""
        parts = place.replace("/./", "/").split("/")
        place = "/".join(parts[1:] if parts[0] == "." else parts)
        root = os.path.dirname(os.path.dirname(os.path.abspath(self.objects)))
        inside = ("/".join(parts[first:]) for first in range(1, len(parts)))
        return next((path for path in inside if os.path.isfile(
            os.path.join(root, path.rpartition(":")[0]))), place) if parts[0] == "" else place

    def source_lines(self, addresses):
        """", at file:line" for each of these addresses of the kernel's code; "" for those that no
        tool of this host can tell."""
        tool = next((name for name in ADDR2LINES if shutil.which(name)), None)
        if not tool or not addresses:
            return [""] * len(addresses)
        result = subprocess.run([tool, "-e", self.kernel] + ["%#x" % a for a in addresses],
                                stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        places = result.stdout.decode("utf-8", "replace").split("\n")[:len(addresses)]
        places = [self.from_root(re.sub(r" \(discriminator \d+\)", "", place)) for place in places]
        return [", at " + place if place and "?" not in place else "" for place in places] + \
            [""] * (len(addresses) - len(places))
