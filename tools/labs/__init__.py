"""The labs as data: their exercises, the points, and the tests that give them.

Each file labN.py has one Lab of grader.model by the name LAB; catalogue.py loads and checks them.
beyond.py has tests of what no exercise asks for. reports.txt has what each test reports when all is
well: see grader/record.py.

This file makes the folder a package. Without it a package of the same name that is installed on
this machine would take its place.
"""
