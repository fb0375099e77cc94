"""A real Chromium, driven over its debugging pipe: no driver program, no further library.

The protocol: https://chromedevtools.github.io/devtools-protocol/, one JSON object per message,
ended by a zero byte, on the file descriptors 3 and 4.
"""

from __future__ import annotations

import base64
import json
import os
import select
import shutil
import subprocess
from pathlib import Path
from types import TracebackType
from typing import Any

from edgecls._lib.deadline import Deadline

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--remote-debugging-pipe",
)
ANSWER_S = 60.0


class Browser:
    """One page of a fresh Chromium. `complaints` gathers console errors and refused content."""

    def __init__(self, profile: Path) -> None:
        assert CHROMIUM is not None
        commands, self._write = os.pipe()
        self._read, answers = os.pipe()
        wire = f'exec "$@" 3<&{commands} 4>&{answers}'
        self._process = subprocess.Popen(
            ["bash", "-c", wire, "-", CHROMIUM, *FLAGS, f"--user-data-dir={profile}"],
            pass_fds=(commands, answers),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(commands)
        os.close(answers)
        self._rest = b""
        self._count = 0
        self._session: str | None = None
        self.complaints: list[str] = []
        self._events: list[dict[str, Any]] = []
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        attached = self.call("Target.attachToTarget", targetId=target, flatten=True)
        self._session = attached["sessionId"]
        for domain in ("Page", "Runtime", "Log"):
            self.call(f"{domain}.enable")

    def __enter__(self) -> Browser:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._process.kill()
        self._process.wait()
        os.close(self._write)
        os.close(self._read)

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Send one command and return its result."""
        self._count += 1
        message: dict[str, Any] = {"id": self._count, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._write, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._next(Deadline(ANSWER_S))
            if answer.get("id") == self._count:
                assert "error" not in answer, answer["error"]
                result: dict[str, Any] = answer["result"]
                return result

    def open(self, url: str) -> None:
        """Go to `url` and wait until it has loaded."""
        self._events.clear()
        self.call("Page.navigate", url=url)
        self._wait_for_load()

    def leave_by(self, script: str) -> None:
        """Run JavaScript that leads to another page, and wait until that has loaded."""
        self._events.clear()
        self.call("Runtime.evaluate", expression=f"setTimeout(() => {{ {script} }}, 0); 0")
        self._wait_for_load()

    def click(self, selector: str) -> None:
        """Click an element that leads to another page, and wait until that has loaded."""
        self.leave_by(f"document.querySelector({json.dumps(selector)}).click()")

    def fill(self, selector: str, text: str) -> None:
        """Type `text` into a field, key by key as far as the page can tell."""
        self.ask(f"document.querySelector({json.dumps(selector)}).focus()")
        self.call("Input.insertText", text=text)

    def ask(self, script: str) -> Any:
        """Return the value of a JavaScript expression; a promise is waited for."""
        result = self.call(
            "Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True
        )
        assert "exceptionDetails" not in result, result
        return result["result"].get("value")

    def wait_for(self, script: str, *, within_s: float = 30.0) -> None:
        """Wait until a JavaScript expression is true in the page."""
        poll = (
            f"new Promise((done) => {{ const end = Date.now() + {within_s * 1000};"
            f"(function look() {{ if ({script}) done(true); else if (Date.now() > end) done(false);"
            "else setTimeout(look, 50); })(); })"
        )
        try:
            found = self.ask(poll)
        except AssertionError as error:
            if "navigated" not in str(error):
                raise
            found = self.ask(poll)  # the page was left meanwhile
        assert found, f"never became true: {script}\n{self.ask('document.body.innerText')}"

    def emulate(self, *, width: int, height: int, dark: bool = False, zone: str = "UTC") -> None:
        """Set the window, the colour scheme and the time zone."""
        self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=width < 600,
        )
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.call("Emulation.setEmulatedMedia", features=[scheme])
        self.call("Emulation.setTimezoneOverride", timezoneId=zone)

    def photograph(self, path: Path) -> None:
        """Write a PNG of the window."""
        data = self.call("Page.captureScreenshot", format="png", captureBeyondViewport=True)["data"]
        path.write_bytes(base64.b64decode(data))

    def _wait_for_load(self) -> None:
        deadline = Deadline(ANSWER_S)
        while not any(event["method"] == "Page.loadEventFired" for event in self._events):
            self._next(deadline)

    def _next(self, deadline: Deadline) -> dict[str, Any]:
        """Return the next message; events are kept aside, complaints noted."""
        while b"\0" not in self._rest:
            ready, _, _ = select.select([self._read], [], [], deadline.remaining_s)
            assert ready, "Chromium does not answer"
            chunk = os.read(self._read, 1 << 16)
            assert chunk, f"Chromium ended with code {self._process.poll()}"
            self._rest += chunk
        text, _, self._rest = self._rest.partition(b"\0")
        message: dict[str, Any] = json.loads(text)
        if "method" in message:
            self._events.append(message)
            self._note(message)
        return message

    def _note(self, event: dict[str, Any]) -> None:
        about = event["params"]
        if event["method"] == "Runtime.exceptionThrown":
            self.complaints.append(str(about["exceptionDetails"]))
        elif event["method"] == "Log.entryAdded" and about["entry"]["level"] == "error":
            self.complaints.append(about["entry"]["text"])
        elif event["method"] == "Runtime.consoleAPICalled" and about["type"] == "error":
            self.complaints.append(str(about["args"]))
