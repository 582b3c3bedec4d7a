"""The tasks as data: what a student finds the places for, and hands in as a patch.

Each file taskN.py has the tasks of lab N by the name TASKS; catalogue.py loads and checks them. The
other files are the programs and self tests by which they are judged. They are no part of the kernel
that is handed out: they are laid over a tree when a task is graded, whatever its patch says.

The solutions, and wrong ones, are in tools/taskpatches, which no handout has.
"""
