"""What later layers give to a process reaches it with the texts of earlier handouts too.

Regions of exercises 4.1, 4.2 and 5.5 are whole functions: proc_create(), fork and exit go through
them. The texts that students wrote long ago, kept in corpus/, are put into this tree; then the
kernel's self tests "resources" and "fork-memory" must still find that what belongs to a process is
copied to its child and given back at its end. If a call were moved into a region, the self tests
of this tree would pass as before, and only this would fail.

Alone: RVLAB_OBJECTS=obj/unknown-elf python3 tools/test/test_resources.py
"""
import os
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from exercise import handin, regions
from trees import TOP, build_command, copy_tree, run_grader

HERE = os.path.dirname(os.path.abspath(__file__))
OLD = ("lab4-solved.txt", "lab5-solved.txt")
WHOLE = {"4.1", "4.2", "5.5"}                   # the exercises whose regions are whole functions


def old_texts():
    """{(exercise, id): text} of the hand-ins."""
    found = {}
    for name in OLD:
        with open(os.path.join(HERE, "corpus", name), "rb") as file:
            for key, (text, _) in handin.parse(file.read()).texts.items():
                if key[0] in WHOLE:
                    found[key] = text
    return found


class OldRegions(unittest.TestCase):
    def test_resources_come_and_go(self):
        texts = old_texts()
        with tempfile.TemporaryDirectory() as folder:
            copy_tree(folder)
            replaced = 0
            for path in sorted({region.path for region in regions.parse_tree(TOP)
                                if region.key in texts}):
                own = {region.key: texts[region.key]
                       for region in regions.parse(regions.read(TOP, path), path)
                       if region.key in texts}
                text = regions.replace(regions.read(TOP, path), path, own)
                with open(os.path.join(folder, path), "w", encoding="utf-8") as file:
                    file.write(text)
                replaced += len(own)
            self.assertEqual(replaced, len(texts))
            status, output = run_grader(folder, "--build", build_command(), "--all", "resources",
                                        "fork-memory")
            self.assertEqual(status, 0, output)
            self.assertIn("2 tests: 2 passed", output)


if __name__ == "__main__":
    unittest.main()
