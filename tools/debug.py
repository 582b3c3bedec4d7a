#!/usr/bin/env python3
"""Boot a machine that waits, and attach gdb to it, stopped at kern_init.

    debug.py [--prog "NAME ARGS"] [--append "BOOT ARGUMENTS"] -- QEMU ARGUMENTS...

gdb knows the symbols of the kernel and of one user program, the one that is
started, or the shell; `program NAME` in gdb takes another. The machine prints
into this terminal, and reads what comes over the socket that is told. It ends
when gdb does.
"""
import argparse
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time

GDBS = ("gdb-multiarch", "riscv64-unknown-elf-gdb", "riscv64-elf-gdb", "gdb")
ARCHITECTURE = "set architecture riscv:rv64"

# The kernel is linked high, and runs low until paging is on: only a hardware
# breakpoint, which compares addresses, can be set before that.
SCRIPT = """
set confirm off
set pagination off
{architecture}
file {kernel}
define program
    remove-symbol-file -a 0x800000
    add-symbol-file {users}/$arg0
end
document program
Take the symbols of the user program of that name.
end
{add_symbols}
target remote {socket}
hbreak kern_init
continue
delete
set pagination on
echo \\nThe kernel is at kern_init, with paging on: break where you like, then continue.\\n
echo User program: {program} (break main); another one: program NAME.\\n
echo Console input, from another terminal: nc -U {console}\\n
"""


class Terminated(Exception):
    """Somebody wants an end."""


def find_gdb():
    for name in GDBS:
        if shutil.which(name):
            result = subprocess.run([name, "-nx", "-batch", "-ex", ARCHITECTURE],
                                    stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                    stderr=subprocess.STDOUT, universal_newlines=True)
            if result.returncode == 0 and "Undefined item" not in result.stdout:
                return name
    sys.exit("debug: no gdb for RISC-V: run make setup")


def arguments():
    parser = argparse.ArgumentParser(description="Boot under gdb.")
    parser.add_argument("--prog", default="")
    parser.add_argument("--append", default="")
    parser.add_argument("machine", nargs="+")
    options = parser.parse_args()
    options.kernel = options.machine[options.machine.index("-kernel") + 1]
    options.users = os.path.join(os.path.dirname(options.kernel), "user")
    words = options.prog.split()
    options.program = words[0] if words else "sh"
    if words and not os.path.exists(os.path.join(options.users, words[0])):
        sys.exit("debug: there is no program %s; user/ has the programs" % words[0])
    return options


def start_machine(options, folder):
    """QEMU, stopped before its first instruction, with a socket for gdb and one for input."""
    append = options.append + (" init=" + options.prog if options.prog else "")
    socket, console = os.path.join(folder, "gdb"), os.path.join(folder, "console")
    command = options.machine + [
        "-append", append.strip(), "-display", "none", "-monitor", "none", "-S",
        "-chardev", "socket,id=console,path=%s,server=on,wait=off,logfile=/dev/stdout" % console,
        "-serial", "chardev:console",
        "-chardev", "socket,id=gdb,path=%s,server=on,wait=off" % socket, "-gdb", "chardev:gdb"]
    # A session of its own: ctrl-C is for gdb.
    machine = subprocess.Popen(command, stdin=subprocess.DEVNULL, start_new_session=True)
    while not os.path.exists(socket):
        if machine.poll() is not None:
            sys.exit("debug: QEMU does not start; see above")
        time.sleep(0.02)
    return machine, socket, console


def run_gdb(gdb, options, socket, console, folder):
    symbols = os.path.join(options.users, options.program)
    script = os.path.join(folder, "start.gdb")
    with open(script, "w") as file:
        file.write(SCRIPT.format(
            architecture=ARCHITECTURE, kernel=options.kernel, users=options.users,
            program=options.program, socket=socket, console=console,
            add_symbols="add-symbol-file " + symbols if os.path.exists(symbols) else ""))
    return subprocess.call([gdb, "-q", "-x", script])


def terminate(number, frame):
    raise Terminated()


def debug(options):
    gdb = find_gdb()
    terminal = None
    if sys.stdin.isatty():
        import termios
        terminal = termios.tcgetattr(sys.stdin)
    # Not ignored, for gdb would inherit that: ctrl-C is not for this process.
    signal.signal(signal.SIGINT, lambda number, frame: None)
    signal.signal(signal.SIGTERM, terminate)
    signal.signal(signal.SIGHUP, terminate)
    folder = tempfile.mkdtemp(prefix="rvlab-")
    machine = None
    try:
        machine, socket, console = start_machine(options, folder)
        return run_gdb(gdb, options, socket, console, folder)
    except Terminated:
        return 1
    finally:
        if machine:
            machine.kill()
            machine.wait()
        shutil.rmtree(folder, ignore_errors=True)
        if terminal:
            termios.tcsetattr(sys.stdin, termios.TCSADRAIN, terminal)


if __name__ == "__main__":
    sys.exit(debug(arguments()))
