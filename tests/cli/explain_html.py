#!/usr/bin/env python3
"""
The page of memql explain --html: well formed, nothing in it but itself; in a browser, pointing
at words marks what belongs to them and the other way round, a click keeps it and another one
drops it, no script fails, and it can be printed. The browser part is skipped without Chromium.
"""
import base64
import html.parser
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

MEMQL = os.environ["MEMQL"]
PROGRAM = """BEGIN { @start[tid] = nsecs; }
interval:s:1 /@start[1] < 5 && cpu > 0/ {
  @us[comm] = hist((nsecs - @start[tid]) / 1000);
  printf("<b>&%d\\n", 1);
}
"""
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")
failed = []


def check(ok, what):
    if not ok:
        failed.append(what)
        print("FAILED:", what)


class Page(html.parser.HTMLParser):
    def __init__(self):
        super().__init__()
        self.open, self.attributes, self.text = [], [], []

    def handle_starttag(self, tag, attrs):
        if tag not in ("meta", "br"):
            self.open.append(tag)
        self.attributes += attrs

    def handle_endtag(self, tag):
        check(self.open and self.open[-1] == tag, f"</{tag}> at {self.getpos()}")
        self.open.pop()

    def handle_data(self, data):
        if self.open and self.open[-1] not in ("style", "script"):
            self.text.append(data)


class Browser:
    """Chromium, by its protocol over a pair of pipes."""

    def __init__(self, path, folder):
        to_read, self.to = os.pipe()
        self.come, from_write = os.pipe()
        os.set_inheritable(to_read, True)
        os.set_inheritable(from_write, True)

        def descriptors():
            os.dup2(to_read, 3)
            os.dup2(from_write, 4)

        self.process = subprocess.Popen(
            [path, "--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run",
             "--disable-dev-shm-usage", f"--user-data-dir={folder}",
             "--remote-debugging-pipe", "about:blank"],
            close_fds=False, preexec_fn=descriptors,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        os.close(to_read)
        os.close(from_write)
        self.rest, self.number, self.session, self.events = b"", 0, None, []

    def receive(self):
        while b"\0" not in self.rest:
            more = os.read(self.come, 1 << 16)
            if not more:
                raise EOFError("the browser ended")
            self.rest += more
        message, self.rest = self.rest.split(b"\0", 1)
        return json.loads(message)

    def call(self, method, **params):
        self.number += 1
        request = {"id": self.number, "method": method, "params": params}
        if self.session:
            request["sessionId"] = self.session
        os.write(self.to, json.dumps(request).encode() + b"\0")
        while True:
            answer = self.receive()
            if answer.get("id") == self.number:
                return answer.get("result", answer)
            self.events.append(answer)

    def open(self, url):
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.call("Target.attachToTarget", targetId=target,
                                 flatten=True)["sessionId"]
        self.call("Runtime.enable")
        self.call("Page.enable")
        self.call("Emulation.setDeviceMetricsOverride", width=1400, height=900,
                  deviceScaleFactor=1, mobile=False)
        self.call("Page.navigate", url=url)
        while not any(e.get("method") == "Page.loadEventFired" for e in self.events):
            self.events.append(self.receive())

    def ask(self, expression):
        return self.call("Runtime.evaluate", expression=expression,
                         returnByValue=True)["result"].get("value")

    def mouse(self, kind, x, y):
        self.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left",
                  clickCount=1)

    def close(self):
        self.session = None
        try:
            self.call("Browser.close")
        except EOFError:
            pass
        self.process.wait(timeout=20)


def marks(browser, name):
    """How many elements of this class are in the source, and beside it."""
    return [browser.ask(f"document.querySelectorAll('{where} .{name}').length")
            for where in ("#source", "#layers")]


def place(browser, element):
    return browser.ask(f"(e => {{ e.scrollIntoView({{block: 'center'}});"
                       " const r = e.getClientRects()[0];"
                       " return [r.x + 2, r.y + r.height / 2]; })"
                       f"({element})")


def test_browser(path, page):
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        browser = Browser(path, folder)
        try:
            browser.open(page.as_uri())
            word = ("[...document.querySelectorAll('#source [data-part]')]"
                    ".find(e => e.textContent === 'nsecs')")
            x, y = place(browser, word)
            browser.mouse("mouseMoved", x, y)
            check(marks(browser, "hover") == [1, 1], f"pointing: {marks(browser, 'hover')}")
            check(browser.ask("document.querySelector('#layers .hover h3').textContent")
                  .endswith("nsecs"), "what it marks")
            browser.mouse("mousePressed", x, y)
            browser.mouse("mouseReleased", x, y)
            check(marks(browser, "picked") == [1, 1], f"a click: {marks(browser, 'picked')}")
            browser.mouse("mouseMoved", 2, 2)
            check(marks(browser, "hover") == [0, 0], "pointing away")
            check(marks(browser, "picked") == [1, 1], "a click lasts")
            title = ("[...document.querySelectorAll('#layers h3')]"
                     ".find(e => e.textContent.endsWith(' comm'))")
            x, y = place(browser, title)
            browser.mouse("mousePressed", x, y)
            browser.mouse("mouseReleased", x, y)
            check(browser.ask("document.querySelector('#source .picked').textContent")
                  == "comm", "a click beside the source marks the words")
            browser.mouse("mousePressed", x, y)
            browser.mouse("mouseReleased", x, y)
            check(marks(browser, "picked") == [0, 0], "a second click drops it")
            wide = browser.ask("document.documentElement.scrollWidth")
            check(wide <= 1400, f"it is {wide} wide")
            pdf = base64.b64decode(browser.call("Page.printToPDF")["data"])
            check(pdf.startswith(b"%PDF") and len(pdf) > 20000, f"{len(pdf)} bytes printed")
            errors = [e for e in browser.events
                      if e.get("method") == "Runtime.exceptionThrown"]
            check(not errors, f"errors of its script: {errors}")
        finally:
            browser.close()


done = subprocess.run([MEMQL, "explain", "--html", "-e", PROGRAM], capture_output=True,
                      text=True)
check(done.returncode == 0, done.stderr)
parsed = Page()
parsed.feed(done.stdout)
check(not parsed.open, f"still open: {parsed.open}")
outside = [v for n, v in parsed.attributes if n in ("src", "href") and v[0] != "#"]
check(not outside and "@import" not in done.stdout, f"it needs {outside}")
text = "".join(parsed.text)
check('printf("<b>&%d\\n", 1)' in text, "the program's text is shown as it is")
numbers = [v for n, v in parsed.attributes if n == "data-part"]
alone = [n for n in set(numbers) if numbers.count(n) < 2]
check(len(set(numbers)) > 10 and not alone, f"not linked: {alone}")
broken = b'BEGIN { printf("a\xff\xc3\xa9\xe2\x82"); } // \xed\xa0\x80\xf0\x9f\x98\x80\n'
with tempfile.NamedTemporaryFile(suffix=".mq") as file:
    file.write(broken)
    file.flush()
    page = subprocess.run([MEMQL, "explain", "--html", file.name], capture_output=True).stdout
    data = subprocess.run([MEMQL, "explain", "--json", file.name], capture_output=True).stdout
shown = html.unescape(page.decode(errors="surrogateescape"))
check("// \ufffd\ufffd\ufffd\U0001f600\n" in shown and "a\ufffd\u00e9\ufffd\ufffd" in shown,
      "what is no UTF-8 is U+FFFD")
check(not any("\udc80" <= c <= "\udcff" for c in shown), "the page is UTF-8")
check(json.loads(data.decode())["type"] == "explain", "--json is UTF-8, too")
browser_path = next(filter(None, map(shutil.which, BROWSERS)), None)
if browser_path and not failed:
    with tempfile.NamedTemporaryFile("w", suffix=".html") as file:
        file.write(done.stdout)
        file.flush()
        test_browser(browser_path, Path(file.name))
if failed:
    sys.exit(1)
if not browser_path:
    print("no Chromium: the page was read, but not clicked on")
    sys.exit(77)
