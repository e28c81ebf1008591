"""Draws docs/pictures/lr_find.svg: the range test of `ravine lr-find digits --optimizer momentum`.

python docs/pictures/draw_lr_find.py
"""

from pathlib import Path

import ravine


def main() -> None:
    found = ravine.lr_find("digits", optimizer="momentum", device="cpu", quiet=True)
    found.save(Path(__file__).with_name("lr_find.svg"))
    print(found.suggestion)


if __name__ == "__main__":
    main()
