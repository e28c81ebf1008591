"""The report in a real browser, offline: drawn, dark and light, reloading while it trains, asking for nothing."""

import os
import re
from contextlib import contextmanager
from dataclasses import replace

from made_up_reports import made_up

from ravine.report import report_page as module
from ravine.report.report_page import report_page

PATIENCE = 60_000  # ms: plotly.js takes a while on a busy machine
HOSTILE = ("<b>bold</b>", "%{x}<extra>no</extra>", "$x^2$", "&lt;i&gt;", "$accent", "{{ 7 * 7 }}")


@contextmanager
def opened(chromium, file, *, width=1280, **context):
    """The page, drawn; afterwards nothing may have been said on the console or asked of the network."""
    said, asked = [], []
    context = chromium.new_context(viewport={"width": width, "height": 800}, offline=True, **context)
    context.set_default_timeout(PATIENCE)
    tab = context.new_page()
    tab.on("console", lambda message: said.append(message.text))
    tab.on("pageerror", lambda error: said.append(str(error)))
    tab.on("request", lambda request: asked.append(request.url))
    tab.goto(file.as_uri())
    yield tab
    assert said == []
    assert {url for url in asked if not url.startswith("data:")} == {file.as_uri()}
    context.close()


def written(path, report):
    beside = path.with_suffix(".tmp")
    beside.write_text(report_page(report), encoding="utf-8")
    os.replace(beside, path)  # as the training does: a reload must never meet half a page
    return path


def until(holds, tab):
    """Waits; the page's policy lets no `wait_for_function` in."""
    for _ in range(PATIENCE // 100):
        if holds():
            return
        tab.wait_for_timeout(100)
    raise AssertionError("never came true")


def brightness(tab, expression):
    return sum(map(int, re.findall(r"\d+", tab.evaluate(expression))[:3]))


def test_it_is_drawn_with_hover_and_in_the_readers_colours(chromium, tmp_path):
    file = written(tmp_path / "report.html", made_up(members=3, classes=HOSTILE))
    with opened(chromium, file, color_scheme="light") as tab:
        for name in ("curves", "confusion", "reliability", "times"):
            assert tab.locator(f"#{name} .main-svg").count() > 0
        box = tab.locator("#curves .draglayer .xy .nsewdrag").bounding_box()
        tab.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
        tab.locator("#curves .hoverlayer .legend").wait_for()
        assert re.search(r"validation, the vote : \d\d\.\d%", tab.locator("#curves .hoverlayer").text_content())
        shown = tab.locator("#confusion .yaxislayer-above, #confusion .ytick").all_text_contents()
        assert all(any(name in text for text in shown) for name in HOSTILE)
        tab.locator("#confusion").scroll_into_view_if_needed()
        box = tab.locator("#confusion .draglayer .nsewdrag").bounding_box()
        tab.mouse.move(box["x"] + box["width"] / 12, box["y"] + box["height"] / 12)
        tab.locator("#confusion .hovertext").wait_for()
        assert f"of {HOSTILE[0]} (" in tab.locator("#confusion .hoverlayer").text_content()
        light = "getComputedStyle(document.querySelector('#curves .gtitle, #curves .xtick text')).fill"
        assert brightness(tab, light) < 300
        tab.emulate_media(color_scheme="dark")
        until(lambda: brightness(tab, light) > 450, tab)
        assert brightness(tab, "getComputedStyle(document.body).backgroundColor") < 100


def test_a_phone_shows_it_without_scrolling_sideways(chromium, tmp_path):
    file = written(tmp_path / "report.html", made_up(members=3, classes=tuple(f"class {i}" for i in range(30))))
    with opened(chromium, file, width=390, has_touch=True) as tab:
        assert tab.evaluate("document.documentElement.scrollWidth") <= 390
        assert tab.locator("#curves").bounding_box()["width"] > 330
        above, below = (tab.locator(f"#curves .draglayer .{of} .nsewdrag").bounding_box() for of in ("xy", "x2y2"))
        assert above["y"] + above["height"] < below["y"]


def test_it_reloads_while_it_trains_and_keeps_its_place(chromium, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "_FEWEST", 1.0)
    monkeypatch.setattr(module, "_MOST", 1.0)
    report = made_up("training", 3, classes=tuple(f"class {i}" for i in range(30)))
    file = written(tmp_path / "report.html", report)
    with opened(chromium, file) as tab:
        tab.locator("details summary").first.click()
        tab.evaluate("scrollTo(0, 500)")
        written(file, made_up("training", 4, classes=report.classes))
        tab.get_by_text("4 of 12 epochs").wait_for()
        until(lambda: tab.evaluate("scrollY") == 500, tab)
        assert tab.locator("details").first.get_attribute("open") is not None
        assert not tab.locator("#silent").is_visible()
        written(file, made_up(classes=report.classes))
        tab.locator(".pill.finished").wait_for()
        tab.evaluate("window.still = true")
        tab.wait_for_timeout(1500)
        assert tab.evaluate("window.still")


def test_a_training_that_was_killed_is_suspected(chromium, tmp_path, monkeypatch):
    monkeypatch.setattr(module.time, "time", lambda: 1_700_000_000.0)
    file = written(tmp_path / "report.html", replace(made_up("training", 3), path="runs/lost"))
    with opened(chromium, file) as tab:
        assert tab.locator("#silent").is_visible()
        assert "ravine resume runs/lost" in tab.locator("#silent").inner_text()


def test_the_command_is_copied(chromium, tmp_path):
    file = written(tmp_path / "report.html", made_up(command="ravine train 'my photos/'"))
    with opened(chromium, file, permissions=["clipboard-read", "clipboard-write"]) as tab:
        tab.get_by_role("button", name="copy").click()
        tab.get_by_text(re.compile("^(copied|selected)$")).wait_for()
