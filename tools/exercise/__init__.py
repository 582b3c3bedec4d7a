"""Exercises: their regions in the tree, handouts, hand-ins, marks, and mutants.

Each module says in its head what it is for. regions.py and register.py are the base; handout.py and
manifest.py make and check a handout, handin.py and submissions.py write and read what students give
in, vet.py and symbols.py look at their texts, marks.py and gradebook.py grade them. mutants.py,
automutate.py and trials.py test the tests. `tools/lab` is the command line of most of them. A
handout has only the modules that students need: see handout.py.

This file makes the folder a package. Without it a package of the same name that is installed on
this machine would take its place.
"""
