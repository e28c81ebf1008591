"""Draws what `ravine landscape` makes: docs/pictures/landscape.png, the page in a browser, and four stills.

python docs/pictures/draw_landscape.py        needs playwright and Debian's Chromium
"""

import io
import shutil
import tempfile
from pathlib import Path

from PIL import Image
from playwright.sync_api import sync_playwright

from ravine.cli.landscape import Options, entrants
from ravine.landscape import SURFACES, page, race, still

HERE = Path(__file__).parent
STEPS = {"ravine": 30, "saddle": 35, "plateau": 60, "noisy": 90}  # when the trap is plain to see
WIDTH, HEIGHT = 1280, 740


def main() -> None:
    rules = entrants(Options.rules)
    scenes = {surface.key: race(surface, rules) for surface in SURFACES}
    for key, step in STEPS.items():
        (HERE / f"{key}.svg").write_text(still([scenes[key]], time=step), encoding="utf-8")
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "landscape.html"
        file.write_text(page(list(scenes.values())), encoding="utf-8")
        shot = photograph(file, STEPS["ravine"])
    picture = Image.open(io.BytesIO(shot)).convert("RGB")
    # 256 colours, a quarter of the size; chosen so that also the rules' own are among them, which cover little
    picture = picture.quantize(256, method=Image.Quantize.MAXCOVERAGE, kmeans=3, dither=Image.Dither.NONE)
    picture.save(HERE / "landscape.png", optimize=True)
    for name in ("landscape.png", *(f"{key}.svg" for key in STEPS)):
        print(f"{name}  {(HERE / name).stat().st_size / 1000:.0f} kB")


def photograph(file: Path, step: int) -> bytes:
    """The page's first scene, paused at a step, as PNG."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        tab = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT}, device_scale_factor=2)
        tab.goto(file.as_uri())
        tab.locator("#scrub").fill(str(step))
        tab.locator("#scrub").blur()
        shot = tab.screenshot()
        browser.close()
    return shot


if __name__ == "__main__":
    main()
