"""What the charts share: scales, labels that do not touch, words that no XML reader stumbles over."""

from xml.etree import ElementTree

import pytest

from ravine.drawing import apart, dressed, grid, names, path, scale, svg, text, words


def test_a_chart_becomes_a_file_with_its_colours():
    chart = svg("kind", 100, 50, "a <title>", [text(1, 2, "<&>", "end", "strong")])
    assert "<style>" not in chart
    root = ElementTree.fromstring(dressed(chart, ".kind { opacity: 1 }"))  # noqa: S314  ours
    assert root.get("class") == "chart kind"
    title, style, back, said = root
    assert (title.text, said.text) == ("a <title>", "<&>")
    assert style.text.endswith(".kind { opacity: 1 }")
    assert "prefers-color-scheme: dark" in style.text
    assert ":root" not in style.text, "a file may be put into a page, whose colours are its own"
    assert back.get("class") == "paper"


def test_no_character_breaks_a_file():
    everything = "".join(map(chr, [*range(0x250), *range(0xD7F0, 0xE010), *range(0xFFF0, 0x10010)]))
    said = words(everything)
    for of in (said, said.encode()):
        read = ElementTree.fromstring(b"<a>%s</a>" % of if isinstance(of, bytes) else f"<a>{of}</a>").text  # noqa: S314
        assert len(read) == len(everything)
    assert words("plain, é, 漢, \U0001f600") == "plain, é, 漢, \U0001f600"


@pytest.mark.parametrize("shares", [[0.5], [0.1, 0.9], [0.981, 0.9823], [0.0, 1.0], [0.99, 1.0], [0.0]])
def test_a_scale_holds_its_values_and_has_round_ticks(shares):
    low, high, ticks = scale(shares)
    assert low < min(shares) <= max(shares) < high
    assert 1 <= len(ticks) <= 8
    assert all(0 <= tick <= 1 and round(1000 * tick) == pytest.approx(1000 * tick) for tick in ticks)


def test_a_grid_has_a_line_and_a_percentage_for_each_tick():
    parts = grid([0.5, 0.505], lambda share: 100 * share, 10, 90)
    assert parts[:2] == ['<path class="grid" d="M10 50.0H90"/>', '<path class="grid" d="M10 50.5H90"/>']
    assert [part[part.index(">") + 1 : -7] for part in parts[2:]] == ["50.0%", "50.5%"]
    assert ">50%<" in grid([0.5], lambda share: share, 10, 90)[1]


def test_labels_keep_a_gap_and_stay_above_the_bottom():
    assert apart([10, 50, 90], 17, 100) == [10, 50, 90]
    assert apart([10, 12, 14], 17, 100) == [10, 27, 44]
    assert apart([90, 95, 99], 17, 100) == [66, 83, 100]
    assert apart([], 17, 100) == []
    drawn = names([(60, "b", "second"), (50, "a", "<first>")], 100, 200)
    assert [part[part.index(">") + 1 : -7] for part in drawn[1::2]] == ["&lt;first&gt;", "second"]
    assert drawn[2] == '<path class="lead" d="M88 60L112 67.0"/>'


def test_a_path_goes_through_its_points():
    assert path([(0, 1), (2.5, 3)]) == "M0 1L2.5 3"
