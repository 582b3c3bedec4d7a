"""What all machines of one grading share: QEMU, the kernel, where files go."""
import os
import re
import shutil
import subprocess
import threading

from grader.image import Image, ImageError
from grader.machine import FreshMachine
from grader.memory import MemoryFault
from grader.model import Test
from grader.sites import sites

ADDR2LINES = ("riscv64-unknown-elf-addr2line", "riscv64-elf-addr2line",
              "riscv64-linux-gnu-addr2line", "llvm-addr2line", "addr2line")


class Host:
    """Set once, then only read by the threads that boot machines.

    objects    folder with what was built
    folder     where logs go
    cancelled  set when everything must end
    """

    def __init__(self, objects, qemu, folder):
        self.objects, self.qemu, self.folder = objects, qemu, folder
        self.kernel = os.path.join(objects, "kernel")
        self.image = Image(self.kernel)
        self.programs, self.baselines, self.places = {}, {}, {}
        self.lock = threading.Lock()    # guards the baselines
        self.needed, self.needs_lock = {}, threading.Lock()     # Outcomes of tests others need
        self.cancelled = False

    def program(self, test):
        """The linked file of the test's program, or None where there is no such program."""
        name = test.subject
        if name not in self.programs:
            path = os.path.join(self.objects, "user", name)
            self.programs[name] = Image(path) if os.path.exists(path) else None
        return self.programs[name]

    def key_address(self, test):
        """Where in the kernel's memory the key of the reports lies; None where it has none."""
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
        """From where the lines of the test may be reported: see grader.sites."""
        image = self.image if test.selftest else self.program(test)
        if image and image not in self.places:
            self.places[image] = sites(image)
        return self.places.get(image)

    def checkpoint_address(self, test):
        if not test.at:
            return None
        where = self.image if test.selftest else self.program(test)
        return where and "checkpoint_reached" in where.symbols and \
            where.address("checkpoint_reached")

    def baseline(self, test):
        """The Snapshot of a machine like that of the test, before its first program began, or
        before the self test that takes its place; which one that is does not matter then."""
        words = [word for word in test.append.partition("init=")[0].split()
                 if not word.startswith("selftest=")]
        key = (test.harts, test.mem, test.processor, test.early, tuple(words))
        with self.lock:
            if key not in self.baselines:
                fresh = FreshMachine(Test("baseline", harts=test.harts, mem=test.mem,
                                          processor=test.processor,
                                          append=" ".join(words), shift=test.shift,
                                          selftest=test.selftest if test.early else None), self)
                fresh.run()
                self.baselines[key] = fresh.snapshot
            return self.baselines[key]

    def complaints(self, check, machine):
        """What a check of the memory finds; damage that it stumbles over is a finding too."""
        try:
            return check(machine)
        except MemoryFault as fault:
            return ["the kernel's memory is damaged: %s" % fault]
        except ImageError as error:
            return ["the memory cannot be judged: %s" % error]

    def from_root(self, place):
        """A place in a source as a path from the tree's root, wherever it was compiled: a copy of a
        tree has objects from the tree that it is a copy of."""
        parts = place.replace("/./", "/").split("/")
        place = "/".join(parts[1:] if parts[0] == "." else parts)
        root = os.path.dirname(os.path.dirname(os.path.abspath(self.objects)))
        inside = ("/".join(parts[first:]) for first in range(1, len(parts)))
        return next((path for path in inside if os.path.isfile(
            os.path.join(root, path.rpartition(":")[0]))), place) if parts[0] == "" else place

    def source_lines(self, addresses):
        """", at file:line" for each address of the kernel's code; "" where nobody can tell."""
        tool = next((name for name in ADDR2LINES if shutil.which(name)), None)
        if not tool or not addresses:
            return [""] * len(addresses)
        result = subprocess.run([tool, "-e", self.kernel] + ["%#x" % a for a in addresses],
                                stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        places = result.stdout.decode("utf-8", "replace").split("\n")[:len(addresses)]
        places = [self.from_root(re.sub(r" \(discriminator \d+\)", "", place)) for place in places]
        return [", at " + place if place and "?" not in place else "" for place in places] + \
            [""] * (len(addresses) - len(places))
