#!/bin/bash
# Install what building and running needs, on Debian and Ubuntu; elsewhere say what to install.
#
#   setup.sh [TOOLCHAIN]    the tools for one toolchain; without a name for unknown-elf,
#                           or, if this system has no package of that, for another
#   setup.sh --all          all three toolchains, and what the tests of the tools need
#
# With TEACHER=1 in the environment also what grading hand-ins of others needs: a sandbox, and a
# program that compares texts; with BOOK=1 what `make book` needs.
#
# make setup calls it. It installs by apt-get, as root or by sudo, and only what is missing. In the
# end it asks probe.sh whether a build would work now. If something is still missing it says what in
# one line, with what to do, and exits with 1. It never tells the user to run `make setup`.
set -u
cd "$(dirname "$0")/.." || exit 1
. tools/have.sh

fail()
{
    echo "setup: $*" >&2
    exit 1
}

# Add to `missing` what toolchain $1 needs.
want_toolchain()
{
    case $1 in
    unknown-elf)
        have riscv64-unknown-elf-gcc || have riscv64-elf-gcc ||
            missing+=(gcc-riscv64-unknown-elf) ;;
    linux-gnu)
        have riscv64-linux-gnu-gcc || missing+=(gcc-riscv64-linux-gnu) ;;
    clang)
        have clang || missing+=(clang)
        have ld.lld || missing+=(lld)
        have llvm-ar llvm-nm llvm-objcopy || missing+=(llvm) ;;
    *)
        fail "there is no toolchain $1: take unknown-elf, linux-gnu or clang" ;;
    esac
}

# The firmware comes with QEMU, or in a package that QEMU only recommends. So this looks for the
# file that QEMU loads, and not for a package.
firmware=opensbi-riscv64-generic-fw_dynamic.bin
firmware_folders()
{
    qemu-system-riscv64 -L help 2>/dev/null
}

have_firmware()
{
    local folder
    while read -r folder; do
        [ -s "$folder/$firmware" ] && return
    done < <(firmware_folders)
    return 1
}

# Print the toolchain that a build takes by itself, if there is any.
any_toolchain()
{
    tools/probe.sh toolchain 2>/dev/null
}

# Does gdb know RISC-V? What it says of that differs from gdb to gdb. But a script ends at a command
# that fails, so the word after it is printed only if gdb knows it.
gdb_knows_riscv()
{
    local script said
    script=$(mktemp) || return 1
    printf 'set architecture riscv:rv64\necho rvlab-yes\\n\n' >"$script"
    said=$(gdb -nx -batch -x "$script" 2>/dev/null </dev/null)
    rm -f "$script"
    [[ $said == *rvlab-yes* ]]
}

# Fill the array `missing` with the names of the Debian packages that are needed for $1.
look()
{
    missing=()
    have make || missing+=(make)
    have python3 || missing+=(python3)
    have gdb-multiarch || have riscv64-unknown-elf-gdb || have riscv64-elf-gdb ||
        { ! have apt-get && have gdb && gdb_knows_riscv; } ||
        missing+=(gdb-multiarch)
    have qemu-system-riscv64 || missing+=("$qemu_package")
    have_firmware || missing+=(opensbi)
    if [ -n "${TEACHER:-}" ] || [ "$1" = --all ]; then
        have bwrap || missing+=(bubblewrap)
        have sim_c || ! have apt-get || missing+=(similarity-tester)
    fi
    [ -z "${BOOK:-}" ] || have pandoc || missing+=(pandoc)
    case $1 in
    --all)
        want_toolchain unknown-elf
        want_toolchain linux-gnu
        want_toolchain clang
        have clangd || missing+=(clangd)
        have cppcheck || missing+=(cppcheck)
        have gcc || missing+=(gcc libc6-dev) ;;
    "")
        [ -n "$any_will_do" ] && any_toolchain >/dev/null || want_toolchain unknown-elf ;;
    *)
        want_toolchain "$1" ;;
    esac
}

# Run a command as root, if need be by sudo.
as_root()
{
    if [ "$(id -u)" = 0 ]; then
        "$@"
    elif have sudo; then
        sudo "$@"
    else
        fail "not root, and there is no sudo; as root run: apt-get install ${missing[*]}" \
             "$(or_else)"
    fi
}

# Run apt-get without questions. It waits for another apt-get that runs.
apt()
{
    as_root env DEBIAN_FRONTEND=noninteractive \
        apt-get -q -o DPkg::Lock::Timeout=300 "$@" </dev/null
}

# If only the course's compiler is missing, print what can be done without it.
or_else()
{
    local other
    [ "${missing[*]}" = gcc-riscv64-unknown-elf ] && other=$(any_toolchain) &&
        echo "(or take TOOLCHAIN=$other, which is here)"
}

# Nobody asked for a toolchain, and this system has no package of the course's one: any other one
# will do, and if there is none, linux-gnu is installed.
without_unknown_elf()
{
    any_will_do=1
    look ""
    missing=("${missing[@]/gcc-riscv64-unknown-elf/gcc-riscv64-linux-gnu}")
}

# Install what is missing. $1 is the toolchain that was asked for, or "".
install()
{
    echo "setup: installing ${missing[*]}"
    apt update || fail "apt-get update does not succeed; see above $(or_else)"
    if [ -z "$1" ] && ! apt-cache show gcc-riscv64-unknown-elf >/dev/null 2>&1; then
        without_unknown_elf
    fi
    # From Debian 13 on, QEMU for RISC-V is a package of its own.
    if apt-cache show qemu-system-riscv >/dev/null 2>&1; then
        missing=("${missing[@]/qemu-system-misc/qemu-system-riscv}")
    fi
    [ ${#missing[@]} -eq 0 ] || apt install -y --no-install-recommends "${missing[@]}" ||
        fail "apt-get cannot install ${missing[*]}; see above"
}

# There is no apt-get: say what to run instead, and give up.
advise()
{
    local system
    system=$(uname -s)
    [ -r /etc/os-release ] && system=$(. /etc/os-release && echo "$ID ${ID_LIKE:-}")
    case $system in
    *fedora*)
        fail "run: sudo dnf install gcc-riscv64-linux-gnu qemu-system-riscv gdb python3 make" ;;
    *arch*)
        fail "run: sudo pacman -S riscv64-elf-gcc riscv64-elf-gdb qemu-system-riscv" \
             "qemu-system-riscv-firmware python make" ;;
    Darwin)
        fail "run: brew install riscv64-elf-gcc riscv64-elf-gdb qemu python make" ;;
    *)
        fail "install these, as this system calls them: ${missing[*]}" ;;
    esac
}

# apt-get has installed everything, and something is still missing: say why, and give up.
still_missing()
{
    if have qemu-system-riscv64 && ! have_firmware; then
        fail "$firmware is in none of QEMU's folders ($(firmware_folders | paste -sd' ')):" \
             "install again the packages that bring it: opensbi, qemu-system-data"
    fi
    fail "still missing after the installation: ${missing[*]}"
}

[ $# -le 1 ] || fail "usage: tools/setup.sh [--all | TOOLCHAIN]"
qemu_package=qemu-system-misc
# Only Debian and Ubuntu can be asked for packages. Elsewhere any toolchain will do.
any_will_do=$(have apt-get || echo 1)
look "${1:-}"
if [ ${#missing[@]} -gt 0 ]; then
    have apt-get || advise
    install "${1:-}"
    hash -r
    look "${1:-}"
    [ ${#missing[@]} -eq 0 ] || still_missing
fi
toolchain=${1:-}
taken=$(tools/probe.sh toolchain "${toolchain#--all}" 2>/dev/null) || fail "$taken"
reason=$(tools/probe.sh qemu) || fail "$reason"
echo "setup: all tools are there; TOOLCHAIN=$taken"
