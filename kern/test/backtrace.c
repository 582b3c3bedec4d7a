/* Exercise 1.3: the call stack, as it is printed. What backtrace() prints is caught here and
   compared with the return addresses that the functions themselves noted, or with stacks that are
   made up.

   "backtrace-calls" calls functions in functions and looks whether each is shown, innermost first.
   "backtrace-broken" damages stacks in every way that a panic may meet: the walk must end, and must
   not read outside of the stack that it began in. A wrong kernel prints too few lines or too many,
   wrong addresses, or faults itself; then the panic names the line of the test.

   Both run at boot: so the stack is the idle process's, and nothing else prints.

   Alone: make grade TEST=backtrace-calls or TEST=backtrace-broken. debug/backtrace.c draws a
   frame. */
#include <debug/backtrace.h>
#include <driver/irq.h>
#include <printfmt.h>
#include <report.h>
#include <riscv/csr.h>
#include <riscv/cpu.h>
#include <riscv/memlayout.h>
#include <riscv/sbi.h>
#include <string.h>
#include <test/testlib.h>

/* The same number as in debug/backtrace.c, which handouts have. */
#define MOST_FRAMES     40      /* that backtrace() prints */
#define DEEP            9
#define PADDING         496     /* bytes: nine such frames are more than a page */
#define PAIR            16      /* bytes: return address and frame pointer */

extern const char kernel_text_start[], kernel_bss_start[], kernel_bss_end[];

/* What backtrace() has printed. Longer than it may ever print; what goes beyond is not kept, and
   the comparison fails then. */
static struct {
    char text[MOST_FRAMES * 2 * 100];
    size_t length;
} caught;

/* The firmware prints on the same console as the driver. It is what the output is set to after each
   catch: the driver's own function cannot be asked for. */
static void print_output(const char *s, size_t n)
{
    while (n-- > 0)
        sbi_putchar(*s++);
}

/* What a panic prints is for the user. */
static void catch_output(const char *s, size_t n)
{
    /* The panic's output has the reason why the test has failed: it must be seen. */
    if (panicked())
        print_output(s, n);
    for (; n > 0 && caught.length < sizeof(caught.text) - 1; n--)
        caught.text[caught.length++] = *s++;
}

/* Everything that is printed meanwhile is caught, so the checks come after it. */
static void catch_backtrace(uintptr_t fp)
{
    caught.length = 0;
    print_set_output(catch_output);
    backtrace(fp);
    print_set_output(print_output);
    caught.text[caught.length] = '\0';
}

/* Each caller is a line. */
static size_t lines_caught(void)
{
    size_t n = 0;

    /* Each line ends with one. */
    for (size_t i = 0; i < caught.length; i++)
        n += caught.text[i] == '\n';
    return n;
}

/* Do the lines begin with these return addresses, each with the place of the call? A line has the
   address in 16 digits and the name of the function with the place of the call, which is one byte
   before the address that is returned to. The first line that differs is shown with what it should
   be. */
static bool begins_with(const uintptr_t *callers, size_t n)
{
    char line[2 * SYMBOL_LENGTH], place[SYMBOL_LENGTH];
    const char *text = caught.text;

    for (size_t i = 0; i < n; i++) {
        /* By the same function that backtrace() uses: the name is not what is tried here. */
        symbol_format(place, sizeof(place), callers[i] - 1);
        snprintf(line, sizeof(line), "  %016lx %s\n", callers[i], place);
        if (strncmp(text, line, strlen(line)) != 0) {
            cprintf("    line %lu of the call stack should be%s", i + 1, line);
            /* The text is shorter than it should be. */
            if (*text == '\0')
                cprintf("    but there stands nothing\n");
            else
                cprintf("    but there stands%.*s\n", (int)(strfind(text, '\n') - text), text);
            return false;
        }
        text += strlen(line);
    }
    return true;
}

/* Exactly these lines, and no more. */
static bool prints(uintptr_t fp, const uintptr_t *callers, size_t n)
{
    catch_backtrace(fp);
    return begins_with(callers, n) && lines_caught() == n;
}

/* For a frame pointer from which nothing can be walked. */
static bool prints_nothing(uintptr_t fp)
{
    return prints(fp, NULL, 0);
}

/* What the functions below noted: the address that each returns to, innermost first. */
static uintptr_t noted[DEEP + 1];

/* Written by each function about itself, which is what the walk must find out by the stack
   alone. */
static void note(int i, void *address)
{
    noted[i] = (uintptr_t)address;
}

/* These three call each other. __never_inlined, and the additions behind the calls, keep the
   compiler from making one function of them or a jump of the last call: then there would be no
   frame to find. */
static __never_inlined int innermost(void)
{
    note(0, __builtin_return_address(0));
    catch_backtrace((uintptr_t)__builtin_frame_address(0));
    return noted[0] != 0;
}

static __never_inlined int middle(void)
{
    note(1, __builtin_return_address(0));
    return innermost() + 1;
}

static __never_inlined int outermost(void)
{
    note(2, __builtin_return_address(0));
    return middle() + 1;
}

/* With so much on the stack that it takes more than one page: a walk that stops at the end of the
   page is found out. */
static __never_inlined int deep(int depth)
{
    volatile uint8_t padding[PADDING];

    padding[depth] = 1;
    note(depth + 1, __builtin_return_address(0));
    /* The addition comes after the call, so the frame must stay. */
    return (depth == 0 ? innermost() : deep(depth - 1)) + padding[depth];
}

/* Does each line begin with the upper half of an address of the kernel's text? An address of the
   stack or of data in the output means that the walk took something else for a return address. */
static bool stays_in_text(void)
{
    char start[20];
    const char *text = caught.text;

    snprintf(start, sizeof(start), "  %08lx", (uintptr_t)kernel_text_start >> 32);
    for (size_t i = 0; i < lines_caught(); i++) {
        if (strncmp(text, start, strlen(start)) != 0)
            return false;
        text = strfind(text, '\n') + 1;
    }
    return true;
}

static volatile bool handled;

/* An interrupt leaves a pair over its frame, so the stack leads on to what was interrupted. */
static void interrupt_handler(__not_used void *arg)
{
    /* Or the interrupt would come again at once. */
    csr_clear(sip, SIE_SOFT);
    catch_backtrace((uintptr_t)__builtin_frame_address(0));
    handled = true;
}

/* Send an interrupt to this hart, and wait for it in the loop: the handler prints what it came
   into. */
static __never_inlined int interrupted(void)
{
    note(0, __builtin_return_address(0));
    irq_enable();
    sbi_send_ipi(1UL << this_cpu->hartid);
    /* The interrupt comes somewhere in this loop. */
    while (!handled)
        cpu_relax();
    irq_disable();
    return noted[0] != 0;
}

/* Is this address among those printed, wherever? */
static bool shows(uintptr_t caller)
{
    char address[20];
    size_t length = snprintf(address, sizeof(address), "  %016lx ", caller);

    for (size_t i = 0; i < caught.length; i++)
        if (strncmp(caught.text + i, address, length) == 0)
            return true;
    return false;
}

/* The first three checks compare with what the functions noted. The number of lines has limits on
   both sides: to the functions that called the test it must go on, and at the end of the stack it
   must stop. */
static void test_calls(void)
{
    /* The value shows that the three calls were really made. */
    assert(outermost() == 3);
    check("each function is shown with the place from which it was called, innermost first",
          begins_with(noted, 3));
    /* The test itself, selftest_run() and what called that; more than 12 would be an endless
       walk. */
    size_t lines = lines_caught();
    check("it goes on to the functions that called the test", lines >= 5);
    check("it ends where the stack does", lines < 12);
    check("every address is one of the kernel's code", stays_in_text());

    /* Nine frames of half a kilobyte. */
    assert(deep(DEEP - 1) == DEEP + 1);
    check("a function that calls itself is shown each time, also from one page of the stack to "
          "the next", begins_with(noted, DEEP + 1));

    /* The handler stays: nothing is asked of this hart any more before the machine is off. */
    irq_register(IRQ_S_SOFT, interrupt_handler, NULL);
    assert(interrupted() == 1);
    check("from an interrupt it leads on to what was interrupted", shows(noted[0]));
}

/* If a check fails: the lines above it say which line of the call stack was expected and which was
   printed. In gdb, `backtrace` shows the right one, and `print caught.text` what was printed. */
SELFTEST_AT(STAGE_BOOT, "backtrace-calls", test_calls);

/* A stack in bss, as the kernel has at boot. A frame pointer points behind its pair. */
#define WORDS       256

static uintptr_t words[WORDS] __attribute__((aligned(16)));

/* The frame number i, of so many words each; it returns to `ra`. A frame pointer points behind the
   pair, so fp[-1] is the return address and fp[-2] the caller's frame pointer. */
static uintptr_t make_frame(size_t i, uintptr_t ra, uintptr_t caller)
{
    uintptr_t *fp = &words[4 * (i + 1)];

    fp[-1] = ra;
    fp[-2] = caller;
    return (uintptr_t)fp;
}

/* Some return address: an instruction of the kernel. */
static uintptr_t text(size_t i)
{
    return (uintptr_t)kernel_text_start + 256 + 64 * i;
}

/* Two good frames, and a third whose caller's frame pointer is `wild`. The walk must print the
   three and stop there.

       first  -->  second  -->  third  -->  wild: nothing may be read there
       text(0)     text(1)      text(2)     the three lines that must be printed */
static bool stops_at(uintptr_t wild)
{
    /* Three return addresses that are in the kernel's text, as those of real calls are. */
    uintptr_t callers[] = { text(0), text(1), text(2) };
    uintptr_t third = make_frame(2, callers[2], wild);
    uintptr_t second = make_frame(1, callers[1], third);

    return prints(make_frame(0, callers[0], second), callers, 3);
}

/* Every value that a damaged word may have: none of them may be followed. For some of them the
   words there are filled so that a walk that does follow prints a line more. */
static void check_wild(void)
{
    uintptr_t good = make_frame(5, text(5), 0), own = make_frame(2, 0, 0);

    /* A walk that takes good + 8 for a frame finds a good return address there, and prints it. */
    words[(good - (uintptr_t)words) / 8] = text(6);     /* what a frame at good + 8 would have */
    check("a frame pointer of 0 is the end", stops_at(0));
    check("so is one that is no address at all", stops_at(0x5a5a5a5a5a5a5a50));
    /* It may not be mapped; and what a program has there is no business of the kernel's. */
    check("one into the program's memory is not followed", stops_at(0x200010));
    check("one that is not a multiple of 16 is not followed", stops_at(good + 8));
    check("nor is an odd one", stops_at(good + 1));
    /* A circle of one. A longer one leads downwards at some place, which the next check is
       about. */
    check("a frame that is its own caller ends the walk", stops_at(own));
    check("so does one whose caller lies below it", stops_at(make_frame(0, 0, 0)));
    /* The memory there is mapped, but no stack. */
    check("one behind the end of the stack is not followed",
          stops_at(ROUNDUP((uintptr_t)kernel_bss_end, 16) + 64));
    check("nor the last possible address", stops_at(ROUNDDOWN(UINTPTR_MAX, 16)));
    check("nor one on another stack", stops_at((uintptr_t)__builtin_frame_address(0)));
}

/* The same on a kernel stack, over whose end nothing is mapped: a walk that looks behind the end
   faults. Neighbouring stacks are mapped, so that a walk may reach another process's stack without
   a fault; it must not. */
static void check_kernel_stack(void)
{
    uintptr_t frames[8] __attribute__((aligned(16))), here = (uintptr_t)frames;
    uintptr_t end = ROUNDUP(here, KSTACKSIZE), callers[] = { text(0), text(1) };

    frames[3] = callers[0], frames[2] = here + 64;
    frames[7] = callers[1], frames[6] = end + PAIR;
    check("a caller behind the end of a kernel stack is not followed",
          prints(here + 32, callers, 2));
    /* The next slot: its guard is first, then another process's stack. */
    frames[6] = end + KSTACKSIZE + PAIR;
    check("nor one on the next process's stack", prints(here + 32, callers, 2));
    frames[6] = end + KSTACKSIZE / 2;
    check("nor one in the guard between them", prints(here + 32, callers, 2));
    frames[6] = (uintptr_t)&words[8];
    check("nor one that leads to a stack below", prints(here + 32, callers, 2));
}

/* The pairs at both ends of a kernel stack. The upper one lies in a trap frame that is not in use
   before there are programs. Limits that are wrong by one pair lose one of the two. */
static void check_ends(void)
{
    uintptr_t low = ROUNDDOWN((uintptr_t)__builtin_frame_address(0), KSTACKSIZE);
    uintptr_t *lowest = (uintptr_t *)low, *highest = (uintptr_t *)(low + KSTACKSIZE - PAIR);
    /* The words at the ends are put back afterwards; nothing prints or interrupts in between. */
    uintptr_t saved[] = { highest[0], highest[1] }, callers[] = { text(0), text(1) };

    lowest[0] = low + KSTACKSIZE, lowest[1] = callers[0];
    highest[0] = 0, highest[1] = callers[1];
    bool found = prints(low + PAIR, callers, 2);
    highest[0] = saved[0], highest[1] = saved[1];
    /* So each limit is checked from inside here, */
    check("the frames at both ends of a stack are shown", found);
    /* and from outside here. */
    check("one that begins in the guard is not", prints_nothing(low));
}

/* A function that calls no other keeps only its caller's frame pointer, where others have the
   return address. The walk must step over it without printing the frame pointer as an address. */
static void check_leaf(void)
{
    uintptr_t callers[] = { text(1), text(2) };
    uintptr_t last = make_frame(2, callers[1], 0), caller = make_frame(1, callers[0], last);

    check("a function that saved no return address is stepped over",
          prints(make_frame(0, caller, text(9)), callers, 2));
    /* Neither word is of any use: the walk has lost its way, and must end. */
    make_frame(1, 0, last);
    check("a pair of which neither is a return address nor a caller ends it",
          prints_nothing(make_frame(1, 0, last)));
}

/* At the end a stack of many frames that are all good: the walk has a limit, so that a circle, or a
   recursion without end, cannot fill the screen. */
static void test_broken_stacks(void)
{
    uintptr_t callers[WORDS / 4 - 1], fp = 0;

    check_wild();
    check_kernel_stack();
    check_ends();
    check_leaf();
    /* What backtrace() is called with may be wrong as well: after a wild jump s0 is anything. */
    check("a first frame pointer of 0 prints nothing", prints_nothing(0));
    words[8] = text(0);
    check("nor does one that is not a multiple of 16", prints_nothing((uintptr_t)&words[9]));
    check("nor one outside of all stacks", prints_nothing((uintptr_t)kernel_text_start));
    check("nor one without room for a pair below it",
          prints_nothing(ROUNDUP((uintptr_t)kernel_bss_start, 16)));
    /* Frames from the top of the array down to its beginning, each the caller of the one before. */
    for (size_t i = ARRAY_SIZE(callers); i-- > 0;)
        fp = make_frame(i, callers[i] = text(i), fp);
    check("of a stack without end the innermost 40 callers are printed",
          prints(fp, callers, MOST_FRAMES));
}

/* If a check fails: its sentence says what the damage is. If the kernel panics in backtrace()
   itself, a word outside of the stack was read: the address of the fault says where. */
SELFTEST_AT(STAGE_BOOT, "backtrace-broken", test_broken_stacks);
