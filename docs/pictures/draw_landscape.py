"""Draws what `ravine landscape` makes: the page in a browser, of all surfaces (landscape.png) and of a training's own
landscape (run-landscape.png), and four stills.

python docs/pictures/draw_landscape.py        needs playwright and Debian's Chromium
"""

import io
import shutil
import tempfile
from pathlib import Path

from PIL import Image
from playwright.sync_api import sync_playwright

import ravine
from ravine.cli.landscape import Options, entrants
from ravine.landscape import SURFACES, Scene, page, race, still
from ravine.runs.surroundings import surroundings

HERE = Path(__file__).parent
STEPS = {"ravine": 30, "saddle": 35, "plateau": 60, "noisy": 90}  # when the trap is plain to see
TRAINING = {"epochs": 15, "optimizer": "momentum(rho=0.9)"}
WIDTH = 1280


def main() -> None:
    rules = entrants(Options.rules)
    scenes = {surface.key: race(surface, rules) for surface in SURFACES}
    for key, step in STEPS.items():
        (HERE / f"{key}.svg").write_text(still([scenes[key]], time=step), encoding="utf-8")
    photograph(list(scenes.values()), "landscape.png", STEPS["ravine"], height=740)
    with tempfile.TemporaryDirectory() as folder:
        run = ravine.train("digits", out=folder, quiet=True, **TRAINING)
        scene = surroundings(run, ravine.data.load("digits"))
    photograph([scene], "run-landscape.png", scene.last, height=700)
    for name in ("landscape.png", "run-landscape.png", *(f"{key}.svg" for key in STEPS)):
        print(f"{name}  {(HERE / name).stat().st_size / 1000:.0f} kB")


def photograph(scenes: list[Scene], name: str, point: int, height: int) -> None:
    """Draws the page's first scene, paused at a point of its paths."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "landscape.html"
        file.write_text(page(scenes), encoding="utf-8")
        shot = shown(file, point, height)
    picture = Image.open(io.BytesIO(shot)).convert("RGB")
    # 256 colours, a quarter of the size; chosen so that also the rules' own are among them, which cover little
    picture = picture.quantize(256, method=Image.Quantize.MAXCOVERAGE, kmeans=3, dither=Image.Dither.NONE)
    picture.save(HERE / name, optimize=True)


def shown(file: Path, point: int, height: int) -> bytes:
    """The page in a browser, as PNG."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        tab = browser.new_page(viewport={"width": WIDTH, "height": height}, device_scale_factor=2)
        tab.goto(file.as_uri())
        tab.locator("#scrub").fill(str(point))
        tab.locator("#scrub").blur()
        shot = tab.screenshot()
        browser.close()
    return shot


if __name__ == "__main__":
    main()
