"""`tools/lab erratum OLD NEW`: a handout that is out was mended, and students get the difference.

OLD and NEW are two handouts of the same lab or assignment, made before and after. What comes out is
a small patch for trees in which students work (mend.py puts it in), and a line in the file ERRATA,
of those trees and of this one, so that later handouts have it too. A change of what a region asks
of its student, its contract, is refused, if the teacher does not say that it is one: this is its
exercise, id, form and file, its hint, and the function or table around it, with the comment before.

Hand-ins of both versions are graded by the same tree: see earlier.py.
"""
import difflib
import os
import re

from exercise import handin, incoming, manifest, mend, regions
from exercise.handout import BOOK, VERSIONED, files_below
from exercise.regions import RegionError

CONTEXT = 3
END_OF_BLOCK = re.compile(r"^[}#]")


class ErratumError(ValueError):
    """No erratum can be made of these trees; the text is for the teacher."""


def contracts(root, about):
    """{(exercise, id): all that a region asks of its student}."""
    found = {}
    for path in sorted({region.path for region in about.regions}):
        text = regions.read(root, path)
        inside = regions.parse(text, path)
        lines, hidden = text.split("\n"), mend.inner(text.split("\n"))
        for region in inside:
            first, last = region.first - 2, region.last
            while first > 0 and not END_OF_BLOCK.match(lines[first - 1]):
                first -= 1
            while last < len(lines) and not lines[last].startswith("}"):
                last += 1
            around = [line for line, is_inner in zip(lines[first:last + 1], hidden[first:last + 1])
                      if not is_inner]
            found[region.key] = region.form, path, region.text, around
    return {region.key: found.get(region.key) for region in about.regions}


def changed_contracts(old, new, before, after):
    """{exercise: a sentence} for each exercise with a region whose contract has changed."""
    first, second = contracts(old, before), contracts(new, after)
    result = {}
    for key in sorted(set(first) | set(second)):
        one, other = first.get(key), second.get(key)
        if one == other:
            continue
        what = "is new" if one is None else "is gone" if other is None else next(
            word for word, a, b in zip(("has another form", "is in another file",
                                        "says something else to its student",
                                        "has other code or another comment around it"), one, other)
            if a != b)
        result.setdefault(key[0], "the region %s of exercise %s %s" % (key[1], key[0], what))
    return result


def text_of(root, path):
    """The lines of a file of a handout; none if it is not there."""
    try:
        return incoming.sure_text_of(incoming.file_data(
            os.path.join(root, path), mend.MAX_PATCH)).split("\n")
    except FileNotFoundError:
        return []
    except incoming.BadValue as error:
        raise ErratumError("%s: %s" % (os.path.join(root, path), error)) from None


def hunks(old, new, context):
    """The lines of all hunks. No line of a region that a student writes in is a part of one: a
    context ends before it."""
    hidden_old, hidden_new = mend.inner(old), mend.inner(new)
    matcher = difflib.SequenceMatcher(None, old, new, autojunk=False)
    for group in matcher.get_grouped_opcodes(context):
        tag, i1, i2, j1, j2 = group[0]
        if tag == "equal":
            while i1 < i2 and any(hidden_old[i1:i2]):
                i1, j1 = i1 + 1, j1 + 1
            group[0] = tag, i1, i2, j1, j2
        tag, i1, i2, j1, j2 = group[-1]
        if tag == "equal":
            while i1 < i2 and any(hidden_old[i1:i2]):
                i2, j2 = i2 - 1, j2 - 1
            group[-1] = tag, i1, i2, j1, j2
        first, last = group[0], group[-1]
        if any(hidden_old[first[1]:last[2]]) or any(hidden_new[first[3]:last[4]]):
            yield from apart(group, old, new, hidden_old, hidden_new)
        else:
            yield from one_hunk(group, old, new)


def apart(group, old, new, hidden_old, hidden_new):
    """The hunks of a group in which there is a region: one for each change, whose context ends at
    the region. A change in a region is left out: it is told in ERRATA, and students wrote there."""
    for tag, i1, i2, j1, j2 in group:
        if tag == "equal" or any(hidden_old[i1:i2]) or any(hidden_new[j1:j2]):
            continue
        before = after = 0
        while before < CONTEXT and i1 - before > 0 and not hidden_old[i1 - before - 1] \
                and old[i1 - before - 1:i1] == new[j1 - before - 1:j1]:
            before += 1
        while after < CONTEXT and i2 + after < len(old) and not hidden_old[i2 + after] \
                and old[i2:i2 + after + 1] == new[j2:j2 + after + 1]:
            after += 1
        yield from one_hunk([("equal", i1 - before, i1, j1 - before, j1), (tag, i1, i2, j1, j2),
                             ("equal", i2, i2 + after, j2, j2 + after)], old, new)


def one_hunk(group, old, new):
    """The lines of a hunk."""
    i1, i2, j1, j2 = group[0][1], group[-1][2], group[0][3], group[-1][4]
    yield "@@ -%d,%d +%d,%d @@" % (i1 + 1, i2 - i1, j1 + 1, j2 - j1)
    for tag, a1, a2, b1, b2 in group:
        yield from ((" " if tag == "equal" else "-") + line for line in old[a1:a2])
        if tag != "equal":
            yield from ("+" + line for line in new[b1:b2])


def patch_of(old, new, line):
    """(the text of the patch, the paths in it); `line` is the new one of ERRATA."""
    paths = sorted({path for root in (old, new) for _, path in files_below(root)} | {mend.ERRATA})
    result, names = [], []
    for path in paths:
        first, second = text_of(old, path), text_of(new, path)
        if path == mend.ERRATA:
            second = (first or [""])[:-1] + [line, ""]
        if first == second or path.startswith(BOOK + "/"):
            continue
        found = list(hunks(first[:-1], second[:-1], 1 if path == manifest.NAME else CONTEXT))
        if found:
            result += ["--- " + ("a/" + path if first else mend.NONE),
                       "+++ " + ("b/" + path if second else mend.NONE)] + found
            names.append(path)
    return "\n".join(result + [""]), names


def run(root, options):
    """Make an erratum, and print what is in it."""
    old, new = options.old, options.new
    before, after = (manifest.load(each) if os.path.isdir(each) else None for each in (old, new))
    for about, path in ((before, old), (after, new)):
        if about is None:
            raise ErratumError("%s is no handout in a folder" % path)
    if (before.name, before.lab, before.blank) != (after.name, after.lab, after.blank):
        raise ErratumError("%s and %s are handouts of different labs or assignments" % (old, new))
    try:
        changed = changed_contracts(old, new, before, after)
    except RegionError as error:
        raise ErratumError(error) from None
    said = options.changes.replace(",", " ").split()
    silent = [words for number, words in changed.items() if number not in said]
    if silent:
        raise ErratumError("%s: what a student must write changes. If it has to: --changes %s, and "
                           "ERRATA says so" % ("; ".join(silent), ",".join(changed)))
    wrong = sorted(set(said) - set(changed))
    if wrong:
        raise ErratumError("--changes %s: nothing of that exercise changes" % wrong[0])
    line = "%s, mended as %s: %s%s" % (before.version, after.version, handin.plain(options.why),
                                       "; it changes what is asked in " + ", ".join(said)
                                       if said else "")
    text, names = patch_of(old, new, line)
    if not [name for name in names if name not in (mend.ERRATA, manifest.NAME)]:
        raise ErratumError("nothing outside of the regions differs in %s and %s" % (old, new))
    handin.write(options.output, text)
    own = os.path.join(root, mend.ERRATA)
    written = text_of(root, mend.ERRATA)
    if line not in written:
        handin.write(own, "\n".join((written or [""])[:-1] + [line, ""]))
    print("%s: for trees of version %s; students run tools/lab mend %s" % (
        options.output, before.version, os.path.basename(options.output)))
    for name in names:
        print("  " + name)
    print("%s: %s" % (mend.ERRATA, line))
    if before.version == after.version and any(name.startswith(VERSIONED) for name in names):
        print("note: %s has the version of %s, so it was not made from a mended tree: mend this "
              "tree, which grades and makes the next handout, and begin again" % (new, old))
    return 0
