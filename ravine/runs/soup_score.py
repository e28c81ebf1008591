"""What a soup is worth: its accuracy on held-out images beside that of the vote of those in it."""

from ravine.ensemble import Ensemble
from ravine.ensembles import difference
from ravine.interval import wilson
from ravine.seen import Seen, seen_by
from ravine.trained import Trained


def soup_score(how: str, soup: Trained, names: list[str], ensemble: Ensemble, dataset: Seen) -> str:
    """What the soup is worth beside the vote of those in it, on the same images."""
    split = "test" if "test" in dataset.splits else "val"
    own = soup.answers(seen_by(soup, dataset), split).correct[0]
    low, high = wilson(int(own.sum()), len(own))
    scored = f"{own.mean():.1%} (95% {100 * low:.1f} to {100 * high:.1f}) on {split}"
    if len(names) == 1:
        alone = f"no soup is better on validation than {names[0]} alone (statistics of norms taken anew)"
        return f"{how} soup: {alone}: {scored}"
    answers = ensemble.answers(dataset, split)
    of = answers.of([ensemble.names.index(name) for name in names])
    voted = of.vote.argmax(1) == of.labels
    said = f"{how} soup of {', '.join(names)}: {scored}; their vote {voted.mean():.1%}"
    return said + (f", the soup {difference(own, voted)} beside it" if len(own) > 1 else "")
