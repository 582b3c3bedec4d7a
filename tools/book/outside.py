"""Links of the book that lead outside: do they still lead to something?

    makebook.py --outside

asks each address once, a few at a time, and tells each that does not answer as it should, with the
texts that name it. An #anchor must be an id in the page that comes. It needs a network, so it is no
test of the tree: run it before a term. Proxies are those of the environment (https_proxy).

One host that is slow or refuses programs is told as what it said; look at such a page yourself.
"""
import concurrent.futures
import re
import urllib.error
import urllib.parse
import urllib.request

from book import sources

# Letters of ASCII, and brackets in pairs: the text behind an address may be Chinese.
ADDRESS = re.compile(r"\bhttps?://(?:[!#-';*-;=?-_a-~]|\([!#-';*-;=?-_a-~]*\))+", re.A)
AT_ONCE, SECONDS, MOST = 8, 20, 4 << 20         # requests, patience, bytes that are read of a page
AGENT = {"User-Agent": "Mozilla/5.0 (rvlab book, a check of links)"}
SILENT = "does not answer: "
REFUSES_HEAD = (403, 405, 501)                  # then the page itself is asked for


def addresses(pages):
    """{address: sources that name it, sorted} of the prose of pages."""
    found = {}
    for page in pages:
        for line, is_code in sources.lines_of(page.text):
            for address in [] if is_code else ADDRESS.findall(re.sub("`[^`]*`", "", line)):
                found.setdefault(address.rstrip(".,;:!?'*"), set()).add(page.source)
    return {address: sorted(names) for address, names in sorted(found.items())}


def ask(address, method):
    """The text of a page, or "" for HEAD."""
    request = urllib.request.Request(address, headers=AGENT, method=method)
    with urllib.request.urlopen(request, timeout=SECONDS) as answer:
        return answer.read(MOST).decode("utf-8", "replace") if method == "GET" else ""


def wrong(address):
    """What is wrong with an address, or None."""
    place, _, anchor = address.partition("#")
    try:
        try:
            text = ask(place, "GET" if anchor else "HEAD")
        except urllib.error.HTTPError as error:
            if anchor or error.code not in REFUSES_HEAD:
                raise
            text = ask(place, "GET")
    except urllib.error.HTTPError as error:
        return "answers %d %s" % (error.code, error.reason)
    except urllib.error.URLError as error:
        return SILENT + str(error.reason)
    except (OSError, ValueError) as error:      # a broken connection; an address that is none
        return SILENT + (str(error) or type(error).__name__)
    if anchor and not re.search(r"\b(?:id|name)=[\"']?%s\b" % re.escape(
            urllib.parse.unquote(anchor)), text):
        return "has no #%s" % anchor
    return None


def complaints(pages):
    """Sentences about addresses that lead nowhere, one for each; only one if none answers at all,
    because then it is the network that is not there."""
    found = addresses(pages)
    with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as many:
        said = dict(zip(found, many.map(wrong, found)))
    if said and all(what and what.startswith(SILENT) for what in said.values()):
        address, what = next(iter(said.items()))
        return ["none of %d addresses answers: is there a network? %s %s" % (
            len(said), address, what)]
    return ["%s: %s %s" % (", ".join(found[address]), address, what)
            for address, what in said.items() if what]
