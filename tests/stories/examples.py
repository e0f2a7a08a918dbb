# SPDX-License-Identifier: MIT
"""Runs the examples of a section of a page of the manual, as a reader sees them.

examples.py PAGE SECTION DIRECTORY: a line that begins with `$ ` is a command, the lines below it are what it
prints, both streams together. Each block of them is run by one shell, begun in DIRECTORY. Fails at the first
that prints something else.
"""
import re
import subprocess
import sys


def rendered(page):
    text = subprocess.run(["mandoc", "-T", "ascii", page], check=True, capture_output=True, text=True).stdout
    return re.sub(r".\x08", "", text).split("\n")


def blocks(lines, section):
    """Lists of (command, output)."""
    inside, block = False, []
    for line in lines + ["END"]:
        if line[:1] not in ("", " "):
            inside = line.strip() == section
        example = inside and line.startswith(" " * 11) and line.strip() != ""
        if example and line[11:].startswith("$ "):
            block.append([line[13:], ""])
        elif example and block:
            block[-1][1] += line[11:] + "\n"
        elif block:
            yield block
            block = []


def run(block, directory):
    script = f"cd {directory} || exit\n" + "".join(f"{{ {command}\n}} 2>&1\nprintf '\\0'\n" for command, _ in block)
    said = subprocess.run(["bash", "-c", script], stdout=subprocess.PIPE, timeout=60, check=True, text=True).stdout
    return said.split("\0")[:-1]


def main():
    page, section, directory = sys.argv[1:]
    count = 0
    for block in blocks(rendered(page), section):
        for (command, expected), said in zip(block, run(block, directory), strict=True):
            print(f"$ {command}\n{said}", end="", flush=True)
            assert said == expected, f"the page has: {expected!r}"
            count += 1
    print(f"{count} examples")
    assert count > 0


main()
