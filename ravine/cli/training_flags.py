"""The flags of every command that trains into a run's folder: a recipe, and where and how."""

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, Literal

from ravine.recipe import Recipe

if TYPE_CHECKING:
    from ravine.runs import Observer


@dataclass(frozen=True)
class TrainingFlags(Recipe):
    recipe: str = ""
    """A run's recipe.toml, to train by it again; other flags change it. One made under --budget is done step by step as
    it was, without a clock."""
    name: str = ""
    """Name of the run's folder; empty takes the data's."""
    out: str = "runs"
    """Folder of all runs."""
    fresh: bool = False
    """Start anew in NAME-2 instead of resuming."""
    device: str = "auto"
    """auto (a GPU if there is one), cpu, cuda, cuda:1."""
    cache: str = ""
    """Where decoded images are kept; empty is ~/.cache/ravine (or RAVINE_CACHE)."""
    log: Literal["none", "tensorboard"] = "none"
    """Also write curves, weights and pictures to RUN/tensorboard (look with: tensorboard --logdir runs); needs
    pip install "ravine[tensorboard]"."""
    json: bool = False
    """Print the results as one JSON object."""
    quiet: bool = False
    """Show warnings only."""

    def for_training(self) -> dict[str, Any]:
        """What `ravine.train` and its like take by name: where and how, and the recipe."""
        return {
            "name": self.name or None,
            "out": self.out,
            "fresh": self.fresh,
            "device": self.device,
            "cache": self.cache or None,
            "quiet": self.quiet,
            "recipe": recipe_of(self),
        }

    def observers(self) -> "list[Observer]":
        """What --log names. Raises UsageError where its package is missing."""
        from ravine.tracking import trackers

        return trackers(self.log)


def recipe_of(options: Recipe) -> Recipe:
    """The recipe alone, out of options that add flags to it."""
    return Recipe(**{field.name: getattr(options, field.name) for field in fields(Recipe)})
