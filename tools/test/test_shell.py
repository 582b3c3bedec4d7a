"""Test that the shell does what docs/shell.md and labcodes.md show.

A page is a session: what is typed behind each prompt, and what a machine answers. All of it is
typed into one machine with a fresh disk, in order, and each answer is compared to the letter. Only
numbers of processes and of blocks depend on what was done before, so the session is always the same
one. How much memory there is and how it was got depends on the compiler and the machine too: of
what COUNTS says, any number is taken for any other.

    test_shell.py --show    print shell.md's session as the machine has it now, to mend it by
"""
import os
import re
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from trees import TOP, guard_of

OBJECTS = os.path.join(TOP, os.environ.get("RVLAB_OBJECTS", "obj/unknown-elf"))
QEMU = os.environ.get("RVLAB_QEMU", "qemu-system-riscv64")
PROMPT = "rvlab$ "
PAGE = "docs/shell.md"
COUNTS = ("mem", "swapstat")
SECONDS = 600                   # of a machine that gives no answer


def page(path):
    """[(what is typed, the answer)] of a page. A line that is not indented ends an answer."""
    session, is_open = [], False
    with open(os.path.join(TOP, path), encoding="utf-8") as file:
        for line in file:
            if line.startswith("    " + PROMPT):
                session.append((line[4 + len(PROMPT):].rstrip("\n"), ""))
                is_open = True
            elif line.startswith("    ") and is_open:
                typed, answer = session[-1]
                session[-1] = (typed, answer + line[4:])
            elif line.strip():
                is_open = False
    return session


def play(lines):
    """Type lines into a machine with a new disk; the answers, and what came behind the last."""
    subprocess.run(["make", "-r", "-s", "-f", "tools/build.mk", "TC=" + os.path.basename(OBJECTS),
                    "new_disk"], cwd=TOP, check=True, stdout=subprocess.DEVNULL)
    process = subprocess.Popen(
        [QEMU, "-machine", "virt", "-bios", "default", "-nic", "none", "-smp", "1", "-kernel",
         os.path.join(OBJECTS, "kernel"), "-display", "none", "-monitor", "none", "-serial",
         "stdio", "-drive", "file=%s-disk.img,format=raw,if=none,id=disk,snapshot=on"
         % OBJECTS, "-device", "virtio-blk-device,drive=disk"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    guard = guard_of(SECONDS, process.kill)

    def until(text):
        output = ""
        while not output.endswith(text):
            data = os.read(process.stdout.fileno(), 4096)
            if not data:
                break
            output += data.decode("utf-8", "replace").replace("\r", "")
        return output

    def type_line(line, end):
        process.stdin.write(line.encode())
        process.stdin.flush()
        return until(end)

    try:
        until(PROMPT)
        answers = [type_line(line + "\n", PROMPT).split("\n", 1)[-1].replace(PROMPT, "")
                   for line in lines]
        rest = type_line("\x04", "no text that it prints")
    finally:
        guard.cancel()
        process.kill()
        process.stdin.close()
        process.stdout.close()
        process.wait()
    return answers, rest


def words(typed, answer):
    """The lines that have anything in them: Markdown cannot end one with blanks."""
    if typed in COUNTS:
        answer = re.sub(r" *\d+", " 0", answer)
    return [line.rstrip() for line in answer.split("\n") if line.strip()]


class Shell(unittest.TestCase):
    """See above."""

    maxDiff = None

    def compare(self, path, least):
        session = page(path)
        self.assertGreaterEqual(len(session), least)
        answers, rest = play([typed for typed, _ in session])
        for (typed, answer), real in zip(session, answers):
            with self.subTest(typed=typed):
                self.assertEqual(words(typed, answer), words(typed, real))
        self.assertIn("leak check: ok", rest)

    def test_the_page_is_true(self):
        self.compare(PAGE, 30)

    def test_the_labs_are_true(self):
        self.compare("labcodes.md", 2)


if __name__ == "__main__":
    if "--show" in sys.argv:
        typed = [line for line, _ in page(PAGE)]
        for line, answer in zip(typed, play(typed)[0]):
            print("    " + PROMPT + line)
            print("".join("    " + text + "\n" for text in answer.splitlines()), end="")
    else:
        unittest.main()
