"""The checks of the tree count and find what they say."""
import os
import sys
import unittest

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(TOP, "tools"))

import check_budget


class Budget(unittest.TestCase):
    def test_comments_and_blank_lines_cost_nothing(self):
        text = '/* one\n   two */\n\nint a; /* three */\n// four\nchar *b = "/* text */";\n'
        self.assertEqual(check_budget.code_lines(text), 2)

    def test_a_sign_in_quotes_begins_no_comment(self):
        self.assertEqual(check_budget.code_lines("c = '\"';\nd = \"\\\"/*\";\ne;\n"), 3)

    def test_code_before_behind_and_inside_of_a_comment(self):
        self.assertEqual(check_budget.code_lines("a; /* b\n c */ d;\n"), 2)

    def test_assembly(self):
        text = "#include <x.h>\n# why\n    li a0, 1    # one\n  #else\n/* no\n code */\n\nret\n"
        self.assertEqual(check_budget.code_lines(text, is_asm=True), 4)


if __name__ == "__main__":
    unittest.main()
