"""The colours of pages and stills, in one place.

Those of the rules are told apart by people who see red and green alike (after Okabe and Ito, 2008), and each rule has a
shape of its own besides. The field is one hue that deepens towards the minimum, so that only the rules are colourful.
"""

# in the order of the racers; what lies beyond starts again, with another shape
LIGHT = (
    *("#c8420b", "#0a5cad", "#2f9fd0", "#0b7f5a", "#b07d00"),
    *("#a12f88", "#3b3b3b", "#7b5635", "#6a4fb3", "#74801a"),
)
DARK = (
    *("#ff8552", "#5fa8f5", "#a5dcff", "#43d3a0", "#f0c04f"),
    *("#f08fdc", "#f2f2f2", "#cfa67d", "#b9a4ff", "#c7d46a"),
)
SHAPES = ("circle", "square", "diamond", "triangle", "pentagon")
# from the lowest loss to the highest
FIELD_LIGHT = ("#7c9fb6", "#a9c2d0", "#cfdde3", "#e9eef0", "#f7f6f2")
FIELD_DARK = ("#4d7f9c", "#335a74", "#233f54", "#192d3d", "#131f2b")
BANDS = 20


def band_colours(stops: tuple[str, ...]) -> list[tuple[int, int, int]]:
    """`BANDS` colours from the first stop to the last, each (red, green, blue) of 0..255."""
    rgb = [[int(stop[i : i + 2], 16) for i in (1, 3, 5)] for stop in stops]
    colours = []
    for band in range(BANDS):
        at = band / (BANDS - 1) * (len(rgb) - 1)
        i = min(int(at), len(rgb) - 2)
        red, green, blue = (round(a + (b - a) * (at - i)) for a, b in zip(rgb[i], rgb[i + 1], strict=True))
        colours.append((red, green, blue))
    return colours
