#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""
Types into a shell in a terminal of its own, and draws what is seen there as a moving SVG: see recording.sh.
"""
import json
import os
import pty
import random
import re
import select
import sys
import time
import urllib.request
from html import escape

ID = "4b2cd27e-0b0d-3dec-c31c-7572daf74bb3"
JOB = f"{os.environ['HOME']}/videos/jobs/{ID}"
PACE = float(os.environ.get("PACE", "1"))
COLUMNS, ROWS = 80, 22
LONGEST = 3  # seconds: what takes longer is shown so
LAST = 6  # seconds that the end is shown for

# ---- what happens ---------------------------------------------------------------------------------


def states():
    with open(f"{JOB}/status.json") as file:
        status = json.load(file)
    return status["state"], status["video"]["state"]


def becomes(event, wanted):
    """The provider goes on, and the mount comes to know."""
    urllib.request.urlopen(f"{os.environ['COMETAPI_BASE_URL']}/_event/{event}", data=b"")
    end = time.monotonic() + 60
    while states() != wanted:
        if time.monotonic() > end:
            sys.exit(f"recording.py: the job never was {wanted}")
        time.sleep(0.05)


ASK = "jq -c '{state,progress,video:.video.state}' status.json"

# A line that is typed; how long its output is looked at; what happens then.
SCENES = (
    ("cometfs ~/videos", 0.7, None),
    ("cd ~/videos/jobs", 0.2, None),
    (f"mkdir {ID}", 0.7, None),
    ("cd 4b2*", 0.2, None),
    (ASK, 1.5, lambda: becomes("run", ("running", "none"))),
    ("!jq", 1.5, lambda: becomes("finish", ("done", "ready"))),
    ("!jq", 2, None),
    ("ls -l", 2, None),
    ("cp video.mp4 ~/mine.mp4", 0.7, None),
    ("ffprobe -v error -show_entries stream=codec_name,duration -of csv ~/mine.mp4", 0, None),
)

# ---- the terminal ---------------------------------------------------------------------------------


class Screen:
    """Rows without end; of each, what stood there from when on. Knows what a shell like this one says."""

    CODES = re.compile(r"\x1b\[([?0-9;]*)([A-Za-z])|\x1b\][^\x07]*\x07|\x1b.")

    def __init__(self):
        self.row = self.column = 0
        self.rows = [[]]  # of (character, style)
        self.style = ""
        self.versions = []  # (time, row, cells)
        self.cursor = [(0.0, 0, 0)]

    def put(self, character):
        cells = self.rows[self.row]
        cells.extend([(" ", "")] * (self.column + 1 - len(cells)))
        cells[self.column] = (character, self.style)
        self.column += 1
        if self.column == COLUMNS:
            sys.exit(f"recording.py: too long a line: {self.line()}")

    def line(self):
        return "".join(character for character, _ in self.rows[self.row])

    def obey(self, arguments, code):
        if code == "m":
            self.style = "p" if arguments == "1;32" else ""
        elif code == "K":
            del self.rows[self.row][self.column :]
        elif not arguments.startswith("?"):
            sys.exit(f"recording.py: unknown: CSI {arguments}{code}")

    def act(self, character):
        if character == "\n":
            self.row += 1
            if self.row == len(self.rows):
                self.rows.append([])
        elif character == "\r":
            self.column = 0
        elif character == "\b":
            self.column -= 1
        elif character >= " ":
            self.put(character)

    def feed(self, now, text):
        before = {number: list(cells) for number, cells in enumerate(self.rows)}
        at = 0
        while at < len(text):
            code = self.CODES.match(text, at)
            if code and code.group(2):
                self.obey(code.group(1), code.group(2))
            elif not code:
                self.act(text[at])
            at = code.end() if code else at + 1
        for number, cells in enumerate(self.rows):
            if before.get(number, []) != cells:
                self.versions.append((now, number, list(cells)))
        self.cursor.append((now, self.row, self.column))


class Typist:
    """A shell, who types into it, and a screen that keeps what it says."""

    def __init__(self):
        self.screen, self.now, self.last = Screen(), 0.0, time.monotonic()
        self.random = random.Random(1)
        pid, self.terminal = pty.fork()
        if pid == 0:
            self.become_shell()
        self.see("$ ")

    @staticmethod
    def become_shell():
        os.environ.update(PS1=r"\[\e[1;32m\]$\[\e[0m\] ", TERM="xterm", LC_ALL="C.UTF-8", INPUTRC="/dev/null",
                          COLUMNS=str(COLUMNS), LINES=str(ROWS))
        os.execlp("bash", "bash", "--norc", "--noprofile", "-i")

    def read(self, seconds):
        if not select.select([self.terminal], [], [], seconds)[0]:
            return ""
        text = os.read(self.terminal, 65536).decode()
        now = time.monotonic()
        self.now += min(now - self.last, LONGEST)
        self.last = now
        self.screen.feed(self.now, text)
        return text

    def see(self, prompt):
        """Waits until the shell is ready again."""
        end = time.monotonic() + 60
        while self.screen.line() != prompt:
            self.read(1)
            if time.monotonic() > end:
                sys.exit("recording.py: the shell does not answer")

    def pause(self, seconds):
        end = time.monotonic() + seconds * PACE
        while (left := end - time.monotonic()) > 0:
            self.read(left)

    def type(self, line):
        for character in line:
            os.write(self.terminal, character.encode())
            self.pause(self.random.uniform(0.03, 0.09))
        self.pause(0.4)
        os.write(self.terminal, b"\r")
        # Until its echo is there the prompt could be the one before.
        row = self.screen.row
        while self.screen.row == row:
            self.read(1)
        self.see("$ ")


def play():
    typist = Typist()
    for line, seconds, then in SCENES:
        typist.type(line)
        if then is not None:
            then()
        typist.pause(seconds)
    os.close(typist.terminal)
    return typist.screen, typist.now + LAST


# ---- the picture ----------------------------------------------------------------------------------

WIDTH, HEIGHT, MARGIN = 8, 17, 16  # of a character, in pixels
STYLE = """
text{font:13px ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono","Liberation Mono",monospace;
white-space:pre;fill:#1f2328}.p{fill:#1a7f37;font-weight:bold}.b{fill:#f6f8fa;stroke:#d1d9e0}.k{fill:#1f232880}
@media(prefers-color-scheme:dark){text{fill:#e6edf3}.p{fill:#3fb950}.b{fill:#0d1117;stroke:#3d444d}.k{fill:#e6edf380}}
.a{opacity:0}.a,.z,.s,.k{animation:var(--n) var(--t) step-end infinite}
@media(prefers-reduced-motion:reduce){.a,.z,.s,.k{animation:none}}
"""


def percent(now, length):
    return f"{100 * now / length:.2f}%"


def keyframes(name, steps, length):
    """Steps are (time, what holds from then on)."""
    return f"@keyframes {name}{{" + "".join(f"{percent(now, length)}{{{what}}}" for now, what in steps) + "}"


def spans(cells):
    """The text of a row, of which each piece has its place, whatever the font's width is."""
    pieces, at = [], 0
    while at < len(cells):
        end = at
        while end < len(cells) and cells[end][1] == cells[at][1]:
            end += 1
        text = "".join(character for character, _ in cells[at:end])
        start = at + len(text) - len(text.lstrip())
        text = text.strip()
        if text:
            style = f' class="{cells[at][1]}"' if cells[at][1] else ""
            pieces.append(f'<tspan{style} x="{start * WIDTH}" textLength="{len(text) * WIDTH}">{escape(text, quote=False)}</tspan>')
        at = end
    return "".join(pieces)


def scroll(row):
    return -max(0, row + 1 - ROWS) * HEIGHT


def draw(screen, length):
    rules, rows = [], []
    ends = {}  # of a version: when the next one of its row comes
    for number in range(len(screen.versions) - 1, -1, -1):
        now, row, cells = screen.versions[number]
        end, ends[row] = ends.get(row), now
        # What was there for no time is not seen.
        if not cells or end is not None and end - now < 0.005:
            continue
        steps = [(0, "opacity:0"), (now, "opacity:1")] + ([(end, "opacity:0")] if end is not None else [])
        rules.append(keyframes(f"v{number}", steps, length))
        kind = "z" if end is None else "a"
        rows.append(f'<text class="{kind}" style="--n:v{number}" y="{row * HEIGHT + 13}">{spans(cells)}</text>')
    moves = [(0, "transform:none")]
    for now, row, _ in screen.cursor:
        what = f"transform:translateY({scroll(row)}px)"
        if what != moves[-1][1]:
            moves.append((now, what))
    rules.append(keyframes("s", moves, length))
    rules.append(keyframes("k", [(now, f"transform:translate({column * WIDTH}px,{row * HEIGHT}px)")
                                 for now, row, column in screen.cursor], length))
    _, row, column = screen.cursor[-1]
    width, height = COLUMNS * WIDTH + 2 * MARGIN, ROWS * HEIGHT + 2 * MARGIN
    return "\n".join([
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}"'
        ' role="img" aria-labelledby="t">',
        '<title id="t">cometfs is mounted; a directory is made for a job, its state read while it is queued,'
        " while it runs, and when it is done; its video is listed, copied and looked at by ffprobe</title>",
        f"<style>{STYLE}svg{{--t:{length:.2f}s}}" + "".join(rules) + "</style>",
        f'<rect class="b" x=".5" y=".5" width="{width - 1}" height="{height - 1}" rx="8"/>',
        f'<svg x="{MARGIN}" y="{MARGIN}" width="{COLUMNS * WIDTH}" height="{ROWS * HEIGHT}">',
        f'<g class="s" style="--n:s;transform:translateY({scroll(row)}px)">',
        *reversed(rows),
        f'<rect class="k" style="--n:k;transform:translate({column * WIDTH}px,{row * HEIGHT}px)"'
        f' width="{WIDTH}" height="{HEIGHT}"/>',
        "</g></svg></svg>\n",
    ])


def main(path):
    picture = draw(*play())
    with open(f"{path}.new", "w", encoding="utf-8") as file:
        file.write(picture)
    os.replace(f"{path}.new", path)


main(sys.argv[1])
