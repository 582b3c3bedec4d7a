## rvlab: a RISC-V teaching kernel.
##
##   make setup          install the tools that are missing; with TEACHER=1 also what grades the
##                       work of others in a sandbox, with BOOK=1 what make book needs
##   make                build the kernel with all user programs in it
##   make qemu           boot to the shell, with the disk obj/disk.img, which keeps what is
##                       written; leave with Ctrl-A x. Without a disk while 8.1, 8.2 or 8.5
##                       is blank. If the kernel stops itself, it says why at the end
##   make disk           make this disk new: what was written is lost
##   make run PROG=...   boot without a terminal, run one program, power off;
##                       succeeds only if the program does: PROG="forktest"; a program
##                       that reads the console finds its end, ctrl-D. Its disk is a new one
##                       each time, as that of make debug
##   make debug          boot under gdb, with the symbols of the kernel and of PROG=;
##                       with TEST=name stop where that test fails
##   make replay TEST=name   record that test once, then run it in gdb, also backwards;
##                       SEED=7 takes the boot with chaos=7, also for make debug
##   make trace TEST=name    a timeline of that test's run, or of PROG=: what each hart and each
##                       process did, as obj/trace/NAME.svg, and NAME.json for ui.perfetto.dev.
##                       A program has one hart if SMP= says nothing else; SEED= as above;
##                       TRACE="--help" tells more
##   make map TEST=name AT=cow:2    an address space before and after that: a fork, cow, fault,
##                       exec or exit, here the second one; areas, page tables, rights, who
##                       shares frames: as text, and as a picture in obj/trace. Or of PROG=
##   make gdbserver      start a machine that waits for a debugger at 127.0.0.1:PORT, with
##                       PROG= or TEST=; with REPLAY=1 it is the recorded run of TEST=
##   make compile_commands.json   tell clangd and other tools the options of this compiler
##   make grade          build, run the tests of all labs, show the marks; of some only with
##                       LAB=5, EX=5.3, TEST="hello fork*", or of one task: TASK=5.T; -j N
##                       runs N harts at once; GRADE="--help" tells more
##   make handin         in a handout: write the file to hand in; HANDIN="--name A --email E"
##   make test           make grade, the kernel's other tests, and the tests of the tools
##   make test-systems   make test on newer systems of Debian, in roots made by debootstrap;
##                       it needs root and an hour: SYSTEMS="--help" tells more
##   make bench          measure what the kernel's operations cost, and what they may cost;
##                       BENCH="--json" prints JSON, --check makes a missed bound a
##                       failure, --no-host leaves out what depends on this host; with
##                       GROW=1 how costs grow with what there is, BENCH="pages" one of them
##   make profile PROG=...   count the instructions that each function runs while the
##                       program does; PROFILE="--boot" counts the boot, --top 99
##                       shows more: tools/profile.py has the rest
##   make races          plant races that people write, one by one, and look which boots find
##                       them: with chaos, and without; RACES="--help" tells more
##   make fuzz           random system calls on many kinds of machines: 2,000,000, in some
##                       minutes; FUZZ="--seed 7" one boot, "--forever" until one fails;
##                       FUZZ="--help" tells more
##   make hosted         the kernel's parsers on this host, under sanitizers: docs/hosted.md
##   make book           the labs and docs/ as pages for a browser, obj/book/index.html, which
##                       need no network and no server, and as an EPUB; needs pandoc
##   make clean          remove obj/
##   make help           print this
##
## Knobs, with the values that they have if they are not given:
##   SMP=2               harts, 1 to 8
##   MEM=128M            memory, 16M to 64G
##   DISK=               an image of a disk for the machine, which keeps what is written;
##                       none: no disk. make disk DISK=my.img makes one. With make debug a
##                       copy is written to; for make profile it is a disk in memory, of
##                       less than half of it
##   APPEND=             boot arguments of the kernel, as in "init=hello pmm=first_fit"
##   TOOLCHAIN=          unknown-elf, linux-gnu or clang; the first one that is installed
##   WERROR=             1: the compiler's warnings are errors
##   CHECK=              1: a kernel that looks for mistakes of memory, locks, lists and C while
##                       it runs, and tells them in words; slower. race: one that looks for
##                       data races in place of mistakes of C, and tells both call stacks
##   PORT=1234           the port of make gdbserver
##   GRADE=, HANDIN=, UNITTEST=, BENCH=, PROFILE=, SYSTEMS=, RACES=, FUZZ=, TRACE=   options for
##                       these targets; TRACE= also for make map
##   V=                  1: show the commands
##
## The rules that compile and link are in tools/build.mk.

SMP ?= 2
MEM ?= 128M
DISK ?=
APPEND ?=
TOOLCHAIN ?=
WERROR ?=
CHECK ?=
V ?=
PROG ?=
TEST ?=
PORT ?= 1234
REPLAY ?=
SEED ?=
LAB ?=
EX ?=
TASK ?=
GRADE ?=
HANDIN ?=
UNITTEST ?=
BENCH ?=
GROW ?=
PROFILE ?=
SYSTEMS ?=
RACES ?=
FUZZ ?=
TRACE ?=
AT ?=
TEACHER ?=
BOOK ?=

# Quote a text so that it is one word of the shell, whatever is in it.
quote = '$(subst ','\'',$(1))'

# git on Windows may end lines with CR LF. make takes that, but a script fails before its first
# line could say why. So it is said here.
$(if $(shell grep -l "$$(printf '\r')" Makefile grade.sh tools/lab tools/*.sh 2>/dev/null),\
    $(error the lines of this tree end with CR LF, and its scripts cannot run: clone it again by \
    git clone -c core.autocrlf=false, or mend it by \
    find . -name .git -prune -o -type f -exec sed -i 's/\r$$//' {} +))

# A wrong knob is an error before anything is done.
given   := $(foreach v,$(.VARIABLES),$(if $(filter command,$(origin $v)),$v))
unknown := $(filter-out SMP MEM DISK APPEND TOOLCHAIN WERROR CHECK V PROG TEST PORT REPLAY SEED \
    LAB EX TASK GRADE HANDIN UNITTEST BENCH GROW PROFILE SYSTEMS RACES FUZZ TRACE AT TEACHER \
    BOOK,$(given))
$(if $(unknown),$(error there is no knob $(firstword $(unknown))=: see make help))
$(if $(filter-out 1 2 3 4 5 6 7 8,$(or $(SMP),none))$(word 2,$(SMP)),\
    $(error SMP=$(SMP): give a number of harts from 1 to 8, as in SMP=4))
$(if $(shell echo $(call quote,$(MEM)) | \
    grep -E '^([1-9]|[1-5][0-9]|6[0-4])G$$|^(1[6-9]|[2-9][0-9]|[1-9][0-9]{2,4})M$$'),,\
    $(error MEM=$(MEM): give a size from 16M to 64G, as in 96M or 4G))
no_image := $(if $(filter-out none,$(DISK)),$(shell \
    tools/probe.sh disk $(call quote,$(DISK)) $(call quote,$(MAKECMDGOALS))))
$(if $(no_image),$(error DISK=$(DISK): $(no_image)))
$(if $(filter-out 0 1,$(WERROR) $(V) $(REPLAY)),$(error WERROR=, V= and REPLAY= are 0 or 1))
$(if $(filter-out 0 1 race,$(CHECK)),$(error CHECK=$(CHECK): it is 0, 1 or race))

# The tools are looked for when a recipe first needs them, and not when this file is read, because
# `make setup qemu` installs them in between. probe.sh prints one word, or a sentence that says what
# is wrong; `found` makes an error of a sentence.
probe = $(shell MAKE=$(call quote,$(MAKE)) tools/probe.sh $(1))
found = $(if $(word 2,$(1)),$(error $(1)),$(or $(1),$(error tools/probe.sh gives no answer)))
TC    = $(eval TC := $(call found,$(call probe,toolchain $(call quote,$(TOOLCHAIN)) \
    $(if $(filter race,$(CHECK)),race,$(if $(filter 1,$(CHECK)),check)))))$(TC)
EMU   = $(eval EMU := $(call found,$(call probe,qemu)))$(EMU)

machine = $(EMU) -machine virt -bios default -nic none -m $(MEM) -smp $(SMP) \
    -kernel obj/$(TC)/kernel

# Its disk: the image that DISK= names, or else that in $(1), with the options in $(2). A comma in a
# name is doubled for QEMU. A handout without tools/disk has no disk. Nor has a kernel in which 8.1,
# 8.2 or 8.5 is blank, which cannot run the programs of a disk, if DISK= names none. The kernel that
# a handout of lab 0 brings has nothing blank.
comma := ,
unread  = $(if $(DISK)$(wildcard tools/given/kernel),,$(shell \
    grep -ls 'not_written."8\.[125]"' kern/fs/*.c kern/process/*.c))
no_disk = $(filter none,$(DISK))$(if $(DISK)$(wildcard tools/disk),,none)$(if $(unread),none)
drive   = $(if $(no_disk),,-device virtio-blk-device,drive=disk -drive \
    id=disk,if=none,format=raw$(if $(DISK),,$(2)),file=$(call quote,$(commas)))
commas  = $(subst $(comma),$(comma)$(comma),$(or $(DISK),$(1)))
jobs    = $(if $(filter -j% --jobserver%,$(MAKEFLAGS)),,-j$(shell getconf _NPROCESSORS_ONLN))

.NOTPARALLEL:
.PHONY: all build new_disk disk setup qemu ended_machine run debug replay trace map gdbserver \
    compile_commands.json grade handin test unittest test-systems bench profile races fuzz hosted \
    book clean help

all: build

# An arrow between folders that points up is told before anything is compiled. A handout has no
# checks: there the regions cannot make one.
build:
	@[ ! -f tools/check_layers.py ] || python3 tools/check_layers.py
	@$(MAKE) -r --no-print-directory $(jobs) -f tools/build.mk TC=$(TC)

new = $(call quote,$(or $(DISK),obj/disk.img)$(1))
make_disk = $(MAKE) -r --no-print-directory -f tools/build.mk TC=$(TC) new_disk

# The disk of a new machine; run and debug write to a copy of it.
new_disk: build
	$(if $(DISK)$(no_disk),,@$(make_disk))

disk: build
	$(if $(wildcard tools/disk),,$(error this handout has no disk))
	$(if $(filter none,$(DISK)),$(error make disk makes a disk: DISK= is a file))
	@$(make_disk)
	@cp obj/$(TC)-disk.img $(call new,.new) && mv $(call new,.new) $(call new)

# The grader builds by itself, because it grades the exercises that do compile if others do not.
grader = python3 tools/grade.py --objects obj/$(TC) --qemu $(EMU) --build \
    "$(MAKE) -r -f tools/build.mk TC=$(TC) WERROR=$(WERROR) -j$(shell getconf _NPROCESSORS_ONLN)" \
    $(filter -j%,$(MAKEFLAGS))

setup:
	@tools/setup.sh $(call quote,$(TOOLCHAIN))

# Why a machine has ended is make's own error, so that it is the last line: tools/ended.sh tells.
qemu: ended_machine
	$(with_reason)

ended       = obj/$(TC)/ended
with_reason = $(call fail_by,$(shell cat $(ended) 2>/dev/null; rm -f $(ended)))
fail_by     = $(if $(1),$(error $(1)))

ended_machine: new_disk
	@$(if $(unread),echo "no disk: something is blank in $(firstword $(unread))")
	@$(if $(DISK)$(no_disk),,tools/homedisk.sh obj/$(TC))
	@tools/ended.sh obj/$(TC) $(machine) $(call drive,obj/disk.img) -nographic -chardev \
	    stdio,id=screen,mux=on,signal=off,logfile=obj/$(TC)/screen.log -serial chardev:screen \
	    -mon chardev=screen -append $(call quote,$(value APPEND))

# make run has no user: 99 times ctrl-D is typed, at which a shell ends. The first of them are lost,
# because they come before the kernel reads its console.
run: new_disk
	$(if $(PROG)$(findstring =,$(APPEND)),,$(error run needs PROG=, as in make run PROG=hello))
	$(if $(and $(PROG),$(findstring init=,$(APPEND))),$(error give PROG= or init=, not both))
	@printf '%99s' '' | tr ' ' '\004' | $(machine) \
	    $(call drive,obj/$(TC)-disk.img,$(comma)snapshot=on) -display none -monitor none \
	    -serial stdio -append \
	    $(call quote,$(strip $(value APPEND) $(if $(PROG),init=$(value PROG))))

seed     = $(if $(SEED),--seed $(call quote,$(SEED)))
objects  = obj/$(TC)$(if $(TASK),/task/obj/$(TC))
debugger = python3 tools/debug.py --objects $(objects) --qemu $(EMU) $(seed)

# What debug and gdbserver boot without TEST=.
session  = --mem $(MEM) --harts $(SMP) --prog $(call quote,$(value PROG)) \
    --append $(call quote,$(value APPEND)) \
    $(if $(TEST)$(no_disk),,--disk $(call quote,$(or $(DISK),obj/$(TC)-disk.img)))

debug: new_disk
	@$(debugger) $(session) $(if $(TEST),--test $(call quote,$(TEST)))

replay: build
	$(if $(TEST),,$(error replay needs TEST=, as in make replay TEST=hello))
	@$(debugger) --test $(call quote,$(TEST)) --replay

# What is traced has one hart, if SMP= is not given: then nothing disturbs it. Disks are in memory.
traced = --objects $(objects) --qemu $(EMU) $(seed) $(if $(TEST),--test $(call quote,$(TEST)), \
    --mem $(MEM) --harts $(if $(filter file,$(origin SMP)),1,$(SMP)) \
    --prog $(call quote,$(value PROG)) --append $(call quote,$(value APPEND)) \
    $(if $(filter-out none,$(DISK)),--disk $(call quote,$(DISK))))

one_run = $(if $(TEST)$(PROG),,$(error $(1) needs TEST= or PROG=, as in make $(1) PROG=cow$(2))) \
    $(if $(and $(TEST),$(PROG)),$(error give TEST= or PROG=, not both))

trace: build
	$(call one_run,trace)
	@python3 tools/timeline.py $(traced) $(TRACE)

map: build
	$(call one_run,map, AT=fork)
	$(if $(AT),,$(error map needs AT=: fork$(comma) cow$(comma) fault$(comma) exec or exit))
	@python3 tools/addrspace.py $(traced) --at $(call quote,$(AT)) $(TRACE)

gdbserver: new_disk
	$(if $(filter 1,$(REPLAY)),$(if $(TEST),,$(error REPLAY=1 needs TEST=)))
	@python3 tools/gdbserver.py --port $(call quote,$(PORT)) $(seed) \
	    --objects $(objects) --qemu $(EMU) $(if $(TEST),--test $(call quote,$(TEST)) \
	    $(if $(filter 1,$(REPLAY)),--replay),$(session))

compile_commands.json:
	@$(MAKE) -r --no-print-directory -f tools/build.mk TC=$(TC) \
	    obj/$(TC)/flags obj/$(TC)/sources
	@python3 tools/compile_commands.py obj/$(TC)

grade:
	@$(grader) --lab $(call quote,$(LAB)) --exercise $(call quote,$(EX)) \
	    --task $(call quote,$(TASK)) $(GRADE) \
	    $(call quote,$(TEST))

handin:
	@python3 tools/lab handin . $(HANDIN)

# The tests of the tools break the code on purpose, which may give warnings, so WERROR is off.
test:
	@status=0; $(grader) --all $(GRADE) || status=1; \
	    $(MAKE) --no-print-directory unittest WERROR= || status=1; exit $$status

# What several of these tests take from obj/ is built before, because they run side by side.
unittest: new_disk
	@[ ! -d tools/test ] || RVLAB_OBJECTS=obj/$(TC) python3 tools/unittests.py $(UNITTEST)

test-systems:
	@python3 tools/systems.py $(SYSTEMS)

bench: build
	@python3 tools/$(if $(GROW),grow,bench).py --objects obj/$(TC) --qemu $(EMU) $(BENCH)

profile: build
	$(if $(PROG),,$(error profile needs PROG=, as in make profile PROG="bench fork"))
	@python3 tools/profile.py --objects obj/$(TC) --qemu $(EMU) \
	    --append $(call quote,$(value APPEND)) $(if $(filter-out none,$(DISK)),--disk \
	    $(call quote,$(DISK))) $(PROFILE) $(call quote,$(value PROG))

races: build
	$(if $(wildcard tools/races/*),,$(error a handout has no planted races: see the whole tree))
	@python3 tools/races.py --toolchain $(TC) --qemu $(EMU) $(RACES)

fuzz: build
	@python3 tools/fuzz.py --objects obj/$(TC) --qemu $(EMU) $(FUZZ)

hosted:
	$(if $(wildcard tools/hosted.py),,$(error a handout has no parsers for the host))
	@python3 tools/hosted.py

book:
	$(if $(wildcard tools/book),,$(error a handout cannot make the book: see the whole tree))
	@python3 tools/book/makebook.py

clean:
	@rm -rf obj

help:
	@sed -n 's/^## \{0,1\}//p' Makefile
