"""The picture in README.md: a session in a terminal, made from what a machine has really printed.

    picture.py LOG          write docs/session.svg; LOG is obj/TOOLCHAIN/grade/sh-session.log, which
                            make grade GRADE=--all TEST=sh-session leaves

tools/test/test_picture.py boots that session again and compares it with the picture. Numbers may
differ, and so may the moment at which the shell tells of a program that it has killed, so that the
picture need not follow each change of the kernel. If nothing else is new, the file stays as it is.
"""
import html
import re
import sys

PATH = "docs/session.svg"
PROMPT = "rvlab$ "
WIDTH, LINE, LEFT = 760, 19, 16
FRAME = """<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" role="img"
  aria-label="a session with rvlab in a terminal">
<rect width="100%%" height="100%%" rx="8" fill="#1e1e2e"/>
<g font-family="DejaVu Sans Mono, Menlo, Consolas, monospace" font-size="14" xml:space="preserve">
%s</g>
</svg>
"""


def session(log):
    """The lines of a console, from the kernel's first one on. Empty lines are left out, and so are
    prompts at which nothing was typed."""
    lines = log.replace("\r", "").split("\n")
    first = next(number for number, line in enumerate(lines) if line.startswith("rvlab, a "))
    return ["$ make qemu"] + [line for line in lines[first:] if line.strip() != PROMPT.strip()
                              and line.strip()]


def picture(lines):
    """The SVG that shows these lines; those that a user has typed have another colour."""
    texts = []
    for number, line in enumerate(lines, 1):
        typed = line.startswith(("$ ", PROMPT))
        texts.append('<text x="%d" y="%d" fill="%s">%s</text>\n' % (
            LEFT, number * LINE + 8, "#a6e3a1" if typed else "#cdd6f4", html.escape(line)))
    return FRAME % (WIDTH, len(lines) * LINE + 24, "".join(texts))


def drawn(svg):
    """The lines that a picture shows, read back from its SVG."""
    return [html.unescape(text) for text in re.findall(r"<text [^>]*>(.*?)</text>", svg)]


def lasting(lines):
    """The part of these lines that must be the same in each run of each kernel."""
    return [re.sub(r"\d+", "0", line) for line in lines if not re.match(r"\[\d+\] \w+: ", line)]


def main():
    with open(sys.argv[1], encoding="utf-8", errors="replace") as file:
        lines = session(file.read())
    with open(PATH, encoding="utf-8") as file:
        shown = drawn(file.read())
    if lasting(shown) == lasting(lines):
        print("%s shows this session already" % PATH)
        return
    with open(PATH, "w", encoding="utf-8", newline="\n") as file:
        file.write(picture(lines))


if __name__ == "__main__":
    main()
