"""A page closes itself off, escapes what it is given, and asks for what it misses."""

import base64
import hashlib
import json
import re

import pytest
from jinja2 import UndefinedError
from markupsafe import Markup

from ravine.colours import DARK, LIGHT, text_of, tokens
from ravine.page import render


def policy(text):
    (content,) = re.findall(r'<meta http-equiv="Content-Security-Policy" content="([^"]*)">', text)
    return [rule.split(" ", 1) for rule in content.split("; ")]


def sha(text):
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def inside(text, tag):
    (found,) = re.findall(rf"<{tag}>(.*?)</{tag}>", text, re.DOTALL)
    return found


def test_exactly_what_stands_in_the_page_is_allowed():
    text = render("<p>é</p>", title="t", style=".é { margin: 0 }", script="let é = 'ü' < 1;")
    assert policy(text) == [
        ["default-src", "'none'"],
        ["style-src", sha(inside(text, "style"))],
        ["script-src", sha("let é = 'ü' < 1;")],
        ["img-src", "data:"],
        ["base-uri", "'none'"],
        ["form-action", "'none'"],
    ]
    assert inside(text, "script") == "let é = 'ü' < 1;"
    assert inside(text, "style").endswith(".é { margin: 0 }")


def test_without_a_script_none_may_run_and_a_loose_style_loosens_nothing_else():
    plain, loose = (dict(policy(render("", title="t", loose_style=loose))) for loose in (False, True))
    assert "script-src" not in plain
    assert loose == plain | {"style-src": "'unsafe-inline'"}


def test_text_is_escaped_and_markup_of_our_own_is_not():
    text = render(
        "<p title='{{ a }}'>{{ a }}{{ b }}{{ title }}</p>", title="<i>&", a="'\"<b>{{ 7 * 7 }}", b=Markup("<hr>")
    )
    assert "<p title='&#39;&#34;&lt;b&gt;{{ 7 * 7 }}'>&#39;&#34;&lt;b&gt;{{ 7 * 7 }}<hr>&lt;i&gt;&amp;</p>" in text
    assert "<title>&lt;i&gt;&amp;</title>" in text


def test_data_cannot_end_their_script():
    value = {"b": ["</script><!--", "\u2028é'&"], "a": 0.1}
    text = render('<script type="application/json">{{ value | tojson }}</script>', title="t", value=value)
    (data,) = re.findall(r'<script type="application/json">(.*?)</script>', text, re.DOTALL)
    assert not set("<>&'") & set(data)
    assert json.loads(data) == value
    with pytest.raises(ValueError, match="not JSON compliant"):
        render("{{ value | tojson }}", title="t", value=float("nan"))


def test_a_missing_value_is_an_error_and_not_a_gap():
    with pytest.raises(UndefinedError, match="'gone' is undefined"):
        render("{{ gone }}", title="t")


def test_a_name_that_is_no_utf_8_can_be_written():
    name = b"caf\xe9".decode("utf-8", "surrogateescape")
    text = render("<p>{{ name }}</p>", title=name, name=name)
    assert "<p>caf\\udce9</p>" in text
    assert "<title>caf\\udce9</title>" in text.encode().decode()


def test_filters():
    template = "{{ 0.12345 | percent }}, {{ (1 / 3) | number }}, {{ (0.5, 0.625) | span }}, {{ none | span }}, "
    text = render(template + "{{ 0.0123 | seconds }}, {{ 1234.56 | seconds }}", title="t")
    assert "12.3%, 0.333, 50.0 to 62.5, -, 12 ms, 1,234.6 s" in text


def test_every_colour_has_two_and_every_colour_in_use_is_one():
    assert LIGHT.keys() == DARK.keys()
    assert tokens(".x").count(".x {") == 2
    used = set(re.findall(r"var\(--([\w-]+)", text_of("ravine", "page.css") + text_of("ravine", "chart.css")))
    assert used - {"mono", "own"} <= LIGHT.keys()


def contrast(one, other):
    """WCAG 2.2: (lighter + 0.05) / (darker + 0.05), of relative luminances."""

    def luminance(colour):
        parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("scheme", [LIGHT, DARK], ids=["light", "dark"])
def test_text_can_be_read_on_what_it_stands_on(scheme):
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    for back in ("paper", "card", "mark"):
        for front in ("ink", "soft", "accent", "second", "third", "fourth"):
            assert contrast(scheme[front], scheme[back]) >= 4.5, (front, back)
    assert contrast(scheme["alert"], scheme["alert-paper"]) >= 4.5
    assert contrast(scheme["ink"], scheme["alert-paper"]) >= 4.5
