"""Names of files, classes and runs are anybody's: sixty that attack, in a browser, on every page and chart there is.

A page with hostile names has the same elements with the same attributes as one with harmless names of equal lengths,
shows each name as it is and as often, opens no dialog, asks for nothing, and leaves the policy nothing to block.
"""

import re
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from ravine.augmentation.sheet import contact_sheet
from ravine.augmentation.sheet_page import page as sheet_page
from ravine.ensembles import Answers, mask_picture, mask_report, report_page
from ravine.ensembles import report as ensemble_report
from ravine.ensembles.mask_report import Rival
from ravine.landscape import Racer, Scene, still
from ravine.landscape import page as landscape_page

HERE = Path(__file__).parent
HOSTILE = (
    # elements
    "<script>alert(1)</script>",
    "</script><script>alert(2)</script>",
    "<ScRiPt >alert(3)</sCrIpT >",
    "<script src=http://127.0.0.1:9/4.js></script>",
    "<<script>alert(5);//<</script>",
    "<img src=x onerror=alert(6)>",
    "<img/src=http://127.0.0.1:9/7.png>",
    "<svg/onload=alert(8)>",
    "<svg><script>alert(9)</script></svg>",
    "</svg><body onload=alert(10)>",
    "<iframe srcdoc='<script>alert(11)</script>'>",
    "<object data=javascript:alert(12)>",
    "<embed src=http://127.0.0.1:9/13>",
    "<details open ontoggle=alert(14)>",
    "<input autofocus onfocus=alert(15)>",
    "<video><source onerror=alert(16)></video>",
    "<math><mtext><img src=x onerror=alert(17)>",
    "<meta http-equiv=refresh content='0;url=http://127.0.0.1:9'>",
    "<base href=http://127.0.0.1:9/>",
    "<link rel=stylesheet href=http://127.0.0.1:9/20.css>",
    "<style>@import 'http://127.0.0.1:9/21.css';</style>",
    "<form action=http://127.0.0.1:9><button autofocus>",
    "<a href=javascript:alert(23)>click</a>",
    "<marquee onstart=alert(24)>",
    "<template><img src=x onerror=alert(25)></template>",
    # out of where a name stands
    '" onmouseover="alert(26)',
    "' autofocus onfocus='alert(27)",
    '"><img src=x onerror=alert(28)>',
    "`onload=alert(29)`",
    "</title><script>alert(30)</script>",
    "</style><script>alert(31)</script>",
    "</textarea></noscript><script>alert(32)</script>",
    "<!--",
    "--><script>alert(34)</script>",
    "<![CDATA[<script>alert(35)</script>]]>",
    "]]>",
    '<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "c">]>&b;',
    # encodings
    "&lt;script&gt;alert(38)&lt;/script&gt;",
    "&#60;img src=x onerror=alert(39)&#62;",
    "&amp;amp;&quot;&apos;&nbsp;&NotAnEntity;",
    "+ADw-script+AD4-alert(41)+ADw-/script+AD4-",
    "\u00c0\u00bcscript\u00c0\u00be",
    "\uff1cscript\uff1ealert(43)\uff1c/script\uff1e",
    r"\u003cscript\u003ealert(44)\u003c/script\u003e\x3c",
    "\x01\x07\x08\x0b\x1b[31mcontrol\x7f\x85",
    "\ufeff\ufffe\uffff\ufdd0noncharacters",
    # readers that read more than HTML
    "{{ 7 * 7 }}{% raw %}{{ self.__class__ }}",
    "${7*7}#{7*7}<%= 7*7 %>",
    "%{x}%{y}<extra></extra>",
    "<b>bold</b><br><i>plotly</i>",
    '<a href="javascript:alert(51)">plotly</a>',
    "$\\frac{1}{0}$ $$\\href{javascript:alert(52)}{x}$$",
    "javascript:alert(53)//",
    "data:text/html,<script>alert(54)</script>",
    "url(http://127.0.0.1:9/55.png)",
    "red;} * { background: url(http://127.0.0.1:9/56.png) } {",
    "\u202egpj.egami\u202c \u2066isolated",
    "<" * 40 + "long" + "&" * 250,
    "%s %d %n {0} {name!r} \\ / ../../etc/passwd",
    "\u2028;alert(60)//\u2029",
)
# as long as those, and in their order where names are sorted
HARMLESS = tuple(f"{sorted(HOSTILE).index(name):02d}{'x' * (len(name) - 2)}" for name in HOSTILE)
NOT_IN_XML = re.compile("[\0-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
# not <wbr>, where the landscape's own script lets a formula break, which depends on what it says; and not what plotly
# draws, which leaves out ticks that do not fit: that has a test of its own
OUTLINE = """[...document.querySelectorAll(":not(wbr, .main-svg *)")]
  .map((element) => [element.nodeName, ...element.getAttributeNames().sort()].join(" "))"""
WORDS = """(() => {
  const walk = document.createTreeWalker(document.documentElement, NodeFilter.SHOW_TEXT), said = [];
  while (walk.nextNode())
    if (!walk.currentNode.parentNode.closest("script, style, .main-svg")) said.push(walk.currentNode.data);
  return said.join("");
})()"""


def probabilities(members, rows, classes):
    return np.random.default_rng(0).dirichlet(np.ones(classes), (members, rows))


def ensemble(names, write):
    answers = Answers(probabilities(len(names), 20, 3), np.arange(20) % 3, names)
    return write(replace(ensemble_report(answers, answers), notes=names))


def masks(names, write):
    said, labels = probabilities(3, 20, 3), np.arange(20) % 3
    rivals = [Rival(name, said[:2]) for name in names]
    return write(mask_report(Answers(said, labels), Answers(said[:1], labels), rivals), " ".join(names))


def masks_page(names):
    rows = [["", *names[:3]], *([name, "1"] for name in names)]
    return masks(names, lambda report, title: mask_picture.page(report, title, names, rows))


def transfers(names, suffix):
    from made_up import made

    texts = {"weights": names[0], "data": names[1], "warnings": names}
    texts["commands"] = {"finetune": " ".join(names), "train": names[2]}
    return made(blocks=len(names), depths=tuple(range(len(names) + 1)), names=names, seeds=2, n=20, **texts).text(
        suffix
    )


def sheet(names):
    x, y = np.zeros((len(names), 3, 4, 4), np.uint8), np.arange(len(names))
    made = contact_sheet("flip", lambda rows: x[rows], y, names, title=" ".join(names), images=len(names))
    return sheet_page(replace(made, facts=" ".join(names), warnings=names))


def scenes(names):
    path, losses = torch.tensor([[-1.0, 1], [0, 0]]), torch.tensor([2.0, 1])
    racers = tuple(Racer.alone(name, name, path, losses) for name in names)
    window, grid = (-2, 2, -2, 2), torch.arange(9.0, dtype=torch.float64).view(3, 3)
    texts = (names[0], names[1], " ".join(names), (names[2], names[3]))
    scene = Scene("run", *texts, window, grid, (-1, 1), (), racers, names[4], note=names[5])
    return [scene, replace(scene, key="other")]


def run_report(names):
    """A run that is done, whose every text is a name."""
    from made_up_reports import made_up

    from ravine.report.report_page import report_page as run_page
    from ravine.traps import Trap

    every, facts = " ".join(names), dict(zip(names, names, strict=True))
    texts = {"name": names[0], "path": names[1], "verdict": (every, every), "recipe": every, "command": every}
    lists = {"notices": names, "findings": tuple(("warning", name) for name in names), "environment": facts}
    traps = tuple(Trap(name, 1, f"Seen in {name}", name) for name in names)
    return run_page(made_up(classes=names, traps=traps, **texts, **lists))


def comparison(names):
    from made_up_reports import made_up

    from ravine.report.comparison import Comparison, Paired
    from ravine.report.comparison_page import comparison_page

    report = made_up()
    reports = tuple(replace(report, name=name) for name in names)
    paired = tuple(Paired("", 0, None, name) for name in names[1:])
    settings = tuple((name, names) for name in names[:3])
    return comparison_page(Comparison(reports, names, report.accuracies[:1] * len(names), paired, settings))


DRAWN = {
    "ensemble.html": lambda names: ensemble(names, report_page.page),
    "ensemble.svg": lambda names: ensemble(names, report_page.chart),
    "masks.html": masks_page,
    "masks.svg": lambda names: masks(names, mask_picture.svg),
    "transfers.html": lambda names: transfers(names, ".html"),
    "transfers.svg": lambda names: transfers(names, ".svg"),
    "augmentation.html": sheet,
    "landscape.html": lambda names: landscape_page(scenes(names), title=" ".join(names)),
    "landscape.svg": lambda names: still(scenes(names)),
    "report.html": run_report,
    "comparison.html": comparison,
}


# what is there when a script has drawn
DRAWN_BY_SCRIPT = {
    "landscape.html": "#legend button",
    "report.html": "#reliability .main-svg",
    "comparison.html": "#overlaid .main-svg",
}
WITH_PLOTLY = """names => {
  const div = document.body.appendChild(document.createElement("div"));
  const points = { x: names.map(() => 0), y: [...names.keys()], text: names, mode: "text" };
  const yaxis = { tickvals: [...names.keys()], ticktext: names };
  const said = (kind) => [...div.querySelectorAll(kind)].map((text) => text.textContent);
  return Plotly.newPlot(div, [points], { height: 2000, yaxis }, { typesetMath: false })
    .then(() => [said(".ytick > text"), said(".textpoint > text")]);
}"""


@pytest.fixture(scope="module")
def tab(chromium):
    """One tab for all pages."""
    context = chromium.new_context(offline=True, reduced_motion="reduce")
    context.set_default_timeout(60_000)  # a page with plotly.js takes a while on a busy machine
    yield context.new_page()
    context.close()


@pytest.fixture(autouse=True)
def siblings(monkeypatch):
    """What other tests make up."""
    for folder in ("transfer", "report"):
        monkeypatch.syspath_prepend(HERE / folder)


def seen(tab, path):
    """What a browser makes of a file: its elements with their attributes, its words, and what it should not do."""
    done = []
    told = {
        "dialog": lambda dialog: (done.append(f"dialog {dialog.message}"), dialog.dismiss()),
        "console": lambda message: done.append(f"console {message.text}"),
        "pageerror": lambda error: done.append(f"error {error}"),
        "request": lambda request: done.append(f"request {request.url}"),
    }
    for event, listener in told.items():
        tab.on(event, listener)
    tab.goto(path.as_uri())
    tab.locator(DRAWN_BY_SCRIPT.get(path.name.removeprefix("harmless-"), ":root")).first.wait_for(state="attached")
    outline, words = Counter(tab.evaluate(OUTLINE)), tab.evaluate(WORDS)
    for event, listener in told.items():
        tab.remove_listener(event, listener)
    fine = ("request data:", f"request {path.as_uri()}")
    return outline, words, [what for what in done if not what.startswith(fine)]


def written(folder, name, text):
    path = folder / name
    path.write_bytes(text.encode())
    return path


def test_they_are_sixty():
    assert len(HOSTILE) == len(set(HOSTILE)) == 60
    assert len(set(HARMLESS)) == 60


@pytest.mark.parametrize("kind", DRAWN)
def test_names_stay_names(kind, tab, tmp_path):
    expected, said, nothing = seen(tab, written(tmp_path, f"harmless-{kind}", DRAWN[kind](HARMLESS)))
    outline, words, done = seen(tab, written(tmp_path, kind, DRAWN[kind](HOSTILE)))
    assert done == nothing == []
    assert outline == expected
    longest = 15 if kind == "transfers.svg" else None  # below an axis they are cut
    for hostile, harmless in zip(HOSTILE, HARMLESS, strict=True):
        found = sum(words.count(name[:longest]) for name in {hostile, NOT_IN_XML.sub("\ufffd", hostile)})
        # more, where a name is part of another
        assert found >= said.count(harmless[:longest]) > 0, hostile


def test_plotly_shows_names_as_they_are(tab, tmp_path):
    """On an axis and at a point, where the figures of a report have but some of them."""
    from ravine.report.figures_theme import plain

    seen(tab, written(tmp_path, "report.html", run_report(HARMLESS)))
    ticks, points = tab.evaluate(WITH_PLOTLY, [plain(name) for name in HOSTILE])
    assert ticks == points == list(HOSTILE)
