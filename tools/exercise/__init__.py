"""Exercises: their regions in the tree, handouts, hand-ins."""
