"""A headless Chromium, driven over the WebDriver protocol: https://www.w3.org/TR/webdriver2/."""

from __future__ import annotations

import base64
import json
import shutil
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from local_workspace.engines.processes import free_port

DRIVER, CHROMIUM = shutil.which("chromedriver"), shutil.which("chromium")
MISSING = "there is no chromium here: apt-get install chromium chromium-driver"
_FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update", "--window-size=1400,1000"),
)
_ELEMENT = "element-6066-11e4-a52e-4f735466cecf"  # how the protocol writes a reference to an element


class Browser:
    """One session of the browser."""

    def __init__(self, driver: str, session: str) -> None:
        self._url = f"{driver}/session/{session}"

    def go(self, url: str) -> None:
        """Load a page. One that only its fragment tells from the page shown would not be loaded: leave that first."""
        _call("POST", f"{self._url}/url", {"url": "about:blank"})
        _call("POST", f"{self._url}/url", {"url": url})

    @property
    def url(self) -> str:
        return str(_call("GET", f"{self._url}/url"))

    @property
    def text(self) -> str:
        """What a reader sees."""
        return str(self.run("return document.body.innerText"))

    def run(self, script: str) -> Any:
        return _call("POST", f"{self._url}/execute/sync", {"script": script, "args": []})

    def type(self, selector: str, text: str) -> None:
        _call("POST", f"{self._url}/element/{self._find(selector)}/value", {"text": text})

    def click(self, selector: str) -> None:
        _call("POST", f"{self._url}/element/{self._find(selector)}/click", {})

    def cookies(self) -> list[dict[str, Any]]:
        return list(_call("GET", f"{self._url}/cookie"))

    def wait_for(self, text: str, timeout_s: float = 20) -> str:
        """Return the page's text once it holds `text`."""
        deadline = time.monotonic() + timeout_s
        while text not in (shown := self.text):
            assert time.monotonic() < deadline, f"{text!r} does not come at {self.url}: {shown[:2000]}"
            time.sleep(0.1)
        return shown

    def screenshot(self, path: Path) -> None:
        path.write_bytes(base64.b64decode(_call("GET", f"{self._url}/screenshot")))

    def _find(self, selector: str) -> str:
        found = _call("POST", f"{self._url}/element", {"using": "css selector", "value": selector})
        return str(found[_ELEMENT])


@contextmanager
def open_browser(directory: Path) -> Iterator[Browser]:
    """Start a browser whose profile is in `directory`."""
    assert DRIVER and CHROMIUM, MISSING
    port = free_port()
    driver = f"http://127.0.0.1:{port}"
    process = subprocess.Popen([DRIVER, f"--port={port}"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        _wait_ready(driver)
        options = {"binary": CHROMIUM, "args": [*_FLAGS, f"--user-data-dir={directory}"]}
        wanted = {"capabilities": {"alwaysMatch": {"browserName": "chrome", "goog:chromeOptions": options}}}
        session = _call("POST", f"{driver}/session", wanted)["sessionId"]
        yield Browser(driver, session)
        _call("DELETE", f"{driver}/session/{session}")
    finally:
        process.terminate()
        process.wait(10)


def _wait_ready(driver: str) -> None:
    deadline = time.monotonic() + 20
    while True:
        try:
            if _call("GET", f"{driver}/status")["ready"]:
                return
        except OSError:
            assert time.monotonic() < deadline, "chromedriver does not answer"
        time.sleep(0.05)


def _call(method: str, url: str, body: Any = None) -> Any:
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"Content-Type": "application/json"}, method=method)
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.load(answer)["value"]
