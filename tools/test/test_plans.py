"""Tests of the challenges 2.C and 6.C: another plan has its points, a copy of a given one has none.

MANAGERS and CLASSES are allocators and schedulers with plans that this kernel does not have. Each
is put into the region, built and judged, and must pass: a test that asks for one certain plan
fails here. A copy of first fit must have no points, also beside a student's own wrong first fit.
Wrong solutions and more copies are in tools/mutants.

Needs a compiler and QEMU.
Run alone: python3 tools/test/test_plans.py
"""
import os
import sys
import unittest

TOOLS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
ROOT = os.path.dirname(TOOLS)
sys.path.insert(0, TOOLS)
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from exercise import mutants, regions
from grader.model import Verdict
from labs.catalogue import load
from trees import ShopTest

MANAGER = """
static struct Page *own_alloc_pages(size_t n)
{
    struct Page *found = NULL;

    if (n == 0 || n > free_area.nr_free)
        return NULL;
    list_for_each(pos, &free_area.free_list) {
        struct Page *head = le2page(pos);

        if (head->property >= n && (CONDITION))
            found = head;
    }
    if (found != NULL)
        free_area_take(found, n);
    return found;
}

const struct pmm_manager own_pmm_manager = {
    .name = "own",
    .init = free_area_init,
    .init_memmap = free_area_put,
    .alloc_pages = own_alloc_pages,
    .free_pages = free_area_put,
    .nr_free_pages = free_area_size,
    .check = free_area_check,
};
"""
MANAGERS = {
    "worst fit": "found == NULL || head->property > found->property",
    "large blocks from the high end": "found == NULL || n > 4",
    "first fit that leaves no rest of one page, where it can":
        "found == NULL || found->property == n + 1",
}

CLASS = """
static void own_init(struct run_queue *rq)
{
    list_init(&rq->run_list);
}

static void own_enqueue(struct run_queue *rq, struct task *task)
{
    task->time_slice = 1;
    ENQUEUE
}

static void own_dequeue(__unused struct run_queue *rq, struct task *task)
{
    list_del_init(&task->run_link);
}

static struct task *own_pick_next(struct run_queue *rq)
{
    PICK
}

static void own_proc_tick(__unused struct run_queue *rq, struct task *task)
{
    if (--task->time_slice <= 0)
        atomic_store(&task->need_resched, true);
}

const struct sched_class own_sched_class = {
    .name = "own",
    .init = own_init,
    .enqueue = own_enqueue,
    .dequeue = own_dequeue,
    .pick_next = own_pick_next,
    .proc_tick = own_proc_tick,
};
"""
LAST = "list_add_before(&rq->run_list, &task->run_link);"
FIRST = """if (list_empty(&rq->run_list))
        return NULL;
    return to_struct(list_next(&rq->run_list), struct task, run_link);"""
LOTTERY = """static uint32_t state = 1;
    uint32_t ticket = 0;
    list_entry_t *pos;
    for (pos = list_next(&rq->run_list); pos != &rq->run_list; pos = list_next(pos))
        ticket += to_struct(pos, struct task, run_link)->lab6_priority + 1;
    if (ticket == 0)
        return NULL;
    state = state * 1664525 + 1013904223;
    ticket = (state >> 8) % ticket;
    for (pos = list_next(&rq->run_list); ; pos = list_next(pos)) {
        struct task *task = to_struct(pos, struct task, run_link);
        if (ticket <= task->lab6_priority)
            return task;
        ticket -= task->lab6_priority + 1;
    }"""
CLASSES = {
    "who has slept goes first":
        ("if (task->wait_state != 0)\n        list_add_after(&rq->run_list, &task->run_link);\n"
         "    else\n        " + LAST, FIRST),
    "lottery": (LAST, LOTTERY),
}


class PlansTest(ShopTest):
    """The plans, built one after the other in one workshop."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.tests = {test.name: test for lab in load() for test in lab.tests}

    def outcome(self, texts, name):
        with self.shop.variant(texts) as built:
            self.assertTrue(built.succeeded, built.output)
            return self.shop.judge(self.tests[name])

    def own(self, path, exercise, text):
        """{path: text} of a file of the tree that has this text as a student's own solution."""
        old = regions.read(ROOT, path)
        region = next(each for each in regions.parse(old, path) if each.exercise == exercise)
        return {path: regions.replace(old, path, {region.key: text})}

    def test_other_managers_pass(self):
        for name, condition in MANAGERS.items():
            text = self.own("kern/mm/pmm_own.c", "2.C", MANAGER.replace("CONDITION", condition))
            outcome = self.outcome(text, "pmm-own")
            self.assertTrue(outcome.passed, (name, outcome.reasons, outcome.console))

    def test_other_classes_pass(self):
        for name, (enqueue, pick) in CLASSES.items():
            text = self.own("kern/sched/sched_own.c", "6.C",
                            CLASS.replace("ENQUEUE", enqueue).replace("PICK", pick))
            outcome = self.outcome(text, "sched-plan-own")
            self.assertTrue(outcome.passed, (name, outcome.reasons, outcome.console))

    def test_a_copy_has_no_points_in_any_test(self):
        source = os.path.join(mutants.FOLDER, "2.C", "first-fit-again.txt")
        _, texts = mutants.read(source, ROOT, load())
        outcome = self.outcome(texts, "pmm-own")
        self.assertEqual((outcome.verdict, outcome.points), (Verdict.WRONG, 0))
        self.assertEqual(outcome.reasons[0], "it counts only if the test pmm-plan-own passes:")
        self.assertIn("another one than first fit's", outcome.reasons[1])

    def test_own_plan_beside_wrong_first_fit(self):
        """A 2.C that does not use 2.1 is judged without it. A copy stays a copy beside a wrong 2.1,
        and a student who left 2.1 blank has the points for a plan."""
        path = "kern/mm/pmm_first_fit.c"
        old = regions.read(ROOT, path)
        _, texts = mutants.read(os.path.join(mutants.FOLDER, "2.C", "first-fit-again.txt"), ROOT,
                                load())
        wrong = old.replace("head->property >= n", "head->property > n")
        outcome = self.outcome({**texts, path: wrong}, "pmm-plan-own")
        self.assertEqual(outcome.verdict, Verdict.WRONG)
        outcome = self.outcome({path: regions.blank(old, path, {"2.1"})}, "pmm-plan-own")
        self.assertTrue(outcome.passed, outcome.reasons)


if __name__ == "__main__":
    unittest.main()
