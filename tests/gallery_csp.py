# SPDX-License-Identifier: MIT
"""The hashes in a page's Content-Security-Policy: gallery_csp.py [--write] PAGE. Says whether they are those of its
one script and its one style, and fails if not; --write puts the right ones in."""
import base64
import hashlib
import re
import sys


def source(page, element):
    """The text of the one element of that name without attributes."""
    found = re.findall(f"<{element}>(.*?)</{element}>", page, re.S)
    if len(found) != 1:
        sys.exit(f"{len(found)} elements <{element}>")
    digest = hashlib.sha256(found[0].encode()).digest()
    return f"{element}-src 'sha256-{base64.b64encode(digest).decode()}'"


def main():
    *options, path = sys.argv[1:]
    with open(path, encoding="utf-8", newline="") as file:
        page = file.read()
    right = page
    for element in "script", "style":
        right = re.sub(f"{element}-src '[^']*'", lambda _, e=element: source(page, e), right, count=1)
    if "--write" in options:
        with open(path, "w", encoding="utf-8", newline="") as file:
            file.write(right)
    elif right != page:
        sys.exit(f"{path}: the hashes are not those of its script and its style: run tests/gallery_csp.py --write {path}")


main()
