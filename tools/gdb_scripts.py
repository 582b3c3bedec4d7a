"""The scripts that debug.py gives to gdb: how a session begins, and where the run of a test stops.

START is the frame of every session. INTERACTIVE, LIVE or REPLAY is put into it as {begin}: for a
program, for a test that runs now, and for the recording of a test. PLAIN takes the place of
gdb_commands.py in a gdb without Python. The places to stop are functions of the kernel and of
user/libs, listed in FAILURES, KILLS and ENDS.

A script ends at the first command that fails, so a place whose symbol is not in the program must
not be set: for_test() leaves it out. test_debug.py runs all of them.
"""

ARCHITECTURE = "set architecture riscv:rv64"

# gdb takes a file that names no system for one of GNU/Linux. There it steps by a breakpoint behind
# the instruction, so a step over an ecall, an sret or a fault would never end. With osabi none gdb
# lets QEMU do the step, which goes into the kernel and out of it.
START = """
set confirm off
set pagination off
{architecture}
set osabi none
file {kernel}
{commands}
{add_symbols}
target remote {socket}
{begin}
set pagination on
"""
# The kernel is linked high, and runs low until paging is on. Before that the high addresses cannot
# be written, so only a hardware breakpoint, which compares addresses, can be set.
INTERACTIVE = """
hbreak kern_init
continue
delete
echo \\nThe kernel is at kern_init, with paging on: break where you like, then continue.\\n
echo User program: {program} (break main); another one: program NAME; more commands: rvlab.\\n
echo Console input, from another terminal: python3 tools/debug.py --console {console}\\n
"""
# This takes the place of gdb_commands.py in a gdb without Python.
PLAIN = """
define program
    remove-symbol-file -a 0x800000
    add-symbol-file {users}/$arg0
end
define rvlab
    echo This command needs a gdb with Python, as gdb-multiarch of Debian and Ubuntu.\\n
end
""" + "".join("define %s\n    rvlab\nend\n" % name
              for name in ("ps", "pt", "vmas", "tf", "runq", "pages", "caller"))

# Functions at which a test stops, and what is said there. Every panic begins in one of the first
# two.
FAILURES = (("panic_at", "The kernel panics."),
            ("panic_trap", "The kernel panics, for a trap."),
            ("check_failed", "A check has failed: its line on the console tells which."),
            ("__panic", "The program has found something wrong, and panics."))
KILLS = (("kill_current", "The kernel kills a program, for a fault that it cannot repair.\\n"
          "Where the test means it to, say continue."),)
ENDS = (("power_off", "The machine is about to switch off, without a panic or a failed check.\\n"
         "If the test fails all the same, make grade TEST= tells why."),)
AT_END = {"end": ENDS[0][1],
          "limit": "The recording ends here: the test has used up its time, or printed too much."}

LOOK = "echo \\n{title}\\n{text}\\n\\n\nps\ntf\nbacktrace\ncaller\n"
STOP = "hbreak {function}\ncommands\nsilent\n" + LOOK + "end\n"

LIVE = """
{failures}
{kills}
{ends}
handle SIGALRM stop print nopass
echo A stop by SIGALRM: the test has used up its limit. Then look where it is: ps, tf, backtrace.\\n
continue
"""
# The script goes to the end of the recording, and then back to the last failure. If there is none,
# and the exit status in a0 is not 0, it goes back to the last kill. The machine begins at 0x1000:
# if going back ends there, it has found nothing.
REPLAY = """
echo Going to the end of the recording, and back to what failed.\\n
thbreak power_off
continue
{failures}
define back-to-failure
    reverse-continue
    set $found = $pc >= 0x2000
    if !$found
        thbreak power_off
        continue
    end
end
back-to-failure
{kills}
if !$found && $a0 != 0
    back-to-failure
end
if !$found
    {look}
end
{ends}
echo \\nGo back: reverse-stepi, reverse-step, reverse-next, reverse-continue; forwards as always.\\n
echo To find what wrote a variable last: watch -location NAME, then reverse-continue.\\n
"""


def for_test(script, title, known, end):
    """The script LIVE or REPLAY for a test with this title. `known` are the symbols of kernel and
    program; `end` is a key of AT_END, which says how a recording ended."""
    title = title.replace("\\", "\\\\")           # echo takes a backslash for an escape

    def stops(places):
        return "".join(STOP.format(function=function, text=text, title=title)
                       for function, text in places if function in known)
    return script.format(failures=stops(FAILURES), kills=stops(KILLS), ends=stops(ENDS),
                         look=LOOK.format(title=title, text=AT_END[end]))
