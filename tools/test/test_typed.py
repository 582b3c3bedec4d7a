"""Test that what is typed comes to a machine in time, however late the host is.

QEMU and all that is busy share one processor here, so the thread that brings the keys comes late
again and again while the kernel only waits for one (grader/watchdog.py). Without the beat of the
second device each of these runs was at its limit. And a host may be too fast for the machine: then
an interrupt must come to its end all the same.

Needs the built objects, QEMU, and Linux.
Run alone: python3 tools/test/test_typed.py
"""
import copy
import os
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from grader.host import Host
from grader.judge import Judge
from grader.outside import Caller
from labs.catalogue import find_test
from trees import BUSY, OBJECTS, TOP


class Typed(unittest.TestCase):
    SECONDS = 9

    def setUp(self):
        """All that is started from here on shares one processor with what is always busy."""
        before = os.sched_getaffinity(0)
        self.addCleanup(os.sched_setaffinity, 0, before)
        os.sched_setaffinity(0, {min(before)})
        for _ in range(3):
            busy = subprocess.Popen(BUSY)
            self.addCleanup(busy.wait)
            self.addCleanup(busy.kill)

    def test_many_keys_on_a_busy_host(self):
        with tempfile.TemporaryDirectory() as logs:
            judge = Judge(Host(os.path.join(TOP, OBJECTS), "qemu-system-riscv64", logs))
            outcome = judge.run(find_test("monitor-mem"), 1)
        self.assertEqual(outcome.reasons, [])
        self.assertIsNone(outcome.instructions)         # when a key came was the host's


class Endless(unittest.TestCase):
    """Somebody types faster than the kernel reads: the host is the device, and always has more."""

    def test_an_interrupt_has_an_end(self):
        taken = []

        def receive(registers):
            taken.append(registers)
            return ord("x") if len(taken) < 1000 else -1

        def interrupt(machine):
            machine.stand_in("uart_receive", receive)
            machine.call("console_interrupt")

        test = copy.copy(find_test("syscalls"))
        test.outside = interrupt
        with tempfile.TemporaryDirectory() as logs:
            run = Caller(test, Host(os.path.join(TOP, OBJECTS), "qemu-system-riscv64", logs)).run()
        self.assertEqual((run.error, run.complaints, len(taken)), (None, [], 64))


if __name__ == "__main__":
    unittest.main()
