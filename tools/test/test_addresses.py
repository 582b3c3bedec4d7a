"""Addresses outside of the tree: makebook.py --outside tells by name which lead nowhere.

A server on this host plays the network; so nothing here needs one. It has pages, one that refuses
HEAD, one that leads elsewhere, and none. That no server answers at all is tried with a closed port.
What of a text is an address, and what belongs to the sentence around it, has a test of its own.

The addresses of this tree are looked at too, but not asked.
"""
import http.server
import os
import sys
import threading
import unittest
from unittest import mock

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(TOP, "tools"))

from book import outside, sources

PAGES = {"/good": "<p id=here><a name='there'>x</a>", "/shy": "no HEAD"}


class Server(http.server.BaseHTTPRequestHandler):
    """Pages, one that refuses HEAD, one that leads to another, and none."""

    def answer(self, status, text=""):
        self.send_response(status)
        if status == 301:
            self.send_header("Location", "/good")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())

    def do_HEAD(self):
        self.answer(405 if self.path == "/shy" else 301 if self.path == "/moved" else
                    200 if self.path in PAGES else 404)

    def do_GET(self):
        self.answer(200 if self.path in PAGES else 404, PAGES.get(self.path, ""))

    def log_message(self, *words):
        pass


class Addresses(unittest.TestCase):
    def setUp(self):
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Server)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        self.at = "http://127.0.0.1:%d" % server.server_port
        # A proxy of this host must not be asked for this host.
        change = mock.patch.dict(os.environ, {"no_proxy": "127.0.0.1", "NO_PROXY": "127.0.0.1"})
        change.start()
        self.addCleanup(change.stop)

    def complaints(self, *texts):
        return outside.complaints([sources.Page("p%d" % number, "docs/%d.md" % number, "docs", text)
                                   for number, text in enumerate(texts)])

    def test_all_is_well(self):
        self.assertEqual([], self.complaints("".join(
            "[x](%s%s), " % (self.at, path)
            for path in ("/good", "/shy", "/moved", "/good#here", "/good#there"))))

    def test_dead_ones_are_named(self):
        self.assertEqual(["docs/0.md, docs/1.md: %s/gone answers 404 Not Found" % self.at,
                          "docs/0.md: %s/good#no has no #no" % self.at],
                         self.complaints("<%s/gone>, [x](%s/good#no)" % (self.at, self.at),
                                         "见 [x](%s/gone)，还有%s/good。" % (self.at, self.at)))

    def test_one_that_is_silent(self):
        self.assertRegex("\n".join(self.complaints("%s/good http://127.0.0.1:1/x" % self.at)),
                         r"^docs/0.md: http://127.0.0.1:1/x does not answer: .*refused$")

    def test_no_network(self):
        self.assertRegex("\n".join(self.complaints("http://127.0.0.1:1/x http://127.0.0.1:1/y")),
                         r"^none of 2 addresses answers: is there a network\? http://127.0.0.1:1/x")

    def test_what_is_an_address(self):
        text = "# A\n\nSee [x](https://a.org/b_(c)) (https://a.org/d#e). `https://no.org` " \
               "**https://a.org/f**, https://a.org/g：中文\n\n    https://code.org\n"
        self.assertEqual(["https://a.org/b_(c)", "https://a.org/d#e", "https://a.org/f",
                          "https://a.org/g"],
                         list(outside.addresses([sources.Page("p", "p.md", "docs", text)])))

    def test_those_of_this_tree(self):
        """Both texts of the labs name the same; each is of a safe kind, without a letter lost."""
        found = outside.addresses(sources.load(TOP) + sources.load_chinese(TOP))
        self.assertGreater(len(found), 30)
        for address, names in found.items():
            self.assertRegex(address, r"^https://[\w.-]+\.\w+(/[\w./~+-]*)?(#[\w.-]+)?$")
            if "labcodes.md" in names or "labcodes.zh.md" in names:
                self.assertTrue({"labcodes.md", "labcodes.zh.md"} <= set(names), (address, names))


if __name__ == "__main__":
    unittest.main()
