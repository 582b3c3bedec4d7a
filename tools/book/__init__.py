"""The book: pages for a browser and an EPUB, made of labcodes.md and docs/ by pandoc.

sources splits the texts into pages, and checks looks at what they name: links, pictures, commands.
These two need no pandoc. render makes HTML of a page, search the index, epub one file of all.
makebook.py is the command, which `make book` runs. template.html, style.css and book.js are what a
page looks like.
"""
