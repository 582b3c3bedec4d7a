# How the kernel is built. The Makefile calls this when the tools are known.
#
#   kern/, libs/             -> $(O)/kobj/   -> kernel
#   user/libs/, libs/        -> $(O)/uobj/   -> libuser.a
#   user/NAME.c, libuser.a   -> $(O)/user/NAME, with symbols for gdb
#                            -> $(O)/image/NAME, without debug information
#   all of image/            -> programs.S   -> kernel
#   all of image/, disk/     -> $(O)-disk.img, the disk of a new machine; on demand
#
# A checked build (CHECK=1) has TC=NAME-check, CHECKED in its config.mk, and the folder kern/check/.
# One that looks for data races (CHECK=race) has TC=NAME-race, and also RACE in its config.mk: the
# options for the folders of which each access to memory is looked at.
#
# Where each function of the kernel is, is known when it is linked. The linker has left room for a
# table of that, for backtraces, which is filled in then.

O := obj/$(TC)
# tools/probe.sh has written there what it found out about the compiler.
CONFIG := $(O)/config.mk
include $(CONFIG)

ifneq ($(V),1)
Q := @
endif

# These variables of the environment would add folders of headers from outside of this tree.
unexport CPATH C_INCLUDE_PATH

WARN := -Wall -Wextra -Wmissing-prototypes -Wshadow \
    $(if $(filter 1,$(WERROR)),-Werror,$(LENIENT))
# No header of a C library is used: libs/ has what the C standard wants of a freestanding compiler.
# Programs may also include the compiler's own headers, like <float.h>.
COMMON := -std=gnu11 -O2 -g $(WARN) -ffreestanding -nostdinc -fno-common -fno-pic -fno-pie \
    -fno-stack-protector -fno-strict-aliasing -fno-asynchronous-unwind-tables \
    -fno-unwind-tables $(NO_IDIOM) -mcmodel=medany -mno-relax
KFLAGS := $(COMMON) $(CHECKED) $(ARCH) -mabi=lp64 -fno-omit-frame-pointer -Ikern -Ilibs
UFLAGS := $(COMMON) $(CHECKED_USER) $(ARCH_FP) -mabi=lp64d -fno-builtin -ffunction-sections \
    -fdata-sections -Iuser/libs -Ilibs -isystem $(HEADERS)
LDFLAGS := -static -nostdlib --no-relax --build-id=none -z max-page-size=4096 \
    -z noexecstack -X

kernel_src  := $(sort $(filter-out $(if $(CHECKED),,kern/check/%), \
    $(wildcard kern/*/*.c kern/*/*.S libs/*.c)))
ulib_src    := $(sort $(wildcard user/libs/*.c user/libs/*.S libs/*.c))
program_src := $(sort $(wildcard user/*.c))
$(if $(filter-out user/%.c,$(program_src)),$(error user/: no blanks in file names, please))

# A handout of lab 0 brings the kernel as objects.
given_obj  := $(sort $(wildcard tools/given/kernel/*/*.o tools/given/kernel/*/*/*.o))
$(if $(and $(given_obj),$(CHECKED)),$(error CHECK= needs the text of the kernel, and this handout \
    has only its objects: leave it out))

kernel_obj := $(or $(given_obj),$(kernel_src:%=$(O)/kobj/%.o))
ulib_obj   := $(ulib_src:%=$(O)/uobj/%.o)
programs   := $(program_src:user/%.c=%)

all: $(O)/kernel

# `flags` and `sources` change when an option or the set of source files changes. Objects depend on
# flags, so a new option compiles everything again. What a warning is, an error or not, changes no
# object: `-Werror` in a line of its own tells that no warning was met, which is good for both.
strict  := $(filter -Werror,$(WARN))
options := $(foreach f,KFLAGS UFLAGS,'$(CC) $(filter-out -Werror $(LENIENT),$($f))')
$(O)/flags: FORCE
	@printf '%s\n' $(options) -Werror | cmp -s - $@ || printf '%s\n' $(options) $(strict) | \
	    cmp -s - $@ || printf '%s\n' $(options) $(strict) >$@
$(O)/sources: FORCE
	@echo '$(kernel_src) $(ulib_src) $(program_src)' | cmp -s - $@ || { \
	    rm -f $(filter-out $(programs:%=$(O)/user/%) $(programs:%=$(O)/image/%), \
	        $(wildcard $(O)/user/* $(O)/image/*)); \
	    echo '$(kernel_src) $(ulib_src) $(program_src)' >$@; }

# This is the only file of the kernel that touches floating-point registers.
$(O)/kobj/kern/riscv/fpu.S.o: KFLAGS := $(subst $(ARCH),$(ARCH_FP),$(KFLAGS))

# In a checked build these run at each allocation, and test no operation of their own.
$(if $(CHECKED),$(filter $(O)/kobj/kern/check/% $(O)/kobj/libs/string.c.o,$(kernel_obj))): \
    KFLAGS += -fno-sanitize=undefined

looked_at := lock sched sync machine mm driver fs process syscall trap init
$(if $(RACE),$(filter $(foreach f,$(looked_at),$(O)/kobj/kern/$(f)/%.c.o),$(kernel_obj))): \
    KFLAGS += $(RACE)

# With these options the same code gives the same file wherever the tree lies. They are not part of
# $(O)/flags, because a copy of a built tree must count as built. The second one is for assembly:
# GCC hands that on to an assembler which does not know the first one.
HERE := -ffile-prefix-map="$$PWD"=. -fdebug-prefix-map="$$PWD"=.

config := tools/build.mk $(CONFIG) $(O)/flags

$(O)/kobj/%.o: % $(config)
	@mkdir -p $(@D)
	@echo "  CC    $<"
	$(Q)$(CC) $(KFLAGS) $(HERE) -MMD -MP -c -o $@ $<

$(O)/uobj/%.o: % $(config)
	@mkdir -p $(@D)
	@echo "  CC    $< (user)"
	$(Q)$(CC) $(UFLAGS) $(HERE) -MMD -MP -c -o $@ $<

$(O)/libuser.a: $(ulib_obj) $(O)/sources
	@rm -f $@
	$(Q)$(AR) rcs $@ $(ulib_obj)

$(O)/user/%: $(O)/uobj/user/%.c.o $(O)/libuser.a tools/user.ld
	@mkdir -p $(@D)
	@echo "  LD    $@"
	$(Q)$(LD) $(LDFLAGS) --gc-sections -T tools/user.ld -o $@ $< $(O)/libuser.a

# clang leaves thousands of symbols without a name, which are most of a program; they go too.
$(O)/image/%: $(O)/user/%
	@mkdir -p $(@D)
	$(Q)$(OBJCOPY) --strip-debug --wildcard --strip-symbol= $< $@

$(O)/programs.S: $(programs:%=$(O)/image/%) $(O)/sources tools/embed.py
	$(Q)python3 tools/embed.py $@ $(programs:%=$(O)/image/%)

# The compiler does not learn what an assembly file takes in by .incbin, so it is said here.
$(O)/programs.o: $(O)/programs.S $(programs:%=$(O)/image/%)
$(O)/%.o: $(O)/%.S $(config)
	$(Q)$(CC) $(KFLAGS) $(HERE) -c -o $@ $<

# It has its name when it is whole.
$(O)/kernel: $(kernel_obj) $(O)/programs.o $(O)/sources tools/kernel.ld tools/ksyms.py
	@echo "  LD    $@"
	$(Q)$(LD) $(LDFLAGS) -T tools/kernel.ld -o $@.new $(kernel_obj) $(O)/programs.o
	$(Q)$(NM) -n $@.new >$@.nm
	$(Q)python3 tools/ksyms.py $@.new $@.nm
	$(Q)mv $@.new $@

# The same files make the same image. Names with blanks in disk/ are on it, but a change of such a
# file is not noticed.
home := $(shell [ ! -d disk ] || find disk -not -name '* *')
new_disk: $(O)-disk.img
$(O)-disk.img: $(programs:%=$(O)/image/%) $(O)/sources $(home) tools/disk $(wildcard tools/sfs/*)
	@echo "  DISK  $@"
	$(Q)python3 tools/disk make $@ $(if $(home),disk) --size 576M \
	    --swap 512M --put $(O)/image:/bin

# tools/probe.sh calls this to learn whether a compiler takes this tree's headers and options.
try: FORCE
	$(Q)printf '#include <defs.h>\n#include <stdarg.h>\nint try;\n' >$(CONFIG).c
	$(Q)$(CC) $(KFLAGS) -Werror -S -o /dev/null $(CONFIG).c
	$(Q)$(CC) $(UFLAGS) -Werror -S -o /dev/null $(CONFIG).c

-include $(kernel_obj:.o=.d) $(ulib_obj:.o=.d) $(program_src:%=$(O)/uobj/%.d)

.PHONY: all new_disk try FORCE
.SECONDARY:
.DELETE_ON_ERROR:
