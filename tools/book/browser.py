"""A browser without a window, told what to do: Chromium, by its DevTools protocol.

Browser starts it with an empty profile, opens pages of a width, in light or dark, runs JavaScript
in them and presses keys. Commands and answers are JSON in frames of a WebSocket (RFC 6455), of
which this speaks as much as it needs: text, masked as a client's must be, and parts that it joins.

What Chromium refuses is a BrowserError, and so is a machine without it. close() ends it.
"""
import base64
import http.client
import json
import os
import shutil
import socket
import struct
import subprocess
import tempfile
import time

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
MISSING = "a look at the book needs Chromium, and it is not installed: install the package " \
          "chromium of your system"
PATIENCE = 30                                   # seconds until it must have started, or answered
KEYS = {"Tab": (9, ""), "Enter": (13, "\r"), "Escape": (27, "")}


class BrowserError(Exception):
    """There is no browser, or it does not do what it is told."""


def frame(text):
    """A text as one frame of a client."""
    data, mask = text.encode(), os.urandom(4)
    long = len(data)
    size = struct.pack(">B", 128 | long) if long < 126 else \
        struct.pack(">BH", 254, long) if long < 1 << 16 else struct.pack(">BQ", 255, long)
    return b"\x81" + size + mask + bytes(each ^ mask[at % 4] for at, each in enumerate(data))


def unframe(read):
    """The text of one message of a server; read(n) gives the next n bytes."""
    text = b""
    while True:
        first, long = read(2)
        if long == 126:
            long, = struct.unpack(">H", read(2))
        elif long == 127:
            long, = struct.unpack(">Q", read(8))
        data = read(long)
        if first & 15 == 8:
            raise BrowserError("the browser has ended the connection")
        text += data if first & 15 in (0, 1) else b""
        if first & 128 and first & 15 in (0, 1):
            return text.decode()


class Browser:
    """One browser with one page."""

    def __init__(self):
        program = next(filter(None, map(shutil.which, NAMES)), None)
        if not program:
            raise BrowserError(MISSING)
        self.profile, self.number = tempfile.mkdtemp(), 0
        as_root = ["--no-sandbox"] if os.geteuid() == 0 else []
        self.process = subprocess.Popen(
            [program, "--headless=new", "--disable-gpu", "--hide-scrollbars", "about:blank",
             "--remote-debugging-port=0", "--user-data-dir=" + self.profile] + as_root,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            self.connect()
        except (OSError, BrowserError) as error:
            self.close()
            raise BrowserError("Chromium does not start: %s" % error)

    def connect(self):
        """Wait for its port, and speak to its page."""
        self.port = int(self.wait(self.told, "it opens no port"))
        path = self.wait(self.page, "it has no page")
        self.socket = socket.create_connection(("127.0.0.1", self.port), PATIENCE)
        self.stream = self.socket.makefile("rb")
        key = base64.b64encode(os.urandom(16)).decode()
        self.socket.sendall((
            "GET %s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: %s\r\n\r\n" % (
                path, self.port, key)).encode())
        while self.stream.readline().strip():
            pass

    def wait(self, look, words):
        """What look() gives, as soon as it is something."""
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end and self.process.poll() is None:
            found = look()
            if found:
                return found
            time.sleep(0.05)
        raise BrowserError(words)

    def told(self):
        """The port, which it writes into a file."""
        path = os.path.join(self.profile, "DevToolsActivePort")
        if not os.path.isfile(path):
            return None
        with open(path) as file:
            return file.readline().strip()

    def page(self):
        """Where its page can be spoken to."""
        asked = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        asked.request("GET", "/json/list")
        pages = [each for each in json.load(asked.getresponse()) if each["type"] == "page"]
        asked.close()
        return pages and pages[0]["webSocketDebuggerUrl"].split(str(self.port), 1)[1]

    def read(self, long):
        data = self.stream.read(long)
        if len(data) < long:
            raise BrowserError("the browser has ended")
        return data

    def tell(self, method, **values):
        """One command; its result."""
        self.number += 1
        self.socket.sendall(frame(json.dumps(
            {"id": self.number, "method": method, "params": values})))
        while True:
            answer = json.loads(unframe(self.read))
            if answer.get("id") == self.number:
                if "error" in answer:
                    raise BrowserError("%s: %s" % (method, answer["error"].get("message")))
                return answer["result"]

    def run(self, script):
        """The value of a JavaScript expression."""
        told = self.tell("Runtime.evaluate", expression=script, returnByValue=True)
        if "exceptionDetails" in told:
            raise BrowserError("%s, in %s" % (told["exceptionDetails"]["text"], script[:60]))
        return told["result"].get("value")

    def open(self, path, width, dark=False):
        """Show a file in a window of a width."""
        self.tell("Emulation.setDeviceMetricsOverride", width=width, height=900,
                  deviceScaleFactor=1, mobile=False)
        self.tell("Emulation.setEmulatedMedia", media="", features=[
            {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}])
        self.tell("Page.navigate", url="file://" + os.path.abspath(path))
        name = json.dumps(os.path.basename(path))
        self.wait(lambda: self.run("document.readyState === 'complete' && "
                                   "location.pathname.endsWith(%s)" % name), "no " + path)

    def press(self, key):
        code, text = KEYS[key]
        for kind in ("keyDown", "keyUp"):
            more = {"text": text} if text and kind == "keyDown" else {}
            self.tell("Input.dispatchKeyEvent", type=kind, key=key, code=key,
                      windowsVirtualKeyCode=code, **more)

    def close(self):
        self.process.kill()
        self.process.wait()
        for each in (getattr(self, "stream", None), getattr(self, "socket", None)):
            if each:
                each.close()
        shutil.rmtree(self.profile, ignore_errors=True)
