"""Reading the kernel's variables inside of gdb: by name, by address, along lists.

gdb_commands.py imports this; it runs in gdb's own Python. All values are gdb.Value. Types and
members are looked up in the kernel's own debug information. A program may have variables and types
of the same names, so variables are those of the object file that has `initproc`. What is damaged,
or not there, is a Problem: one sentence for the user.
"""
import gdb


class Problem(gdb.error):
    """Memory is damaged, or what was asked for is not there; the text is one sentence."""


def kernel_file():
    for objfile in gdb.objfiles():
        if objfile.lookup_global_symbol("initproc"):
            return objfile
    raise Problem("gdb does not know the kernel: say `file obj/unknown-elf/kernel`")


def variable(name, file=None):
    """A variable of the kernel, even if a program has one with the same name; a static one of this
    source, if a file is named."""
    if file is not None:
        return gdb.parse_and_eval("'%s'::%s" % (file, name))
    symbol = kernel_file().lookup_global_symbol(name) or kernel_file().lookup_static_symbol(name)
    if symbol is None:
        raise Problem("this kernel has no variable %s" % name)
    return symbol.value()


def evaluate(expression):
    """The value of an expression as an unsigned number; of a function or array its address."""
    value = gdb.parse_and_eval(expression)
    if value.type.strip_typedefs().code in (gdb.TYPE_CODE_FUNC, gdb.TYPE_CODE_ARRAY):
        value = value.address
    return int(value) & (1 << 64) - 1


def kva(physical):
    """The kernel's address of physical memory."""
    return physical + evaluate("&KERNEL_OFFSET")


def text(value):
    """The text in a char array, or behind a char pointer."""
    return value.string("latin-1", length=32).split("\0")[0]


def struct_at(address, kind):
    return gdb.Value(address).cast(gdb.lookup_type("struct " + kind).pointer()).dereference()


def to_struct(address, kind, member):
    """The struct around a member at this address, as to_struct() in libs/defs.h."""
    return struct_at(address - gdb.lookup_type("struct " + kind)[member].bitpos // 8, kind)


def words_at(address, count=512):
    kind = gdb.lookup_type("unsigned long").array(count - 1)
    return elements(gdb.Value(address).cast(kind.pointer()).dereference())


def elements(array):
    return [array[i] for i in range(array.type.range()[1] + 1)]


def listed(head, kind, member):
    """All structs in a list."""
    seen, at = {0}, int(head["next"])
    while at != int(head.address):
        if at in seen:
            raise Problem("the list at %#x is damaged, or not set up yet" % int(head.address))
        seen.add(at)
        yield to_struct(at, kind, member)
        at = int(struct_at(at, "list_entry")["next"])
