"""What all gdb commands of this tree are made of: their base class, and finding a process.

gdb_commands.py and gdb_storage.py import this; it runs in gdb's own Python. A command says in one
line what is wrong if its arguments, or the machine's memory, are not as they must be. Variables and
lists are read by gdb_values.py. A new command is a class below Command, with its help as docstring,
and has its place in COMMANDS of gdb_commands.py.
"""
import gdb

from gdb_values import Problem, elements, evaluate, listed, struct_at, text, variable

SUPERVISOR = 1


def cpus():
    return elements(variable("cpus"))[:int(variable("cpu_count"))]


def processes():
    return sorted(listed(variable("proc_list"), "proc_struct", "list_link"),
                  key=lambda proc: int(proc["pid"]))


def process(pid=None):
    """The process with a pid, given as text; without one, that which runs on gdb's hart."""
    if pid is None:
        task = [int(cpu["task"]) for cpu in cpus() if int(cpu["hartid"]) == evaluate("$mhartid")]
        if not task or not task[0]:
            raise Problem("no process runs yet on this hart")
        return struct_at(task[0], "proc_struct")
    for proc in processes():
        if str(int(proc["pid"])) == pid:
            return proc
    raise Problem("there is no process %s; ps lists them" % pid)


def title(proc):
    return "%s (pid %d)" % (text(proc["name"]), int(proc["pid"]))


def symbol(address, known=True):
    """function+offset, or the address if gdb has no name for it."""
    found = gdb.execute("info symbol %#x" % address, to_string=True) if known else ""
    return found.split(" in section")[0].replace(" ", "") if " in section" in found else \
        "%#x" % address


class Command(gdb.Command):
    """The base of all commands. run() gets the words after the name: `least` to `most` of them."""
    least, most = 0, 1

    def __init__(self):
        self.name = type(self).__name__.lower()
        super().__init__(self.name, gdb.COMMAND_DATA)

    def invoke(self, argument, from_tty):
        words, mode = gdb.string_to_argv(argument), None
        try:
            if not self.least <= len(words) <= self.most:
                raise Problem("usage: " + self.__doc__.split(": ")[0])
            if gdb.selected_thread() is None:
                raise Problem("there is no machine to look at: make debug starts one")
            # gdb reads with the rights of the hart, and a hart in user mode cannot read the kernel.
            mode = evaluate("$priv")
            gdb.execute("set $priv = %d" % SUPERVISOR)
            self.run(*words)
        except gdb.error as problem:
            print("%s: %s%s" % (self.name, problem, isinstance(problem, gdb.MemoryError)
                                and ": damaged, or not set up yet" or ""))
        finally:
            if mode is not None:
                gdb.execute("set $priv = %d" % mode)
