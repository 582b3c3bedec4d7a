"""make compile_commands.json: how each source file is compiled, for clangd and other tools.

    compile_commands.py OBJECTS     OBJECTS is obj/TOOLCHAIN: `flags` in it has the two commands,
                                    of the kernel and of programs, `sources` all files

A file of libs/ is compiled for both; it is listed with the kernel's command. .clangd takes away the
options that only GCC understands. Without this file clangd reads compile_flags.txt, which suffices
for reading and writing; this one has the options of the compiler that really builds.
"""
import json
import os
import sys


def entries(objects, top):
    """The entries of compile_commands.json for a tree at `top`."""
    with open(os.path.join(objects, "flags"), encoding="utf-8") as file:
        kernel, user = file.read().splitlines()[:2]
    with open(os.path.join(objects, "sources"), encoding="utf-8") as file:
        sources = sorted(set(file.read().split()))
    for path in sources:
        command = user if path.startswith("user/") else kernel
        yield {"directory": top, "file": path, "arguments": command.split() + ["-c", path]}


def main():
    top = os.getcwd()
    with open("compile_commands.json", "w", encoding="utf-8") as file:
        json.dump(list(entries(sys.argv[1], top)), file, indent=1)
        file.write("\n")


if __name__ == "__main__":
    main()
