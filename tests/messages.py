# SPDX-License-Identifier: MIT
"""Compares the messages of the source with those that a page of the manual explains.

messages.py PAGE PROGRAM FILE…: each text of two words or more in the FILEs that is not in what PROGRAM
--help prints has to stand in an .It line of PAGE's DIAGNOSTICS, and each such line in the source. What a
format puts in (%s, %d) is any text in the page. Prints what is missing; fails if anything is.

messages.py PAGE --explains FILE: whether there is an .It line for each line of the FILE.
"""
import re
import subprocess
import sys

# Tables, and the words of figures, which have help of their own.
NO_MESSAGES_IN = re.compile(r"(^|/)(catalog_row|view_metrics|options_help|ctl_commands|gallery\w*)\.c$")
# Those with less than two words.
MESSAGES = {"HTTP %d%s", "/: %s", "%s: damaged: %s\n"}
# One word each, of the log.
WORDS = {"done", "failed", "forgotten", "tracked"}
# What is compared, asked or sent, and said to nobody.
NO_MESSAGES = [re.compile(text) for text in (
    r"(BEGIN|PRAGMA|SELECT|INSERT|DELETE|CREATE|ALTER|UPDATE) .*", r"Authorization: .*", r" - fuse\.cometfs ", r"cometfs %s\nlibfuse %s\n",
    r"ahead of", r"(?s)usage: cometfs-expose .*", r"exec fusermount3|fusermount posix_spawn failed|for fusermount3 failed|/dev/fuse: .*|mount failed: .*", r"(content moderation|incorrect api key|invalid api key|spending limit|Invalid URL)")]
CONVERSION = re.compile(r"%[-+ #0-9.*]*(?:hh|h|ll|l|j|z)?[a-zA-Z]")
LITERAL = r'"(?:[^"\\\n]|\\.)*"'


def unescape(text):
    return text.replace("\\n", "\n").replace('\\"', '"').replace("\\\\", "\\")


def literals(path):
    with open(path, encoding="utf-8") as file:
        text = re.sub(r"/\*.*?\*/", " ", file.read(), flags=re.S)
    text = re.sub(r"^\s*#\s*include.*$", "", text, flags=re.M)
    statement, end = "", 0
    for match in re.finditer(rf"{LITERAL}(?:\s*{LITERAL})*", text):
        statement, end = (statement + text[end:match.start()]).rpartition(";")[2], match.end()
        # What cometctl doctor finds in order is nothing to explain.
        if "FINDING_OK," not in statement:
            yield unescape("".join(part[1:-1] for part in re.findall(LITERAL, match[0])))


def is_message(text, helped, alone):
    if text in alone or text in MESSAGES:
        return True
    words = re.findall(r"[A-Za-z]{2,}", CONVERSION.sub("", text))
    return len(words) > 1 and " " in text and text not in helped \
        and not any(known.fullmatch(text) for known in NO_MESSAGES)


def messages(paths, helped, alone):
    for path in paths:
        for text in literals(path):
            if not NO_MESSAGES_IN.search(path) and is_message(text, helped, alone):
                yield path, re.sub(r"\s+", " ", text.strip("\n"))


def pattern(text):
    """What a format may become; a piece may go on with another, and behind a message may be a reason."""
    begin, end = (".*" if text[0] in ",:; " else ""), (".*" if text[-1] in "= " else "")
    parts = (re.escape(part) for part in CONVERSION.split(text.strip()))
    return re.compile(begin + ".*".join(parts) + end + "(: .*)?")


def entries(page):
    with open(page, encoding="utf-8") as file:
        lines = file.read().split(".Sh DIAGNOSTICS")[1].split("\n.Sh ")[0].split("\n")
    for line in lines:
        if line.startswith(".It ") and not line.startswith(".It Cm "):
            text = line[4:]
            for escape, character in ((r"\-", "-"), (r"\(aq", "'"), (r"\(ti", "~"), (r"\&", ""), (r"\e", "\\")):
                text = text.replace(escape, character)
            yield text


def explains(page, line):
    for entry in entries(page):
        parts = re.split(r"\b(?:why|FILE|ID|N|NAME|SOURCE|MOUNTPOINT)\b", entry)
        if re.search(r"(: |\()" + ".+".join(re.escape(part) for part in parts) + r"\)?$", line):
            return True
    return False


def main():
    page, program, *paths = sys.argv[1:]
    if program == "--explains":
        with open(paths[0], encoding="utf-8") as file:
            missing = [line for line in file.read().splitlines() if not explains(page, line)]
        print("\n".join(missing))
        return len(missing)
    helped = subprocess.run([program, "--help"], check=True, capture_output=True, text=True).stdout
    alone = WORDS if program.endswith("cometfs") else ()
    listed, good = list(entries(page)), True
    found = {text: path for path, text in messages(paths, re.sub(r"\s+", " ", helped), alone)}
    for text, path in found.items():
        if not any(pattern(text).fullmatch(entry) for entry in listed):
            print(f"{path}: not in the manual: {text}")
            good = False
    for entry in listed:
        if listed.count(entry) > 1 or not any(pattern(text).fullmatch(entry) for text in found):
            print(f"{page}: not in the source, or twice: {entry}")
            good = False
    return 0 if good and listed else 1


sys.exit(main())
