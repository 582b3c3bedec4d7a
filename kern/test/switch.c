/* Exercise 4.3: the context switch. Registers, stacks, the address space, floating point. The boot
   hart's idle process switches to tasks that are made by hand, so that nothing but the switch is
   needed: no fork, no exit.

   "switch" first calls switch_to() alone, with known values in all registers that it must keep;
   then schedule() with three tasks that look around after each switch. "switch-memory" does the
   same with address spaces and with floating-point numbers.

   A wrong kernel comes back with another register, on another stack or in another address space.
   Some mistakes end in a panic at a wild address: the call stack is then of the task that was
   switched to.

   Alone: make grade TEST=switch or TEST=switch-memory. riscv/context.h has the struct. */
#include <mm/kstack.h>
#include <process/proc.h>
#include <report.h>
#include <string.h>
#include <test/testlib.h>

/* Each register gets a number with its index in it, so that two that are exchanged are seen; the
   upper half says which side it belongs to. */
#define SAVED       12                  /* s0 to s11 */
#define HERE        0xaaaa000000000000UL
#define THERE       0xbbbb000000000000UL

/* What the callee-saved registers were before switch_to(), and after it. */
struct probe {
    uint64_t in[SAVED], out[SAVED];
    uint64_t sp_before, sp_after, gp_before, gp_after, tp_before, tp_after;
};

/* Call switch_to(from, to) with these registers, and see what they are when it returns. In
   assembly, because a compiler uses the registers as it likes. The steps, with a2 = the probe: save
   the caller's ra and s0 to s11 on the stack; note sp, gp and tp; load s0 to s11 from probe->in;
   call; store s0 to s11 to probe->out and note sp, gp and tp again; restore the caller's. */
asm (".pushsection .text\n"
     ".macro each_saved instruction, base, offset\n"
     "    .set i, \\offset\n"
     "    .irp reg, s0, s1, s2, s3, s4, s5, s6, s7, s8, s9, s10, s11\n"
     "    \\instruction \\reg, i(\\base)\n"
     "    .set i, i+8\n"
     "    .endr\n"
     ".endm\n"
     "probe_switch:\n"
     "    addi sp, sp, -112\n"
     "    sd ra, 0(sp)\n"
     "    sd a2, 8(sp)\n"
     "    each_saved sd, sp, 16\n"
     "    sd sp, 192(a2)\n"
     "    sd gp, 208(a2)\n"
     "    sd tp, 224(a2)\n"
     "    each_saved ld, a2, 0\n"
     "    call switch_to\n"
     "    ld a2, 8(sp)\n"
     "    each_saved sd, a2, 96\n"
     "    sd sp, 200(a2)\n"
     "    sd gp, 216(a2)\n"
     "    sd tp, 232(a2)\n"
     "    each_saved ld, sp, 16\n"
     "    ld ra, 0(sp)\n"
     "    addi sp, sp, 112\n"
     "    ret\n"
     ".popsection");
void probe_switch(struct context *from, struct context *to, struct probe *probe);

_Static_assert(offsetof(struct probe, tp_after) == 232, "probe_switch stores there");

/* This side, which is the test, and the other one. */
static struct context here, there;
static struct probe probe_here, probe_there;
static uint8_t other_stack[4096] __attribute__((aligned(16)));
static uint64_t steps, other_sp;

/* The other side, which runs on other_stack: it notes where its locals are, and switches back. */
static void on_other_stack(void)
{
    for (;;) {
        /* Its address says on which stack this side runs. */
        uint64_t local = ++steps;

        other_sp = (uintptr_t)&local;
        probe_switch(&there, &here, &probe_there);
    }
}

/* Are the registers after the switch those before it? */
static bool survived(const struct probe *probe)
{
    return memcmp(probe->in, probe->out, sizeof(probe->in)) == 0;
}

/* There and back twice: the first time the other context is made by hand, the second time it is one
   that switch_to() has saved. Each side has values of its own, so that two that are exchanged are
   seen.

   In time from top to bottom:

       here                                 there
       registers HERE + i
       switch_to(here, there)
                                            begins: step 1, registers THERE + i
                                            switch_to(there, here)
       registers HERE + i again?
       switch_to(here, there)
                                            registers THERE + i again? step 2
                                            switch_to(there, here)
       registers HERE + i again? */
static void test_registers(void)
{
    for (uint64_t i = 0; i < SAVED; i++) {
        probe_here.in[i] = HERE + i;
        probe_there.in[i] = THERE + i;
    }
    /* A context made by hand, as do_fork() makes one: where to begin, and on which stack. Its s0 to
       s11 are 0 and mean nothing. */
    there.ra = (uintptr_t)on_other_stack;
    there.sp = (uintptr_t)other_stack + sizeof(other_stack);
    probe_switch(&here, &there, &probe_here);
    /* One step: the other side was there, once, and came back. */
    check_eq("switch_to() goes on at ra of the context that it switches to", steps, 1);
    check("switch_to() goes on with sp of the context that it switches to",
          other_sp - (uintptr_t)other_stack < 4096);
    /* The context is read by others, too: a backtrace of a task that sleeps begins with its s0. */
    check("s0 to s11 are in the context, in this order",
          memcmp(&here.s0, probe_here.in, sizeof(probe_here.in)) == 0);
    check_eq("sp is in the context", here.sp, probe_here.sp_before);
    /* What the compiler relies on after any call. A register that is not restored is the value of a
       local variable somewhere in the kernel. */
    check("s0 to s11 are as before when it comes back", survived(&probe_here));
    check_eq("sp is as before when it comes back", probe_here.sp_after, probe_here.sp_before);
    /* Once more: now the other side's context is what switch_to() itself has saved. */
    memset(probe_here.out, 0, sizeof(probe_here.out));
    probe_switch(&here, &there, &probe_here);
    check_eq("the other side goes on where it was", steps, 2);
    check("the other side has its own s0 to s11 again", survived(&probe_there));
    check("a second switch changes nothing", survived(&probe_here));
    /* tp belongs to the hart, not to the task: another task may go on on this hart with the same
       tp. */
    check("gp and tp are left alone", probe_here.gp_after == probe_here.gp_before
          && probe_here.tp_after == probe_here.tp_before);
}

/* Tasks made by hand. What each finds when it runs is noted, and checked later. */
#define TASKS       3
#define TURNS       3

static struct player {
    struct proc_struct proc;            /* first member: current is it */
    void (*play)(struct player *player, int turn);
    bool irqs;                          /* gives way with interrupts on */
    int wrong_current, wrong_stack, wrong_frame, wrong_irqs, wrong_as, wrong_numbers;
    struct fpu_state numbers, found;
} players[TASKS];

static struct spinlock lock = SPINLOCK_INIT("test", RANK_WAIT);
/* Who had which turn: written by the players, which run one at a time. */
static int order[TASKS * TURNS], moves;

/* What must be true for a task that has just got the hart. It is counted and not reported, because
   a report in the middle of a switch could itself need what is wrong. */
static void look_around(struct player *player, bool irqs)
{
    struct task *task = &player->proc.task;
    uintptr_t local = (uintptr_t)&local;

    player->wrong_current += this_cpu->task != task || !task->on_cpu;
    player->wrong_stack += local - task->kstack >= KSTACKSIZE;
    player->wrong_frame += this_cpu->user_tf != task->tf;
    player->wrong_irqs += irq_enabled() != irqs || !holds_no_lock();
    /* What the hardware walks, and what the kernel believes. */
    player->wrong_as += csr_read(satp) != task->as->satp
        || (atomic_load(&task->as->harts) & 1U << this_cpu->id) == 0;
}

/* Where a player begins: the first context that is made by hand leads here. It must finish the
   switch that brought it, as forkret() does for a new process. At its end it sleeps for good. */
static void player_main(void)
{
    struct player *player = (struct player *)current;

    /* What schedule() does after switch_to() returns, a new task has to do itself: it has no
       schedule() to return into. */
    sched_finish_switch();
    look_around(player, false);
    /* Only the task's own wish: the switch came with interrupts off. */
    if (player->irqs)
        irq_enable();
    for (int turn = 0; turn < TURNS; turn++) {
        order[moves++] = player - players;
        if (player->play != NULL)
            player->play(player, turn);
        schedule();
        look_around(player, player->irqs);
    }
    spin_lock(&lock);
    sched_sleep(&lock, 0, "the end of the test");
    panic("a task that sleeps was scheduled");
}

/* What do_fork() would set up, by hand: stack, frame, context, name. */
static struct player *new_player(int number)
{
    struct player *player = &players[number];
    struct task *task = &player->proc.task;

    memset(player, 0, sizeof(*player));
    list_init(&task->run_link);
    task->kstack = kstack_alloc();
    assert(task->kstack != 0);
    /* At the top of the stack, as for every process. */
    task->tf = (struct trapframe *)(task->kstack + KSTACKSIZE) - 1;
    memset(task->tf, 0, sizeof(*task->tf));
    task->as = &kernel_as;
    task->lab6_priority = 1;
    task->wait_what = "";
    task->context.ra = (uintptr_t)player_main;
    /* The stack begins below the frame. */
    task->context.sp = (uintptr_t)task->tf;
    set_proc_name(&player->proc, "player");
    player->proc.pid = number + 1;
    return player;
}

/* The boot hart's idle process lets them play, and goes on when all of them sleep. */
static void play(int n)
{
    /* All of them are put into the queue; then the idle process gives way, until nobody is left. */
    moves = 0;
    for (int i = 0; i < n; i++)
        /* As a new process is put into the queue for the first time. */
        wakeup_proc(&players[i].proc.task);
    schedule();
    for (int i = 0; i < n; i++)
        kstack_free(players[i].proc.task.kstack);
}

/* One of the three has interrupts on, the others off: that belongs to the task, and must be as
   before when it gets the hart again. */
static void test_tasks(void)
{
    struct proc_struct *idle = current;
    bool in_turn = true, right = true;

    for (int i = 0; i < TASKS; i++)
        new_player(i)->irqs = i == 1;
    play(TASKS);
    /* The idle process called schedule() in play(), and is picked again when all others sleep. */
    check("who called schedule() is current again when it returns", current == idle);
    check("this_cpu->user_tf is the caller's frame again", this_cpu->user_tf == idle->task.tf);
    /* Whether they are on is the task's matter, not the hart's. */
    check("interrupts are off again when schedule() returns, as they were", !irq_enabled());
    /* The queue's lock is taken by one task and given back by the next one: here it must be
       even. */
    check("no lock is left held after a switch", holds_no_lock());
    /* With fewer, a task was lost; with more, one was picked although it slept. */
    check_eq("each task has had each of its turns", moves, TASKS * TURNS);
    /* In the order in which they were woken, again and again. */
    for (int i = 0; i < moves; i++)
        in_turn &= order[i] == i % TASKS;
    check("the tasks have their turns one after the other", in_turn);
    for (int i = 0; i < TASKS; i++) {
        const struct player *player = &players[i];

        check_eq("after a switch to a task it is current, and on_cpu (how often not)",
                 player->wrong_current, 0);
        check_eq("after a switch to a task it is on its own kernel stack", player->wrong_stack, 0);
        /* Trap entry saves the next trap from user mode there: the wrong one is another process's
           frame. */
        check_eq("after a switch to a task this_cpu->user_tf is its trap frame",
                 player->wrong_frame, 0);
        check_eq("interrupts are on or off for a task as they were before", player->wrong_irqs, 0);
        right &= player->proc.task.runs == TURNS + 1 && !player->proc.task.on_cpu;
    }
    /* on_cpu is what another hart waits for before it runs the task, because its context is saved
       only then. */
    check("task.runs counts its turns; on_cpu is false when it has left", right);
}

/* The assembly first, then what is around it. */
static void test_switch(void)
{
    test_registers();
    test_tasks();
}

/* If the kernel panics in test_registers(): compare, in gdb, `print/x here` and `print/x there`
   with riscv/context.h. Each field has a place, and each register of the list a field. */
SELFTEST_AT(STAGE_BOOT, "switch", test_switch);

/* Two processes with memory of their own, and a thread of the kernel. satp must be that of the task
   that runs; and the hart must be counted in the space that it is in, or a later flush leaves it
   out. */
static void test_address_spaces(void)
{
    struct mm_struct *mms[TASKS] = { mm_create(), mm_create() };

    assert(mms[0] != NULL && mms[1] != NULL);
    for (int i = 0; i < TASKS; i++) {
        struct player *player = new_player(i);

        if (mms[i] != NULL)
            player->proc.task.as = &mms[i]->as;
    }
    play(TASKS);
    for (int i = 0; i < TASKS; i++)
        check_eq("while a task runs, satp has its page table (how often not)",
                 players[i].wrong_as, 0);
    /* The idle process has no memory of its own; in the last process's it would keep that in
       use. */
    check_eq("afterwards satp has the kernel's page table again", csr_read(satp), kernel_as.satp);
    /* The bit says on which harts a change of the page table must be flushed. One that stays is a
       call of the firmware for nothing, for ever; one that is missing is a stale translation. */
    check("a hart is not counted any more in an address space that it has left",
          mms[0]->as.harts == 0 && mms[1]->as.harts == 0);
    check("a hart is counted in the address space that it is in",
          kernel_as.harts & 1U << this_cpu->id);
    mm_put(mms[0]);
    mm_put(mms[1]);
}

/* A program's trap: FS tells that it has changed its numbers. Numbers that were changed must be
   saved, others need not be. In its first turn a player sets them; in each later one it compares
   first. */
static void compute(struct player *player, int turn)
{
    /* As a trap from a program would find it. */
    csr_set(sstatus, SSTATUS_FS);
    if (turn > 0) {
        fpu_save(&player->found);
        player->wrong_numbers += memcmp(&player->found, &player->numbers,
                                        sizeof(player->found)) != 0;
    }
    for (int i = 0; i < 32; i++)
        player->numbers.f[i] = HERE + player->proc.pid * 1000 + turn * 100 + i;
    player->numbers.fcsr = player->proc.pid;
    fpu_restore(&player->numbers);
    player->proc.task.tf->status |= SSTATUS_FS_DIRTY;
}

/* Two tasks with numbers, one without. Each must find its own numbers again, although the others
   have been in the same registers. */
static void test_floating_point(void)
{
    for (int i = 0; i < TASKS; i++) {
        struct player *player = new_player(i);

        /* The third task never touches the registers: for it nothing is to be saved or loaded. */
        player->play = i < 2 ? compute : NULL;
        player->proc.task.tf->status = i < 2 ? SSTATUS_FS_CLEAN : 0;
    }
    play(TASKS);
    csr_clear(sstatus, SSTATUS_FS);
    for (int i = 0; i < 2; i++) {
        const struct player *player = &players[i];

        check_eq("a task finds its floating-point numbers as it left them (how often not)",
                 player->wrong_numbers, 0);
        check("when a task has left, its floating-point numbers are saved",
              memcmp(&player->proc.task.fpu, &player->numbers, sizeof(player->numbers)) == 0);
        check_eq("when they are saved its frame tells so: FS is clean",
                 player->proc.task.tf->status & SSTATUS_FS, SSTATUS_FS_CLEAN);
    }
    check("nothing is saved for a task without floating-point numbers",
          players[2].proc.task.fpu.f[1] == 0);
}

/* After "switch", because a switch must work at all. */
static void test_switch_memory(void)
{
    test_address_spaces();
    test_floating_point();
}

/* If a check of satp fails: when is the address space changed, before the switch or after it? If
   one of the numbers fails: which of the two frames tells that they must be saved, and which that
   they must be loaded? */
SELFTEST_AT(STAGE_BOOT, "switch-memory", test_switch_memory);
