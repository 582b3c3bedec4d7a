"""Which functions and variables of the kernel a student's text may use.

A text can be more than it seems: it could make the kernel's text writable, or let another allocator
do its work. All of that needs something of the kernel that the exercise does not. So what is
undefined in an object that has a student's text in it is compared with the reference's object. A
text may use what the reference's object uses, and
- what the inline functions and macros of the file's headers use,
- libs/string.c, libs/printfmt.c, cprintf(), panics, the array of pages,
- what the exercise's hint names, and the words `uses` of the exercise in tools/labs/labN.py,
- what the student's texts define themselves, if nothing else has that name: in a program a function
  of the text would take the place of the library's.

The words of the text tell which of the file's own functions and variables it uses: it may use those
that the reference's text, the hint or `uses` name. All but COMMON follows from the built reference.
An address that the text makes of a number, or of another address, is not seen.
"""
import os

from exercise.allowed import (MAY, Lists, code_of, headers_of, inline_words, symbols_of,
                              variables_of)
from exercise.regions import WORD

# Every text may use all functions of these objects, and these further names.
COMMON_OBJECTS = ("libs/string.c", "libs/printfmt.c", "kern/debug/panic.c")
COMMON = {"cprintf", "vcprintf", "pages", "npage", "pages_base"}


class Refusal(str):
    """The sentence that says why an exercise is refused whose text uses what it may not."""


def objects_below(objects):
    """{path of the source: path of the object} of the kernel and the programs that are built in a
    folder. Of libs/, which both have, it is the kernel's."""
    return {os.path.relpath(os.path.join(folder, name), top).replace(os.sep, "/")[:-2]:
            os.path.join(folder, name)
            for top in (os.path.join(objects, "uobj"), os.path.join(objects, "kobj"))
            for folder, _, names in os.walk(top) for name in names if name.endswith(".o")}


class Uses:
    """What may be used, found out from a reference that is built.

    reference  the exercise.marks.Reference; root: the tree that is built
    objects    {path of a source: path of its object}; states: {path: state_of(its object)}
    symbols    {path: (undefined names, defined names)} of each object
    globals    all names that any object of the kernel defines
    library    all names that the library of the programs defines
    common     the names that every text may use
    """

    def __init__(self, reference, root, objects):
        self.reference, self.root = reference, root
        self.objects = {path: place for path, place in objects_below(objects).items()
                        if os.path.isfile(os.path.join(root, path))}    # and not one of old times
        self.states = {path: state_of(place) for path, place in self.objects.items()}
        self.symbols = {path: symbols_of(place) for path, place in self.objects.items()}
        self.globals = self.defined_in("kern/", "libs/")
        self.library = self.defined_in("user/libs/", "libs/")
        self.common = COMMON.union(*(self.symbols[path][1] for path in COMMON_OBJECTS
                                     if path in self.symbols))
        self.headers, self.known = {}, {}

    def defined_in(self, *folders):
        """All names that the objects of these folders define."""
        return set().union(*(defined for path, (_, defined) in self.symbols.items()
                             if path.startswith(folders)))

    def around(self, path):
        """The names that a file's object can be linked with: of the kernel, or of the library."""
        return self.library if path.startswith("user/") else self.globals

    def header_words(self, path):
        """The names that the inline functions and macros of a header use."""
        if path not in self.headers:
            with open(os.path.join(self.root, path), encoding="utf-8") as file:
                self.headers[path] = (self.globals | self.library) & inline_words(file.read())
        return self.headers[path]

    def included(self, path):
        """The headers that a file is compiled with, from the .d file that the compiler wrote."""
        return {path for path in headers_of(self.objects[path])
                if os.path.isfile(os.path.join(self.root, path))}

    def allowed(self, path, exercises):
        """All names that a file with texts of these exercises may use."""
        names = set(self.symbols[path][0]) | self.common
        if path not in self.known:
            self.known[path] = set().union(*map(self.header_words, self.included(path)))
        names |= self.known[path]
        for number in exercises:
            exercise = self.reference.exercises[number]
            names |= set(exercise.uses) | set(WORD.findall(exercise.hint))
            names.update(word for region in self.reference.of(number)
                         for word in WORD.findall(code_of(region.text)))
        return names

    def lists(self, version, due):
        """The Lists that a handout has, in which these exercises are due: they tell a student's
        `tools/lab check` what each exercise may use, without a build of the reference."""
        regions = [region for region in self.reference.regions if region.exercise in due]
        headers = {region.path for region in regions if region.path.endswith(".h")}
        result = Lists(version, "", {})
        result.common = result.packed("", self.common)
        for path in sorted(self.symbols):
            here = {region.exercise for region in regions if region.path == path}
            if here or headers & self.included(path):
                base = self.allowed(path, ()) - self.common
                result.files[path] = {number: result.packed(
                    path, (self.allowed(path, [number]) & self.around(path)) - base - self.common)
                    for number in sorted(here)}
                result.files[path][""] = result.packed(path, base)
        return result

    def foreign(self, objects, texts):
        """{exercise: Refusal} of the exercises that use what they may not, in a kernel that is
        built with these texts, {(exercise, id): text}, in the reference."""
        found, owners, own = {}, self.owners(texts), set()
        changed = {path: symbols_of(place) for path, place in objects_below(objects).items()
                   if state_of(place) != self.states.get(path)}
        for path, (_, defined) in changed.items():
            own |= defined - self.around(path)
        for path, (undefined, defined) in sorted(changed.items()):
            here = owners.get(path, set())
            names = undefined - own - self.allowed(path, here) if path in self.symbols else set()
            if path.startswith("user/") and path in self.symbols:
                names |= (defined & self.library) - self.symbols[path][1]
            for name in sorted(names):
                for number in self.blamed(name, here or owners[None], texts):
                    found.setdefault(number, []).append((path, name))
        for region in self.reference.regions:
            for name in self.inside(region, texts.get(region.key, "")):
                found.setdefault(region.exercise, []).append((region.path, name))
        return {number: refusal(pairs) for number, pairs in found.items()}

    def owners(self, texts):
        """{path: the exercises that have a text in this file}; those of all headers are under
        None, for a header's text is compiled into many objects."""
        result = {None: set()}
        for region in self.reference.regions:
            if region.key in texts:
                path = None if region.path.endswith(".h") else region.path
                result.setdefault(path, set()).add(region.exercise)
        return result

    def blamed(self, name, exercises, texts):
        """The exercises among these whose texts have the name; all of them if no text shows it."""
        having = {number for number, id in texts
                  if number in exercises and name in WORD.findall(texts[number, id])}
        return sorted(having or exercises)

    def inside(self, region, text):
        """The functions and variables of its own file that a text uses and may not use."""
        if not text or region.path not in self.symbols:
            return []
        return sorted(variables_of(text) & self.symbols[region.path][1]
                      - self.allowed(region.path, [region.exercise]))


def state_of(path):
    """The time and size of a file, by which a changed one is known."""
    state = os.stat(path)
    return state.st_mtime_ns, state.st_size


def refusal(pairs):
    """The Refusal about these (path, name)."""
    path, name = pairs[0]
    more = sorted({other for _, other in pairs} - {name})
    return Refusal("%s: the text uses %s%s: not for this exercise. %s"
                   % (path, name, " (also %s)" % ", ".join(more) if more else "", MAY))
