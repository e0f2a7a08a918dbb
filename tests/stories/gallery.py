# SPDX-License-Identifier: MIT
"""Scenes of index.html in one browser, one after the other: gallery.py MOUNT SOURCE SCENE... A web server's URL of
the mount is in WEB."""
import errno
import os
import pathlib
import sys
import time
import urllib.request
import zlib

from browser import Browser

MOUNT, SOURCE = pathlib.Path(sys.argv[1]), sys.argv[2]
URL = (MOUNT / "index.html").as_uri()
TMP = pathlib.Path(os.environ["TMPDIR"])
CARD = "[...document.querySelectorAll('.card')].find(card => card.job.id === '{}')"
FRESH = "document.querySelector('#fresh-time').dateTime"


def card(job, rest=""):
    return CARD.format(job) + rest


def text(browser, selector):
    return browser.run(f"document.querySelector('{selector}').innerText")


def words(browser, job):
    return " ".join(browser.run(card(job, ".innerText")).split())


def opened(browser, url=URL):
    browser.open(url)
    browser.until("document.querySelectorAll('.card').length > 0")


def refreshed(browser):
    """Anew at once, as when its tab comes to the front."""
    before = browser.run(FRESH)
    browser.run("document.dispatchEvent(new Event('visibilitychange'))")
    browser.until(f"{FRESH} !== '{before}'")


def wait_until(condition, what):
    end = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < end, what
        time.sleep(0.02)


def wait_for(path):
    wait_until(path.exists, path)


def event(name):
    urllib.request.urlopen(f"{SOURCE}/_event/{name}", b"").close()


def focused(browser):
    """The name of what has the focus, and whether one can see it."""
    return browser.run("""(() => {
        const at = document.activeElement, seen = at.type === "radio" ? at.nextElementSibling : at;
        return [at.value || at.getAttribute("aria-label") || at.id, getComputedStyle(seen).outlineStyle];
    })()""")


def tab_to(browser, name):
    for _ in range(40):
        browser.key("Tab", 9)
        at, outline = focused(browser)
        if at == name:
            assert outline == "solid", f"{name}: the focus is not seen"
            return
    raise AssertionError(f"no way to {name} by Tab")


def looks(browser):
    opened(browser)
    assert words(browser, "run-1").startswith("42 % For"), words(browser, "run-1")
    assert browser.run(card("run-1", ".querySelector('progress').value")) == 42
    assert "Prompt cannot be empty. Please provide a prompt." in words(browser, "fail-1")
    assert "The provider could not make it" in words(browser, "fail-1")
    assert "In the queue" in words(browser, "queued-1")
    assert "the provider has it no more" in words(browser, "expired-1")
    assert "Coming in 1." in words(browser, "big-1") and "of 4.2 MB" in words(browser, "big-1"), words(browser, "big-1")
    assert "Done" in words(browser, "done-1") and "grok-imagine-video" in words(browser, "done-1")
    assert "$0.05" in words(browser, "done-1") and "ago" in words(browser, "done-1") or "just now" in words(browser, "done-1")
    odd_ones(browser)
    assert text(browser, "#sum-jobs") == "12" and text(browser, "#sum-cost") == "$0.25"
    counts = browser.run("[...document.querySelectorAll('#states label:not([hidden])')].map(l => l.innerText.trim().replace(/\\s+/g, ' ')).join()")
    assert counts == "All 12,Queued 1,Running 2,Done 6,Failed 2,Expired 1", counts
    # The newest first, also for who reads the document.
    begun = browser.run("[...document.querySelectorAll('.card')].map(card => card.job.begun)")
    assert begun == sorted(begun, reverse=True), begun
    widths_and_colours(browser)
    for_screen_readers(browser)
    by_keyboard(browser)


def odd_ones(browser):
    """A job of the year 9999, of two minutes but for half a second, by a model whose name is Hebrew."""
    assert text_of(browser, "odd-1", ".length") == "2:00"
    assert browser.run(card("odd-1", ".querySelector('time').dateTime")) < "9"
    assert text_of(browser, "odd-1", ".model") == "\u05d3\u05d2\u05dd 2.0"
    assert text_of(browser, "odd-1", ".model + .size") == " \u00b7 110\u00a0kB"


def text_of(browser, job, selector):
    return browser.run(card(job, f".querySelector('{selector}').textContent"))


def widths_and_colours(browser):
    columns, seen = [], set()
    for width in 320, 700, 1280, 2560:
        browser.resize(width, 900)
        browser.run("new Promise(done => setTimeout(() => requestAnimationFrame(() => requestAnimationFrame(done))))")
        assert browser.run("document.documentElement.scrollWidth <= innerWidth"), f"{width}: it is wider than the screen"
        columns.append(browser.run("new Set([...document.querySelectorAll('.card')].map(c => c.getBoundingClientRect().left)).size"))
    assert columns[0] == 1 and columns == sorted(columns) and columns[-1] >= 6, columns
    browser.resize(1280, 900)
    for scheme in "light", "dark":
        browser.like(prefers_color_scheme=scheme)
        seen.add(browser.run("getComputedStyle(document.body).backgroundColor"))
        low = browser.run(CONTRAST)
        assert not low, f"{scheme}: hard to read: {low}"
    assert len(seen) == 2, seen


# Texts whose colour is too near to what is behind them, by the rule of WCAG.
CONTRAST = """(() => {
    const parse = colour => colour.match(/[\\d.]+/g).map(Number);
    const light = ([r, g, b]) => [r, g, b].map(c => c / 255).map(c => c <= .03928 ? c / 12.92 : ((c + .055) / 1.055) ** 2.4)
        .reduce((sum, c, i) => sum + c * [.2126, .7152, .0722][i], 0);
    const behind = element => {
        for (; element; element = element.parentElement) {
            const colour = parse(getComputedStyle(element).backgroundColor);
            if (colour.length === 3 || colour[3] === 1)
                return colour;
        }
        return [255, 255, 255];
    };
    return [...document.querySelectorAll("h1, .where, dt, dd, #states span, .fresh, .state strong, .state p, .mark, h3, .row time, .facts, .cost")]
        .filter(element => element.offsetParent && element.innerText)
        .filter(element => {
            const [a, b] = [light(parse(getComputedStyle(element).color)), light(behind(element))];
            return (Math.max(a, b) + .05) / (Math.min(a, b) + .05) < 4.5;
        }).map(element => element.className + ": " + element.innerText).join("; ");
})()"""


def for_screen_readers(browser):
    tree = browser.call("Accessibility.getFullAXTree")["nodes"]
    roles = {}
    for node in tree:
        if not node.get("ignored"):
            roles.setdefault(node["role"]["value"], []).append(node.get("name", {}).get("value", ""))
    for role in "banner", "main", "search", "list", "status", "searchbox", "radio", "progressbar":
        assert role in roles, f"no {role}: {sorted(roles)}"
    assert "Progress of run-1" in roles["progressbar"]
    assert "Play the video of done-1" in roles["button"]
    assert all(roles["button"]), "a button without a name"
    assert len(roles["listitem"]) == 12, roles["listitem"]


def by_keyboard(browser):
    tab_to(browser, "all")
    for name, shown in ("queued", 1), ("running", 2), ("done", 6):
        browser.key("ArrowRight", 39)
        assert focused(browser) == [name, "solid"], focused(browser)
        browser.until(f"document.querySelectorAll('.card').length === {shown}")
    assert "6 jobs" in browser.run("document.querySelector('#news').textContent")
    tab_to(browser, "search")
    for key in "run:1":
        browser.key(key)
    browser.until("document.querySelectorAll('.card').length === 1")
    tab_to(browser, "All about run:1")
    browser.key("Enter", 13)
    browser.key("\r", 13)
    browser.until("document.querySelector('#sheet').open")
    assert "grok-imagine-video" in text(browser, "#sheet-facts")
    assert browser.run("document.querySelector('#sheet-video').href").endswith("/jobs/run%3A1/video.mp4")
    browser.key("Escape", 27)
    browser.until("!document.querySelector('#sheet').open")
    assert focused(browser)[0] == "All about run:1"


def strangers(browser):
    """What a page of somebody else, that has it in a frame, is told."""
    page = TMP / "stranger.html"
    page.write_text("<!doctype html><script>window.said = []; onmessage = event => said.push(event.data)</script>")
    browser.open(page.as_uri())
    for known, expected in (("", "unknown"), ("guess", "unknown"), ("%22", "unknown"), ("done-1", "{"), ("x,fail-1", "{")):
        browser.run(f"said = []; frame = document.createElement('iframe'); frame.src = '{URL}#{known}'; document.body.append(frame)")
        said = browser.until("said[0]")
        assert said.startswith(expected) and browser.run("said.length") == 1, f"{known}: {said}"
        assert browser.run("document.title") == ""


def hostile(browser):
    browser.call("Page.addScriptToEvaluateOnNewDocument",
                 source="window.ran = []; window.pwned = what => ran.push(what);")
    opened(browser)
    shown = browser.run(card("hostile-1", ".querySelector('.state p').textContent"))
    for part in ("</script><script>pwned('script')</script><!--<script>", "<img src=x onerror=pwned('img')>",
                 "onmouseover=\"pwned('attribute')\"", "javascript:pwned('url')", "${pwned('template')}",
                 "{{pwned('braces')}}", "&lt;b&gt;", "@DATA@"):
        assert part in shown, f"{part} is not in {shown}"
    assert not set(shown) & set("\u202e\u202c\x00\x1b"), "what turns text around is there"
    assert "<svg onload=pwned('model')>" in words(browser, "hostile-1")
    browser.run(card("hostile-1", ".querySelector('.body .more').click()"))
    assert "pwned('url')" in text(browser, "#sheet-facts")
    browser.run("document.querySelector('#search').value = '<img'; document.querySelector('#search').dispatchEvent(new Event('input'))")
    assert browser.run("document.querySelectorAll('.card').length") == 1
    refreshed(browser)
    assert browser.run("document.scripts.length") == 1
    assert browser.run("document.querySelectorAll('img, iframe:not([hidden]), object, embed, [onmouseover], [onerror]').length") == 0
    assert browser.run("ran.length") == 0, browser.run("ran.join()")
    # What the policy is for: nothing that is put in runs, or becomes markup.
    browser.run("const s = document.createElement('script'); try { s.textContent = 'pwned(1)' } catch {} document.body.append(s)")
    browser.run("try { document.body.innerHTML += '<img src=x onerror=pwned(2)>' } catch {}")
    browser.run("try { setTimeout('pwned(3)') } catch {}")
    assert browser.run("new Promise(done => setTimeout(() => done(ran.length), 50))") == 0
    assert browser.run("fetch('jobs').then(() => 'read', () => 'refused')") == "refused"
    browser.events.clear()
    strangers(browser)


def colours(browser, job):
    """So many kinds of bytes are in a picture of the picture of a job: of one colour there are few."""
    x, y = browser.run(f"(b => [b.left + b.width * .1, b.top + b.height * .2])({card(job)}.querySelector('.media').getBoundingClientRect())")
    image = browser.image(clip={"x": x, "y": y, "width": 40, "height": 40, "scale": 1})
    data, at = b"", 8
    while at < len(image):
        length = int.from_bytes(image[at:at + 4], "big")
        data += image[at + 8:at + 8 + length] if image[at + 4:at + 8] == b"IDAT" else b""
        at += length + 12
    return len(set(zlib.decompress(data)))


def pictures(browser):
    opened(browser)
    for job in "fat-1", "fat-2":
        wait_until(lambda: colours(browser, job) > 16, f"no picture of {job}")  # pylint: disable=cell-var-from-loop

    # No player is kept for that, which would hold its video open.
    browser.until("!document.querySelector('video')")

    def forgotten():
        try:
            (MOUNT / "jobs/fat-1").rmdir()
        except OSError as error:
            if error.errno != errno.EBUSY:
                raise
            return False
        return True
    wait_until(forgotten, "it is held open")


def focus(browser):
    """Where it goes when what had it goes away."""
    opened(browser)
    browser.run(card("fat-2", ".querySelector('.play').focus()"))
    browser.key("\r", 13)
    browser.until(card("fat-2", ".querySelector('video').currentTime > 0.1"))
    assert focused(browser)[0] == "Video of fat-2"
    (MOUNT / "jobs/fat-2/video.mp4").unlink()
    until_refreshed(browser, "!" + card("fat-2", ".querySelector('video')"))
    assert focused(browser)[0] == "All about fat-2"
    assert "fat-2 is not here any more" in browser.run("document.querySelector('#news').textContent")
    browser.run(card("expired-1", ".querySelector('.body .more').focus()"))
    (MOUNT / "jobs/expired-1").rmdir()
    until_refreshed(browser, "!" + card("expired-1"))
    assert focused(browser)[0].startswith("All about ")
    browser.run(card("fail-1", ".querySelector('.body .more').focus()"))
    browser.key("\r", 13)
    browser.until("document.querySelector('#sheet').open")
    (MOUNT / "jobs/fail-1").rmdir()
    until_refreshed(browser, "!document.querySelector('#sheet').open")
    assert "fail-1 is not tracked any more" in browser.run("document.querySelector('#news').textContent")
    browser.until("document.activeElement.id === 'jobs'")


def until_refreshed(browser, condition):
    def once():
        refreshed(browser)
        return browser.run(condition)
    wait_until(once, condition)


def plays(browser, url=URL, run="run-1", go="finish", later="later"):
    opened(browser, url)
    browser.run("window.first = " + card("done-1"))
    browser.run("first.querySelector('.play').focus()")
    browser.key("\r", 13)
    browser.until("first.film && first.film.currentTime > 0.2")
    browser.run("first.film.loop = true; document.querySelector('#search').value = '-1'")
    browser.run("document.querySelector('#search').dispatchEvent(new Event('input')); first.film.focus(); window.kept = first.film")
    browser.resize(700, 500)
    browser.run("scrollTo(0, 300)")
    browser.until("scrollY > 0")
    done = "+document.querySelector('#states input[value=done] + span b').textContent"
    jobs, before = int(text(browser, "#sum-jobs")), browser.run(done)
    (MOUNT / "jobs" / later).mkdir()
    event(go)
    browser.run("window.times = []; kept.addEventListener('pause', () => times.push('paused')); kept.addEventListener('emptied', () => times.push('emptied'))")
    until_refreshed(browser, f"{done} === {before + 2}")
    assert browser.run("document.querySelector('#search').value") == "-1"
    assert not browser.run("!!" + card(later)), "it is filtered away"
    assert browser.run("kept.isConnected && kept === first.film && document.activeElement === kept")
    assert browser.run("times.join()") == ""
    browser.run("window.was = kept.currentTime")
    browser.until("kept.currentTime !== was")
    assert "Done" in words(browser, run)
    assert browser.run("scrollY") > 0
    assert "more done" in browser.run("document.querySelector('#news').textContent")
    # Nobody else's message counts.
    browser.run("postMessage(JSON.stringify({ taken: 1, columns: [], jobs: [] }), '*')")
    browser.run("new Promise(done => setTimeout(done))")
    assert text(browser, "#sum-jobs") == str(jobs + 1)


def plays_web(browser):
    plays(browser, os.environ["WEB"] + "/index.html", "run-1b", "finish-web", "later-web")


def hidden(browser):
    """In a tab that nobody sees, it does not read anything; time passes quicker there."""
    opened(browser)
    browser.run("window.frames_ = 0; new MutationObserver(all => all.forEach(m => m.addedNodes.forEach(n => frames_ += n.nodeName === 'IFRAME'))).observe(document.body, { childList: true })")
    browser.run("Object.defineProperty(document, 'hidden', { value: true, configurable: true }); document.dispatchEvent(new Event('visibilitychange'))")
    before = browser.run("frames_")
    browser.call("Emulation.setVirtualTimePolicy", policy="advance", budget=200000)
    browser.until("performance.now() > 200000")
    assert browser.run("frames_") == before


def gone(browser):
    opened(browser)
    refreshed(browser)
    when, cards = browser.run(FRESH), browser.run("document.querySelectorAll('.card').length")
    (TMP / "open").touch()
    wait_for(TMP / "stopped")
    browser.run("document.dispatchEvent(new Event('visibilitychange'))")
    browser.until("!!document.querySelector('#note-refresh')")
    assert "cometfs does not answer" in text(browser, "#note-refresh")
    assert "cometfs does not answer" in browser.run("document.querySelector('#news').textContent")
    assert browser.run("document.querySelector('#fresh').className") == "fresh old"
    assert browser.run(FRESH) == when
    assert browser.run("document.querySelectorAll('.card').length") == cards
    (TMP / "told").touch()
    wait_for(TMP / "back")
    browser.run("document.querySelector('#note-refresh button').click()")
    browser.until("!document.querySelector('#note-refresh')")
    assert "Done" in words(browser, "done-2")
    browser.events.clear()


def many(browser):
    """5,000 more: never are more cards there than are near the view, however far one scrolls; but all on paper."""
    opened(browser)
    total = text(browser, "#sum-jobs")
    assert total.startswith("5,0")
    assert browser.run("document.querySelectorAll('*').length") < 3000
    most = browser.run("""(async () => {
        let most = 0;
        for (let i = 1; i <= 20; i++) {
            scrollTo(0, document.documentElement.scrollHeight * i / 20);
            await new Promise(done => requestAnimationFrame(() => setTimeout(done)));
            most = Math.max(most, document.querySelectorAll('.card').length);
        }
        return most;
    })()""")
    assert most < 100, f"{most} cards"
    assert browser.run(f"!!document.querySelector('.card[aria-posinset=\"{total.replace(',', '')}\"]')"), "the last is not there"
    browser.run("document.querySelector('#search').value = 'job-000'; document.querySelector('#search').dispatchEvent(new Event('input'))")
    assert browser.run("document.querySelectorAll('.card')[0].getAttribute('aria-setsize')") == "98"
    browser.run("addEventListener('beforeprint', () => { window.onPaper = document.querySelectorAll('.card').length })")
    browser.call("Page.printToPDF")
    assert browser.run("onPaper") == 98
    browser.until("document.querySelectorAll('.card').length < 98")
    refreshed(browser)
    assert text(browser, "#sum-jobs") == total


def main():
    with Browser() as browser:
        for name in sys.argv[3:]:
            begun = time.monotonic()
            try:
                globals()[name](browser)
            except BaseException:
                browser.screenshot(TMP / "failed.png")
                raise
            complaints = browser.complaints()
            assert not complaints, f"{name}: {complaints}"
            print(f"{name}: {time.monotonic() - begun:.2f} s")
            browser.new_page()


main()
