"""Small changes of C code, made by rule: what automutate.py tries on the exercises' regions.

A region's text is cut into tokens (Code), and each operator, a function below, looks for places of
one kind and yields a Change for each: a statement less, a condition negated, another constant.
changes() gives all of them in a fixed order, so that two runs try the same ones.

An operator reads tokens and knows no types, so some changes do not compile, and some leave the
kernel as it is: automutate.py finds out which. Changes that no test can notice, though the kernel
differs, are listed by hand in tools/mutants/equivalent.txt.
"""
import re
from collections import namedtuple

from exercise import regions

# `new` takes the place of text[start:end].
Change = namedtuple("Change", "start end new")

TOKEN = re.compile(r"""
    (?P<blank>\s+|//[^\n]*|/\*.*?\*/|^[ \t]*\#[^\n]*)
  | (?P<text>"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*')
  | (?P<word>[A-Za-z_]\w*)
  | (?P<number>\d[\w.]*)
  | (?P<other><<=|>>=|\.\.\.|->|\+\+|--|<<|>>|<=|>=|==|!=|&&|\|\||[-+*/%&|^]=|.)""",
                   re.X | re.S | re.M)
CONTROL = {"if", "for", "while", "switch", "else", "do", "case", "default", "goto", "typedef"}
NO_CALL = CONTROL | {"sizeof", "return", "typeof", "_Static_assert", "static_assert", "offsetof",
                     "likely", "unlikely"}
HEADS = {"if", "for", "while", "switch"}
OTHERS = {"<": "<=", "<=": "<", ">": ">=", ">=": ">", "==": "!=", "!=": "==", "&&": "||",
          "||": "&&", "+=": "-=", "-=": "+=", "|=": "=", "&=": "=", "++": "--", "--": "++"}
VALUES = {"true": "false", "false": "true"}
# How strongly binary operators hold their operands. An operator of LEAVE_OUT may lose an operand.
STRENGTH = {"=": 0, "?": 0, ":": 0, "+=": 0, "-=": 0, "|=": 0, "&=": 0, "||": 1, "&&": 2, "|": 3,
            "^": 4, "&": 5, "==": 6, "!=": 6, "<": 7, ">": 7, "<=": 7, ">=": 7, "<<": 8, ">>": 8,
            "+": 9, "-": 9, "*": 10, "/": 10, "%": 10}
LEAVE_OUT = {"||", "&&", "|", "^", "&", "+", "-"}
BINARY = {"+": "-", "-": "+", "<<": ">>", ">>": "<<", "&": "|", "|": "&", "^": "|"}
DECLARATION = re.compile(r"(?:(?:static|const|volatile)\s+)*(?:(?:struct|union|enum)\s+)?"
                         r"[A-Za-z_]\w*(?:\s+|\s*\*+\s*)(?:const\s+)?[A-Za-z_]\w*"
                         r"(?:\[\w*\])*\s*(?P<value>=[^=])?")
# A constant that is defined as a macro, or as a member of an enum.
DEFINE = re.compile(r"^[ \t]*#define[ \t]+([A-Z][A-Z0-9_]+)[ \t]+\S|"
                    r"^[ \t]+([A-Z][A-Z0-9_]+)(?:[ \t]*=[^,\n]*)?(?:,|[ \t]*(?:/\*.*)?$)", re.M)


class Code:
    """A text as tokens: their kinds, words and places, and which bracket belongs to which."""

    def __init__(self, text):
        self.text = text
        found = [match for match in TOKEN.finditer(text) if match.lastgroup != "blank"]
        self.kinds = [match.lastgroup for match in found]
        self.words = [match.group() for match in found]
        self.starts = [match.start() for match in found]
        self.ends = [match.end() for match in found]
        self.partner, opened = {}, []
        for i, word in enumerate(self.words):
            if word in "([{" and self.kinds[i] == "other":
                opened.append(i)
            elif word in ")]}" and self.kinds[i] == "other" and opened:
                self.partner[i] = opened[-1]
                self.partner[opened.pop()] = i

    def __len__(self):
        return len(self.words)

    def word(self, i):
        """The text of token i; "" if there is none."""
        return self.words[i] if 0 <= i < len(self) else ""

    def part(self, first, last):
        """The text from token `first` to token `last`, both included."""
        return self.text[self.starts[first]:self.ends[last]]

    def change(self, first, last, new):
        """The Change that puts a text in the place of the tokens `first` to `last`."""
        return Change(self.starts[first], self.ends[last], new)

    def is_operand(self, i):
        """Can a value end with this token, so that what follows is a binary operator?"""
        if not 0 <= i < len(self):
            return False
        return self.kinds[i] in ("word", "number", "text") and self.words[i] != "return" \
            or self.words[i] in (")", "]")

    def statements(self):
        """(first, last) of each statement that ends with a semicolon."""
        i = 0
        while i < len(self):
            word = self.words[i]
            if word in HEADS and self.word(i + 1) == "(":
                i = self.partner.get(i + 1, i) + 1
            elif word in "{};" or word in ("else", "do"):
                i += 1
            elif word in ("case", "default") or self.word(i + 1) == ":":
                while i < len(self) and self.words[i] != ":":
                    i += 1
                i += 1
            else:
                last = self.statement_end(i)
                if self.word(last) == ";":
                    yield i, last
                i = last + 1

    def statement_end(self, i):
        """The semicolon of a statement, or the bracket that begins a function's body."""
        while i < len(self) and self.words[i] != ";":
            if self.words[i] == "{" and self.word(i - 1) == ")":
                return i
            i = self.partner.get(i, i) if self.words[i] in "([{" else i
            i += 1
        return min(i, len(self))

    def value_end(self, i):
        """The last token of the value of a declared variable, of which token i is the first; more
        variables may follow in the same declaration."""
        while self.words[i + 1] not in (",", ";"):
            i = self.partner.get(i + 1, i + 1) if self.words[i + 1] in "([{" else i + 1
        return i

    def arguments(self, i):
        """(first, last) of each argument in the brackets that open with token i."""
        end, first, found = self.partner[i], i + 1, []
        i += 1
        while i < end:
            if self.words[i] == ",":
                found.append((first, i - 1))
                first = i + 1
            i = self.partner[i] if self.words[i] in "([{" else i
            i += 1
        return found + [(first, end - 1)] if first < end else found


def ends_function(code, last):
    """Is this the last statement of a function, or of the region, which ends like one?"""
    if code.word(last + 1) != "}":
        return last + 1 == len(code)
    bracket = code.partner.get(code.partner.get(last + 1, 0) - 1, 0)    # ( of the head before the {
    return bracket > 0 and code.words[bracket - 1] not in HEADS


def delete_statement(code):
    """Delete a statement. Declarations and control stay, and so does a return with a value at the
    end of a function: without these the text would not compile."""
    for first, last in code.statements():
        text = code.part(first, last)
        word = code.words[first]
        if word in CONTROL or first == last:
            continue
        if word == "return":
            if last - first == 1 and last + 1 < len(code) or \
                    last - first > 1 and not ends_function(code, last):
                yield code.change(first, last, ";")
        elif not DECLARATION.match(text):
            yield code.change(first, last, ";")


def change_value(code):
    """The value that a function returns, or that a variable gets when it is declared, becomes 0."""
    for first, last in code.statements():
        declared = DECLARATION.match(code.part(first, last))
        if code.words[first] == "return" and last - first > 1:
            begin, end = first + 1, last - 1
        elif code.words[first] != "return" and declared and declared.group("value"):
            begin = code.words.index("=", first) + 1
            end = code.value_end(begin)
        else:
            continue
        if code.part(begin, end) not in ("0", "NULL", "false") and code.word(begin) != "{":
            yield code.change(begin, end, "0")


def negate_condition(code):
    """Negate the condition of an if, while or for. One that is a single comparison by == or !=, or
    begins with "!", is left to swap_operator()."""
    for i, word in enumerate(code.words):
        if word not in ("if", "while", "for") or i + 1 not in code.partner:
            continue
        first, last = i + 2, code.partner[i + 1] - 1
        if word == "for":
            marks = [k for k in range(first, last + 1) if code.words[k] == ";"]
            if len(marks) != 2:
                continue
            first, last = marks[0] + 1, marks[1] - 1
        words = code.words[first:last + 1]
        single = not {"&&", "||"} & set(words)
        if words and not (single and ({"==", "!="} & set(words) or words[0] == "!")):
            yield code.change(first, last, "!(%s)" % code.part(first, last))


def swap_operator(code):
    """Another operator takes the place of one: < of <=, & of |; and a "!" or "~" goes."""
    for i, word in enumerate(code.words):
        if code.kinds[i] != "other":
            continue
        if word in OTHERS:
            yield code.change(i, i, OTHERS[word])
        elif word in BINARY and code.is_operand(i - 1):
            yield code.change(i, i, BINARY[word])
        elif word in "!~":
            yield code.change(i, i, "")


def operand(code, i, step):
    """The last token of the operand of operator i, in the direction of step, 1 or -1."""
    k = i
    while 0 <= k + step < len(code):
        word = code.words[k + step]
        if word in ",;" or word in (")]}" if step > 0 else "([{}") or word in ("return", "else") \
                or STRENGTH.get(word, 99) <= STRENGTH[code.words[i]] \
                and (step > 0 or code.is_operand(k + step - 1)):
            break
        k = code.partner.get(k + step, k + step) if word in "([{)]" else k + step
    return k


def leave_out_operand(code):
    """One side of an operator goes, and the operator with it: a forgotten bit of a mask, half of a
    condition."""
    for i, word in enumerate(code.words):
        if word in LEAVE_OUT and code.kinds[i] == "other" and code.is_operand(i - 1):
            yield code.change(i, operand(code, i, 1), "")
            yield code.change(operand(code, i, -1), i, "")


def leave_out_block(code):
    """The body of an if goes, if it has several statements; delete_statement() takes a single
    one."""
    for i, word in enumerate(code.words):
        first = code.partner.get(i + 1, len(code)) + 1
        if word == "if" and code.word(first) == "{" and first in code.partner:
            last = code.partner[first]
            if code.words[first:last].count(";") > 1:
                yield code.change(first, last, "{}")


def change_number(code):
    """A number becomes one more, and 1 becomes 0."""
    for i, word in enumerate(code.words):
        number = re.fullmatch(r"(0[xX][\da-fA-F]+|\d+)([uUlL]*)", word)
        if number:
            value = int(number.group(1), 16 if "x" in word.lower() else 10)
            yield code.change(i, i, "%d%s" % (0 if value == 1 else value + 1, number.group(2)))


def swap_constant(code, families):
    """A named constant becomes the next one of its family, or one more if it has no family; true
    becomes false."""
    for i, word in enumerate(code.words):
        if word in VALUES:
            yield code.change(i, i, VALUES[word])
        if code.kinds[i] != "word" or not re.fullmatch("[A-Z][A-Z0-9_]+", word) \
                or word == "NULL" or code.word(i + 1) == "(" or code.word(i - 1) in ("#", "struct"):
            continue
        family = families.get(word, [word])
        other = family[(family.index(word) + 1) % len(family)]
        yield code.change(i, i, other if other != word else "(%s + 1)" % word)


def calls(code):
    """(the token of its name, the token of its opening bracket) of each call."""
    for i, word in enumerate(code.words[:-1]):
        if code.kinds[i] == "word" and code.words[i + 1] == "(" and word not in NO_CALL \
                and i + 1 in code.partner and code.word(code.partner[i + 1] + 1) != "{" \
                and not (i and code.kinds[i - 1] == "word" and code.words[i - 1] != "return"
                         and code.words[i - 1] not in CONTROL):
            yield i, i + 1


def swap_arguments(code):
    """Two arguments of a call that stand side by side change places."""
    for _, bracket in calls(code):
        places = code.arguments(bracket)
        for (a, b), (c, d) in zip(places, places[1:]):
            if code.part(a, b) != code.part(c, d):
                yield code.change(a, d, "%s, %s" % (code.part(c, d), code.part(a, b)))


def remove_call(code):
    """f(x) becomes x, if it is part of an expression."""
    statements = {first for first, _ in code.statements()}
    for first, bracket in calls(code):
        if first not in statements and len(code.arguments(bracket)) == 1:
            last = code.partner[bracket]
            yield code.change(first, last, code.part(bracket, last))


def constant_families(root):
    """{a named constant: its family}: the constants of the same file whose names begin with the
    same word and an underscore, in the order in which they are defined."""
    groups = {}
    for path in regions.source_files(root, "kern"):
        for match in DEFINE.finditer(regions.read(root, path)):
            name = match.group(1) or match.group(2)
            if "_" in name:
                groups.setdefault((path, name.split("_")[0]), []).append(name)
    return {name: list(dict.fromkeys(names)) for names in groups.values() for name in names}


def changes(text, families):
    """All Changes of a region's text, sorted by place; `families` is constant_families()."""
    code = Code(text)
    found = [change for operator in (delete_statement, change_value, negate_condition,
                                     leave_out_operand, leave_out_block, swap_operator,
                                     change_number, swap_arguments, remove_call)
             for change in operator(code)]
    found += swap_constant(code, families)
    return sorted(set(found))
