# SPDX-License-Identifier: MIT
"""The daemon from outside: its log, what sanitizers say of it, its memory, its open descriptors."""
import json
import pathlib
import re

# All that its log may have. JOB is an id.
LINES = [re.compile(line.replace("JOB", r"[A-Za-z0-9-]+")) for line in (
    r"mounted at /", r"unmounted from /", r"finished videos are read ",
    r"JOB: (tracked|forgotten|done)$", r"JOB: its video is (removed|complete, \d+ bytes)$",
    r"JOB: its video was removed$",
    r"JOB: (failed|expired at the provider)(: .*)?( \(the last of \d+ more jobs\))?$", r"JOB: the download (waits|begins anew)(: .*)?$",
    r"the key was read again$", r"the key is refused, all polls wait for a minute each: ",
    r"the provider accepts our polls again$", r"polls fail, and are tried again: ")]


class Health:
    def __init__(self, daemon, at):
        self.proc = pathlib.Path(f"/proc/{daemon.child.pid}")
        self.daemon, self.at = daemon, at
        self.told = 0

    def sample(self):
        """Kilobytes, descriptors, threads."""
        status = (self.proc / "status").read_text()
        memory, threads = (int(re.search(rf"^{key}:\s+(\d+)", status, re.M)[1]) for key in ("VmRSS", "Threads"))
        return memory, len(list((self.proc / "fd").iterdir())), threads

    def reports(self):
        """What sanitizers have written so far, and lines of the log that it may not have. Each once."""
        for path in sorted(self.at.glob("sanitizer*")):
            yield path.read_text(errors="replace")
            path.rename(path.with_name("seen-" + path.name))
        lines = self.daemon.said()
        for line in lines[self.told:]:
            words = re.sub(r"^cometfs: ", "", line)
            words = re.sub(r"^(error|warning|info): ", "", words)
            if not any(known.match(words) for known in LINES):
                yield f"the log says: {line}"
        self.told = len(lines)


def parked(mount):
    """Reads that wait for bytes, and changes that wait for an answer."""
    with open(f"{mount}/.cometfs/stats.json", encoding="utf-8") as file:
        requests = json.load(file)["requests"]
    return requests["reads_parked"], requests["changes_parked"]
