"""The page in a real browser, offline: it plays, scrubs, toggles and tunes, and asks the network for nothing."""

import re
from contextlib import contextmanager
from dataclasses import replace

import pytest
import torch

from ravine.landscape import Racer, Scene, page, still

DESK, PHONE = {"width": 1280, "height": 800}, {"width": 390, "height": 844}
HOSTILE = "<img src=x onerror=alert(1)></script><script>alert(2)</script>"


@pytest.fixture(scope="module")
def file(scenes, tmp_path_factory):
    path = tmp_path_factory.mktemp("page") / "landscape.html"
    path.write_text(page(list(scenes.values())), encoding="utf-8")
    return path


@contextmanager
def opened(chromium, file, *, key="", viewport=None, **context):
    """The page, ready; afterwards nothing may have been said on the console or asked of the network."""
    said, asked = [], []
    context = chromium.new_context(viewport=viewport or DESK, offline=True, **context)
    tab = context.new_page()
    tab.on("console", lambda message: said.append(message.text))
    tab.on("pageerror", lambda error: said.append(str(error)))
    tab.on("request", lambda request: asked.append(request.url))
    tab.goto(f"{file.as_uri()}{key}")
    tab.locator("#legend button").first.wait_for()
    yield tab
    assert said == []
    assert [url.split("#")[0] for url in asked if not url.startswith("data:")] == [file.as_uri()]
    context.close()


def paused(tab, step):
    tab.locator("#scrub").fill(str(step))


def clock(tab):
    return int(re.match(r"step (\d+) / \d+$", tab.locator("#clock").inner_text()).group(1))


def row(tab, name):
    return tab.locator("#legend button").filter(has=tab.get_by_text(name, exact=True))


def pictures(tab):
    return tab.locator("#map").screenshot(), tab.locator("#chart").screenshot()


def test_it_plays_and_pauses(chromium, file):
    with opened(chromium, file) as tab:
        before = clock(tab)
        tab.wait_for_timeout(600)
        assert before < clock(tab) < 60
        tab.get_by_role("button", name="Pause").click()
        here = clock(tab)
        tab.wait_for_timeout(300)
        assert clock(tab) == here
        tab.keyboard.press("Home")
        assert clock(tab) == 0
        tab.locator("h2").click()
        tab.keyboard.press(" ")
        tab.wait_for_timeout(400)
        assert clock(tab) > 0


def test_it_scrubs_and_shows_the_losses_that_were_found(chromium, file, scenes):
    with opened(chromium, file, key="#saddle") as tab:
        paused(tab, 10)
        first = pictures(tab)
        paused(tab, 35)
        assert clock(tab) == 35
        assert all(a != b for a, b in zip(first, pictures(tab), strict=True))
        for racer in scenes["saddle"].racers:
            loss = float(racer.losses[scenes["saddle"].shown(racer)][35])
            told = row(tab, racer.name).locator(".loss").inner_text().replace("−", "-")
            if told.startswith("<"):
                assert loss < float(told[2:]) * 1.5
            else:
                assert float(told) == pytest.approx(loss, rel=0.06)
        tab.locator("h2").click()
        tab.keyboard.press("ArrowRight")
        assert clock(tab) == 36
        tab.keyboard.press("End")
        assert clock(tab) == 100


def test_a_rule_is_switched_off_and_on(chromium, file):
    with opened(chromium, file) as tab:
        paused(tab, 30)
        before = pictures(tab)
        row(tab, "sgd").click()
        assert row(tab, "sgd").get_attribute("aria-pressed") == "false"
        assert all(a != b for a, b in zip(before, pictures(tab), strict=True))
        row(tab, "sgd").click()
        tab.mouse.move(0, 0)
        assert pictures(tab) == before


def test_sliders_change_the_paths(chromium, file, scenes):
    sgd, momentum = scenes["ravine"].racers[:2]
    with opened(chromium, file) as tab:
        paused(tab, 30)
        before = pictures(tab)
        tab.locator("#friction").fill("0")
        assert tab.locator("#friction-value").inner_text() == "0"
        without = pictures(tab)
        assert all(a != b for a, b in zip(before, without, strict=True))
        told = float(row(tab, "momentum").locator(".loss").inner_text())
        assert told == pytest.approx(float(momentum.losses[0, 4, 30]), rel=0.01)
        tab.locator("#rate").fill("3")
        assert tab.locator("#rate-value").inner_text() == "× 1/2"
        assert row(tab, "sgd").locator(".rate").inner_text() == f"lr {sgd.rates[3]:.3g}"
        assert all(a != b for a, b in zip(without, pictures(tab), strict=True))
        tab.locator("#rate").fill("8")
        assert row(tab, "sgd").locator(".loss").inner_text() == f"diverged at {int(sgd.ended[0, 8])}"


def test_scenes_have_tabs_and_addresses(chromium, file, scenes):
    with opened(chromium, file, key="#noisy") as tab:
        assert tab.locator("h2").inner_text() == scenes["noisy"].title
        for key in ("saddle", "valley-with-local-minimum", "rastrigin"):
            scene = scenes[key]
            tab.get_by_role("link", name=key.replace("-", " "), exact=True).click()
            tab.get_by_role("heading", name=scene.title, exact=True).wait_for()
            assert tab.locator("#sentences").inner_text() == scene.sentences
            assert tab.locator("nav [aria-current=page]").inner_text() == key.replace("-", " ")


def test_the_pointer_is_told_the_loss(chromium, file, scenes):
    with opened(chromium, file) as tab:
        paused(tab, 40)
        box = tab.locator("#map").bounding_box()
        x0, x1, y0, y1 = scenes["ravine"].window
        x, y = scenes["ravine"].start
        tab.mouse.move(box["x"] + (x - x0) / (x1 - x0) * box["width"], box["y"] + (y1 - y) / (y1 - y0) * box["height"])
        told = tab.locator("#map-tip").inner_text()
        assert float(re.match(r"loss about (\S+) at", told).group(1)) == pytest.approx(49, rel=0.15)
        assert float(re.search(r"step 0: loss (\S+)", told).group(1)) == pytest.approx(49.5, rel=0.01)
        tab.locator("#chart").hover()
        assert re.match(r"\S+, step 5\d: ", tab.locator("#chart-tip").inner_text())
        tab.mouse.down()
        assert 50 < clock(tab) < 70
        tab.mouse.up()


@pytest.mark.parametrize("key", ["#ravine", "#valley-with-local-minimum"])
def test_a_phone_shows_it_without_scrolling_sideways(chromium, file, key):
    with opened(chromium, file, key=key, viewport=PHONE) as tab:
        assert tab.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
        assert tab.locator("#map").bounding_box()["width"] > 340


def test_who_wants_no_motion_gets_the_end(chromium, file):
    with opened(chromium, file, reduced_motion="reduce") as tab:
        assert clock(tab) == 120
        assert tab.get_by_role("button", name="Play").is_visible()


def test_light_and_dark_follow_the_system(chromium, file):
    papers = []
    for scheme in ("light", "dark"):
        with opened(chromium, file, color_scheme=scheme) as tab:
            papers.append(tab.evaluate("getComputedStyle(document.body).backgroundColor"))
    light, dark = (sum(map(int, re.findall(r"\d+", paper))) for paper in papers)
    assert light > 700
    assert dark < 100


def test_every_control_has_a_name(chromium, file):
    with opened(chromium, file) as tab:
        for name in ("step", "Learning rate", "Momentum"):
            assert tab.get_by_role("slider", name=name).count() == 1
        assert tab.get_by_role("img", name=re.compile("contours")).count() == 1
        assert tab.get_by_role("img", name=re.compile("Loss of each rule")).count() == 1


def test_a_scene_with_one_setting_has_no_sliders_and_counts_epochs(chromium, tmp_path):
    path = torch.stack((torch.linspace(-2, 0, 21), torch.linspace(1, 0, 21)), 1)
    racer = Racer.alone("adam(lr=0.003)", "w ← w - lr m", path, torch.linspace(2.3, 0.1, 21))
    grid = torch.rand(15, 21, generator=torch.Generator().manual_seed(0)).double()
    texts = (HOSTILE, HOSTILE, HOSTILE, ("first direction, 71%", "second, 12%"))
    times = tuple(i / 2 for i in range(21))
    scene = Scene("run", *texts, (-3.0, 1, -1, 2), grid, (-2, 1), (), (racer,), "epoch", times)
    file = tmp_path / "run.html"
    file.write_text(page([replace(scene, note=HOSTILE)], title=HOSTILE), encoding="utf-8")
    with opened(chromium, file) as tab:
        paused(tab, 5)
        assert tab.locator("#clock").inner_text() == "epoch 2.5 / 10"
        assert tab.title() == tab.locator("h1").inner_text() == tab.locator("h2").inner_text() == HOSTILE
        assert tab.locator("img").count() == 0
        assert not tab.locator("#scenes").is_visible()
        assert not tab.locator("#rate").is_visible()
        assert not tab.locator("#friction").is_visible()
        assert row(tab, "adam(lr=0.003)").locator(".rate").inner_text() == ""


def test_points_that_lie_unevenly_in_time_are_labelled_by_their_own(chromium, tmp_path):
    path = torch.tensor([[-2.0, 1], [-1, 0.5], [-0.5, 0.2], [0, 0]])
    racer = Racer.alone("adam", "w", path, torch.tensor([2.0, 1, 0.5, 0.2]))
    grid = torch.arange(9.0, dtype=torch.float64).view(3, 3)
    texts, window = ("A run", "", "Around.", ("x", "y")), (-3.0, 1, -1, 2)
    scene = Scene("run", *texts, window, grid, (-2, 1), (), (racer,), "epoch", (0, 4, 8, 10))
    file = tmp_path / "uneven.html"
    file.write_text(page([scene]), encoding="utf-8")
    with opened(chromium, file) as tab:
        assert tab.locator("#marks").inner_text() == "○ is the start."
        box = tab.locator("#chart").bounding_box()
        left, right = 46, 12  # the chart's margins
        for point, epoch in enumerate((0, 4, 8, 10)):
            paused(tab, point)
            assert tab.locator("#clock").inner_text() == f"epoch {epoch} / 10"
            assert tab.locator("#scrub").get_attribute("aria-valuetext") == f"epoch {epoch}"
            # on the chart's axis four fifths of the way are epoch 8
            across = box["x"] + left + epoch / 10 * (box["width"] - left - right)
            tab.mouse.move(across, box["y"] + 50)
            assert tab.locator("#chart-tip").inner_text().startswith(f"adam, epoch {epoch}: ")
        assert tab.evaluate("chartScales(view.scene, 158, 100).px(2)") == pytest.approx(left + 80)
        box = tab.locator("#map").bounding_box()
        (x0, x1, y0, y1), (x, y) = window, path[2].tolist()
        tab.mouse.move(box["x"] + (x - x0) / (x1 - x0) * box["width"], box["y"] + (y1 - y) / (y1 - y0) * box["height"])
        assert "adam, epoch 8: loss 0.5" in tab.locator("#map-tip").inner_text()
    assert "loss at epoch 8" in still([scene], time=2)


def test_where_nothing_moves_there_is_nothing_to_play(chromium, tmp_path):
    racer = Racer.alone("adam", "w", torch.zeros(1, 2), torch.ones(1))
    grid = torch.arange(9.0, dtype=torch.float64).view(3, 3)
    scene = Scene("run", "A run", "", "Around.", ("x", "y"), (-1, 1, -1, 1), grid, (0, 0), (), (racer,), "epoch")
    path = tmp_path / "still.html"
    path.write_text(page([scene]), encoding="utf-8")
    with opened(chromium, path) as tab:
        assert not tab.locator("#play").is_visible()
        assert not tab.locator("#chart").is_visible()
        assert "start" not in tab.locator("#marks").inner_text()
        assert tab.locator("#map").is_visible()
