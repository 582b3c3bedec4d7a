#!/usr/bin/env python3
"""Check that page table entries are written in one place, and in the right order.

    check_entries.py OBJECTS    OBJECTS is obj/TOOLCHAIN, with a kernel built

Why it matters is said at set_pte() in kern/mm/pagetable.h. Two things are checked. No source of the
kernel stores through a pointer to a pte_t by itself; only the self tests may. And the code that the
compiler makes of set_pte() has a release before the store. No test could find that missing, because
QEMU runs on hosts that do not reorder stores.

It reads the sources by patterns, not as a compiler: a pointer to an entry must be declared as pte_t
in the same file, or come from one of the functions in stores(). `make test` runs it.
"""
import glob
import os
import re
import subprocess
import sys

import cli

# The pointers that a text declares, as in "pte_t *pte = ..., *end". A pointer to a const pte_t
# cannot store, so it is left out.
DECLARATION = re.compile(r"(?<!const )\bpte_t\s+\*[^;{)]*")
# Behind the type, or behind a comma without a type of its own: a parameter that follows has one.
DECLARED = re.compile(r"(?:\bpte_t|,)\s*\*+\s*(\w+)\s*(\(?)")
ASSIGN = r"\s*(?:[-+|&^]|<<|>>)?=(?!=)"
COMMENT = re.compile(r"/\*.*?\*/", re.S)
RELEASE = re.compile(r"fence\s+(?:rw,\s*r?w|iorw,\s*(?:ior|o)w)\b|fence$|amo\w+\.\w+\.\w*rl",
                     re.M)
PROBE = """
#include <mm/pagetable.h>
void probe(pte_t *entry, pte_t value);
void probe(pte_t *entry, pte_t value) { set_pte(entry, value | PTE_V); }
"""


def without_comments(text):
    """The text without comments; each line keeps its number."""
    return COMMENT.sub(lambda match: "\n" * match.group().count("\n"), text)


def without_writers(text):
    """The text without the bodies of set_pte() and set_pte_...(), which may store."""
    return re.sub(r"(?ms)^static inline void set_pte\w*\([^)]*\)\n\{.*?^\}",
                  lambda match: "\n" * match.group().count("\n"), text)


def stores(text):
    """[(line, from 1, name of the pointer)] for each store through a pointer to an entry."""
    text = without_writers(without_comments(text))
    names, functions = set(), {"get_pte", "kernel_pte"}
    for match in DECLARATION.finditer(text):
        for name, call in DECLARED.findall(match.group()):
            (functions if call else names).add(name)
    found = []
    for name in sorted(names):
        pattern = r"(?<![\w)])\*(?:\+\+|--)?%s(?:\+\+|--)?%s|\b%s\[[^\]]*\]%s" % (
            name, ASSIGN, name, ASSIGN)
        found += [(text.count("\n", 0, m.start()) + 1, name) for m in re.finditer(pattern, text)
                  if not declared_here(text, m.start())]
    for name in sorted(functions):
        for m in re.finditer(r"\*%s\((?:[^()]|\([^()]*\))*\)%s" % (name, ASSIGN), text):
            found.append((text.count("\n", 0, m.start()) + 1, name + "()"))
    return sorted(found)


def declared_here(text, place):
    """Is "*name =" at this place a declaration with a value, not a store?"""
    begin = max(text.rfind(sign, 0, place) for sign in ";{}(") + 1
    return re.match(r"\s*(?:static\s+)?(?:const\s+)?pte_t\b", text[begin:place]) is not None


def check_texts(paths):
    """Complaints about stores in these files."""
    for path in paths:
        with open(path) as file:
            text = file.read()
        for line, name in stores(text):
            yield "%s:%d: stores to an entry through %s; set_pte() does that, in order" % (
                path, line, name)


def assembly_of(objects, text):
    """The assembly that the build's compiler makes of a C text."""
    with open(os.path.join(objects, "flags")) as file:
        command = file.readline().split()
    result = subprocess.run(command + ["-S", "-g0", "-x", "c", "-", "-o", "-"], input=text,
                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                            universal_newlines=True)
    return result.stdout


def check_order(objects, text=PROBE):
    """A complaint if the compiled set_pte() has no release before its store."""
    made = assembly_of(objects, text)
    code = made[made.find("probe:"):]
    store = re.search(r"^\s*sd\s+\w+,\s*0\(a0\)", code, re.M)
    if store is None and not re.search(r"amo\w+\.d\.\w*rl", code):
        yield "kern/mm/pagetable.h:1: set_pte() is not what this check knows:\n" + made
    elif store is not None and not RELEASE.search(code[:store.start()]):
        yield "kern/mm/pagetable.h:1: set_pte() stores without a release before it:\n" + code


def main():
    if len(sys.argv) != 2 or not os.path.exists(os.path.join(sys.argv[1], "flags")):
        sys.exit("usage: tools/check_entries.py obj/TOOLCHAIN, with a kernel built there")
    paths = [path for path in sorted(glob.glob("kern/*/*.[ch]"))
             if not path.startswith("kern/test/")]
    errors = list(check_texts(paths)) + list(check_order(sys.argv[1]))
    return cli.tell(errors, "%d files, %d stores of page table entries that are wrong" % (
        len(paths), len(errors)))


if __name__ == "__main__":
    sys.exit(main())
