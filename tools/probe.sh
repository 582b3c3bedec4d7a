#!/bin/sh
# Look for the tools that a build needs, and say in one line what is missing.
#
#   probe.sh toolchain NAME   write obj/NAME/config.mk, print NAME; without NAME
#                             the first toolchain that is installed
#   probe.sh toolchain NAME check   the same for a checked build, which is called NAME-check
#   probe.sh toolchain NAME race    the same for one that looks for data races, NAME-race
#   probe.sh qemu             print the name of a QEMU that is new enough
#   probe.sh disk FILE GOALS  say what is wrong with an image for `make GOALS`; if nothing is, it
#                             prints nothing
#
# The Makefile calls it when a recipe first needs a tool. The answer on stdout is one word, or a
# sentence and an exit status that is not 0: the Makefile prints that sentence and stops. Words on
# stderr are no part of the answer. config.mk has the names of the tools and the options that this
# compiler takes; it is written only if it changes, because a new one makes everything build again.
# The environment variable MAKE names make.
# It is called in the top folder of the tree.

fail()
{
    echo "$*"
    exit 1
}

. tools/have.sh

# Set the names of the tools of toolchain $1; fail if one of them is missing.
tools_of()
{
    case $1 in
    unknown-elf)
        prefix=riscv64-unknown-elf-
        have ${prefix}gcc || prefix=riscv64-elf- ;;     # its name on Arch and macOS
    linux-gnu)
        prefix=riscv64-linux-gnu- ;;
    clang)
        CC="clang --target=riscv64-unknown-elf" LD=ld.lld
        AR=llvm-ar NM=llvm-nm OBJCOPY=llvm-objcopy
        have clang $LD $AR $NM $OBJCOPY
        return ;;
    esac
    CC=${prefix}gcc LD=${prefix}ld AR=${prefix}ar NM=${prefix}nm OBJCOPY=${prefix}objcopy
    have $CC $LD $AR $NM $OBJCOPY
}

# Print the first -march option with which $CC assembles csrr and fence.i. Newer compilers want
# these extensions named, older ones do not know their names.
march()
{
    for arch in "-march=$1_zicsr_zifencei" "-march=$1" "-march=$1 -misa-spec=2.2"; do
        if printf 'csrr a0, sstatus\nfence.i\n' |
           $CC $arch -mabi=lp64 -c -x assembler -o "$dir/probe.$$.o" - >/dev/null 2>&1; then
            echo "$arch"
            return
        fi
    done
    return 1
}

# Print an option if $CC takes it without a warning.
option()
{
    $CC "$1" -Werror -S -x c -o /dev/null /dev/null >/dev/null 2>&1 && echo "$1"
}

# Print the options by which mistakes that newer compilers refuse are warnings again.
lenient()
{
    for name in implicit-function-declaration implicit-int int-conversion \
                incompatible-pointer-types return-mismatch declaration-missing-parameter-type; do
        option -Wno-error=$name
    done | paste -sd' ' -
}

# Print the lines of config.mk for a checked build: of the kernel, and of programs. Where C leaves
# undefined what comes next, the kernel calls a function of kern/check/undefined.c, and a program
# traps. Null pointers are left out: pages that nobody has mapped catch them, and programs use them
# on purpose. So are values that a bool or an enum cannot have: for `while (!stop)`, with a volatile
# bool, GCC 12 tests the first value read for ever, and the loop never ends.
checked()
{
    undefined="-fsanitize=undefined -fno-sanitize=null,bool,enum"
    trap=$(option -fsanitize-undefined-trap-on-error)
    cat <<END
CHECKED  := -DCHECK $undefined -fno-sanitize-recover=undefined
CHECKED_USER := $undefined ${trap:--fsanitize-trap=undefined}
END
}

# The same for a build that looks for data races: before each access to memory the kernel calls a
# function of kern/check/race.c. clang does not tell which accesses are volatile by these options.
raced()
{
    race="-fsanitize=thread --param=tsan-distinguish-volatile=1"
    race="$race --param=tsan-instrument-func-entry-exit=0"
    $CC $race -Werror -S -x c -o /dev/null /dev/null >/dev/null 2>&1 ||
        fail "CHECK=race needs GCC 11 or newer: TOOLCHAIN=$name has none"
    cat <<END
CHECKED  := -DCHECK -DCHECK_RACE
RACE     := $race $(option -Wno-tsan)
END
}

# Compile headers of this tree with the build's options. If that fails, print the first line that
# names an error.
complaint()
{
    said=$(MAKEFLAGS= LC_ALL=C ${MAKE:-make} -s -r -f tools/build.mk TC="${dir#obj/}" \
        CONFIG="$dir/$new" try 2>&1) && return
    echo "$said" | grep -m 1 -i error || echo "$said" | head -n 1
}

# Write config.mk for the toolchain $name into the folder $dir. It is tried under another name
# first, so that a compiler which cannot build this tree leaves no config.mk.
write_config()
{
    new=config.new.$$
    trap 'rm -f "$dir/$new" "$dir/$new.c" "$dir/probe.$$.o"' EXIT
    mkdir -p "$dir" 2>/dev/null && [ -w "$dir" ] ||
        fail "$dir cannot be written: work in a copy of this tree that is yours"
    soft=$(march rv64imac) && full=$(march rv64imafdc) ||
        fail "TOOLCHAIN=$name: $CC cannot compile for rv64gc; take another TOOLCHAIN="
    version=$($CC --version | head -n 1)
    cat >"$dir/$new" <<END
# Written by tools/probe.sh for $version
CC       := $CC
LD       := $LD
AR       := $AR
NM       := $NM
OBJCOPY  := $OBJCOPY
# The first is without floating point, the second with it.
ARCH     := $soft
ARCH_FP  := $full
# Without this option GCC may turn the loop in memset() into a call of memset().
NO_IDIOM := $(option -fno-tree-loop-distribute-patterns)
# Newer compilers refuse some mistakes that older ones warn of. With these options all of them warn,
# so that a mark does not depend on the compiler.
LENIENT  := $(lenient)
# The headers that belong to the compiler alone.
HEADERS  := $($CC -print-file-name=include)
END
    case $check in
    -check) checked >>"$dir/$new" ;;
    -race) lines=$(raced) || fail "$lines"
        echo "$lines" >>"$dir/$new" ;;
    esac
    cmp -s "$dir/$new" "$dir/config.mk" && return
    why=$(complaint)
    [ -z "$why" ] || fail "TOOLCHAIN=$name: $CC does not compile this tree: $why"
    mv "$dir/$new" "$dir/config.mk"
    echo "  TOOLCHAIN=$name, $version" >&2
}

# Print the toolchain to take: $1, or the first one that is installed; of a checked build if $2
# is check or race.
toolchain()
{
    have python3 || fail "python3 is missing: run make setup"
    python3 -c 'import sys; sys.exit(sys.version_info < (3, 8))' ||
        fail "python3 is too old, 3.8 or newer is needed: use a newer release of this system"
    case $1 in
    "")
        for name in unknown-elf linux-gnu clang ""; do
            [ -n "$name" ] || fail "no RISC-V compiler is installed: run make setup"
            tools_of $name && break
        done
        # Marks are given with the course's compiler, so a student must hear of another one.
        [ $name = unknown-elf ] ||
            echo "TOOLCHAIN=$name is taken, because unknown-elf is not installed;" \
                 "make setup installs it where this system has it" >&2 ;;
    unknown-elf | linux-gnu | clang)
        name=$1
        tools_of "$name" || fail "TOOLCHAIN=$1 is not installed: run make setup TOOLCHAIN=$1" ;;
    *)
        fail "TOOLCHAIN=$1: there are unknown-elf, linux-gnu and clang" ;;
    esac
    check=${2:+-$2}
    dir=obj/$name$check
    write_config
    echo "$name$check"
}

# Print the name of QEMU, if it is 6.2 or newer.
qemu()
{
    have qemu-system-riscv64 || fail "qemu-system-riscv64 is missing: run make setup"
    version=$(qemu-system-riscv64 --version 2>/dev/null |
              sed -n 's/.*version \([0-9]*\)\.\([0-9]*\).*/\1 \2/p')
    set -- ${version:-0 0}
    [ "$1" -gt 6 ] || [ "$1" -eq 6 -a "$2" -ge 2 ] ||
        fail "QEMU $1.$2 is too old, 6.2 or newer is needed:" \
             "use a newer release of this system"
    echo qemu-system-riscv64
}

# See that $1 can be the disk of a machine, or with the goal `disk` become one. What is in it the
# kernel looks at, and boots without it if it is none of its disks.
disk()
{
    case " $2 " in
    *" disk "*)
        [ ! -d "$1" ] || fail "this is a folder; give the name of a file, which becomes an image" ;;
    *)
        [ ! -d "$1" ] || fail "this is a folder; give a file, an image of a disk." \
            "tools/disk make FILE.img $1 makes one of what is in the folder"
        [ -e "$1" ] || fail "there is no such file; make disk DISK=$1 makes one"
        [ -f "$1" ] || [ -b "$1" ] || fail "this is no file; give an image of a disk"
        [ -r "$1" ] || fail "this file cannot be read by you: chmod u+r $1"
        [ -b "$1" ] || [ "$(wc -c <"$1")" -ge 4096 ] || fail "this file is smaller than a" \
            "block of a disk, 4 KiB; make disk DISK=$1 makes one"
        case " $2 " in
        *" qemu "* | *" run "*)
            [ -w "$1" ] || fail "this file cannot be written by you, and the machine writes" \
                "to it: chmod u+w $1, or take a copy" ;;
        esac ;;
    esac
}

case $1 in
toolchain) toolchain "$2" "$3" ;;
qemu) qemu ;;
disk) disk "$2" "$3" ;;
*) fail "usage: tools/probe.sh toolchain [NAME] | qemu | disk FILE GOALS" ;;
esac
