# SPDX-License-Identifier: MIT
"""A headless Chromium that does what it is told, by the DevTools protocol over a pipe."""
import base64
import contextlib
import itertools
import json
import os
import shutil
import signal
import subprocess
import tempfile
import time

NAMES = "chromium-headless-shell", "chromium", "chromium-browser"
PATIENCE_S = 30


class Browser:
    """Use as a context: with Browser() as browser."""

    def __init__(self, width=1280, height=800, media=()):
        self.width, self.height, self.media = width, height, dict(media)
        self.ids = itertools.count(1)
        self.events, self.rest = [], b""
        self.session = self.target = None

    def __enter__(self):
        program = next(filter(None, map(shutil.which, NAMES)))
        self.profile = tempfile.mkdtemp()
        told_r, self.told = os.pipe()
        self.said, said_w = os.pipe()

        def pipes():  # the browser's are 3 and 4
            told, said = os.dup(told_r), os.dup(said_w)
            os.dup2(told, 3)
            os.dup2(said, 4)
        self.process = subprocess.Popen(
            [program, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--mute-audio",
             "--hide-scrollbars", "--remote-debugging-pipe", "--autoplay-policy=no-user-gesture-required",
             f"--user-data-dir={self.profile}", "about:blank"],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            preexec_fn=pipes, close_fds=False, start_new_session=True)
        os.close(told_r)
        os.close(said_w)
        os.set_blocking(self.said, False)
        self.new_page()
        return self

    def __exit__(self, *_):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        shutil.rmtree(self.profile, ignore_errors=True)

    def receive(self):
        end = time.monotonic() + PATIENCE_S
        while b"\0" not in self.rest:
            try:
                more = os.read(self.said, 1 << 20)
            except BlockingIOError:
                if time.monotonic() > end:
                    raise TimeoutError("the browser says nothing") from None
                time.sleep(0.005)
                continue
            if not more:
                raise EOFError("the browser has ended")
            self.rest += more
        message, self.rest = self.rest.split(b"\0", 1)
        return json.loads(message)

    def call(self, method, **params):
        number = next(self.ids)
        message = {"id": number, "method": method, "params": params}
        if self.session:
            message["sessionId"] = self.session
        data = json.dumps(message).encode() + b"\0"
        while data:
            data = data[os.write(self.told, data):]
        while (answer := self.receive()).get("id") != number:
            self.events.append(answer)
        if "error" in answer:
            raise RuntimeError(f"{method}: {answer['error']}")
        return answer["result"]

    def new_page(self):
        """In place of the one before, of which nothing is left."""
        self.session, before = None, self.target
        self.target = self.call("Target.createTarget", url="about:blank")["targetId"]
        if before:
            self.call("Target.closeTarget", targetId=before)
        self.events.clear()
        self.session = self.call("Target.attachToTarget", targetId=self.target, flatten=True)["sessionId"]
        for domain in "Page", "Runtime", "Log", "Network":
            self.call(domain + ".enable")
        self.resize(self.width, self.height)
        self.like(**self.media)

    def resize(self, width, height):
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)

    def like(self, **media):
        """like(prefers_color_scheme="dark")"""
        self.call("Emulation.setEmulatedMedia",
                  features=[{"name": name.replace("_", "-"), "value": value} for name, value in media.items()])

    def open(self, url):
        self.call("Page.navigate", url=url)
        self.until("document.readyState === 'complete' && location.href !== 'about:blank'")

    def run(self, expression):
        """Its value, of a promise what comes of it."""
        answer = self.call("Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True,
                           userGesture=True)
        if "exceptionDetails" in answer:
            raise RuntimeError(f"{expression}: {answer['exceptionDetails']}")
        return answer["result"].get("value")

    def until(self, expression):
        end = time.monotonic() + PATIENCE_S
        while not (value := self.run(expression)):
            if time.monotonic() > end:
                raise TimeoutError(f"in vain: {expression}")
            time.sleep(0.02)
        return value

    def key(self, key, code=0):
        text = {"text": key} if len(key) == 1 else {}
        for kind in ("keyDown", "keyUp"):
            self.call("Input.dispatchKeyEvent", type=kind, key=key, code=key, windowsVirtualKeyCode=code, **text)

    def image(self, **params):
        return base64.b64decode(self.call("Page.captureScreenshot", format="png", **params)["data"])

    def screenshot(self, path):
        with open(path, "wb") as file:
            file.write(self.image())

    def complaints(self):
        """Errors of scripts, and what a policy has refused, so far."""
        self.run("0")
        found = []
        for event in self.events:
            params = event.get("params", {})
            if event.get("method") == "Runtime.exceptionThrown":
                found.append(params["exceptionDetails"].get("exception", {}).get("description", "?"))
            elif event.get("method") == "Log.entryAdded" and params["entry"]["level"] == "error":
                found.append(params["entry"]["text"])
            elif event.get("method") == "Runtime.consoleAPICalled" and params["type"] == "error":
                found.append(str(params["args"]))
        return found
