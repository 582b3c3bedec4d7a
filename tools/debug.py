#!/usr/bin/env python3
"""Boot a machine that waits, and attach gdb to it, stopped at kern_init.

    debug.py [--prog "NAME ARGS"] [--append "BOOT ARGUMENTS"] -- QEMU ARGUMENTS...
    debug.py --console SOCKET       type to that machine, from another terminal

gdb knows the symbols of the kernel and of one user program, the one that is
started, or the shell; `program NAME` in gdb takes another. The machine prints
into this terminal, and reads what comes over the socket that is told. It ends
when gdb does.
"""
import argparse
import os
import select
import shutil
import signal
import socket as socketlib
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
{define_program}
{add_symbols}
target remote {socket}
hbreak kern_init
continue
delete
set pagination on
echo \\nThe kernel is at kern_init, with paging on: break where you like, then continue.\\n
echo User program: {program} (break main); another one: program NAME.\\n
echo Console input, from another terminal: python3 tools/debug.py --console {console}\\n
"""

# The command of gdb that takes another program's symbols; some gdbs have no Python.
PROGRAM_PYTHON = """
python
import os
class Program(gdb.Command):
    "Take the symbols of the user program of that name: program NAME."
    def __init__(self):
        super().__init__("program", gdb.COMMAND_FILES)
    def invoke(self, name, from_tty):
        path = os.path.join("{users}", name.strip())
        if not os.path.isfile(path):
            print("there is no program %s; there are %s"
                  % (name or "of that name", " ".join(sorted(os.listdir("{users}")))))
            return
        try:
            gdb.execute("remove-symbol-file -a 0x800000", to_string=True)
        except gdb.error:
            pass                    # none was loaded
        gdb.execute("add-symbol-file " + path)
Program()
end
"""
PROGRAM_PLAIN = """
define program
    remove-symbol-file -a 0x800000
    add-symbol-file {users}/$arg0
end
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


def has_python(gdb):
    return subprocess.run([gdb, "-nx", "-batch", "-ex", "python print(1)"],
                          stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                          stderr=subprocess.DEVNULL).returncode == 0


def console(path):
    """Copy between this terminal and a machine's console until either ends."""
    link = socketlib.socket(socketlib.AF_UNIX)
    try:
        link.connect(path)
        while True:
            ready = select.select([link, sys.stdin], [], [])[0]
            data = link.recv(4096) if link in ready else os.read(sys.stdin.fileno(), 4096)
            if not data:
                return 0
            if link in ready:
                os.write(sys.stdout.fileno(), data)
            else:
                link.sendall(data)
    except KeyboardInterrupt:
        return 0
    except OSError as error:
        sys.exit("debug: no machine at %s: %s" % (path, error.strerror))


def arguments():
    parser = argparse.ArgumentParser(description="Boot under gdb.")
    parser.add_argument("--prog", default="")
    parser.add_argument("--append", default="")
    parser.add_argument("--console")
    parser.add_argument("machine", nargs="*")
    options = parser.parse_args()
    if options.console:
        sys.exit(console(options.console))
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
            define_program=(PROGRAM_PYTHON if has_python(gdb) else PROGRAM_PLAIN).format(
                users=options.users),
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
