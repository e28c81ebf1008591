import torch

from ravine import draws


def test_numbers_depend_on_each_of_the_five_and_on_nothing_else():
    base = (1, 2, "order", 3, 4)
    assert draws.number(*base) == draws.number(*base)
    others = [
        (9, 2, "order", 3, 4),
        (1, 9, "order", 3, 4),
        (1, 2, "flip", 3, 4),
        (1, 2, "order", 9, 4),
        (1, 2, "order", 3, 9),
    ]
    numbers = {draws.number(*o) for o in others} | {draws.number(*base)}
    assert len(numbers) == 6
    assert all(0 <= n < 2**63 for n in numbers)


def test_the_draws_of_an_epoch_are_all_distinct():
    first = [
        torch.rand(4, generator=draws.generator(0, m, "x", e, s)) for m in range(3) for e in range(3) for s in range(50)
    ]
    assert len({tuple(t.tolist()) for t in first}) == len(first)


def test_global_seeding_equals_a_generator_and_gives_the_callers_back():
    torch.manual_seed(1)
    expected = torch.rand(2)
    torch.manual_seed(1)
    with draws.seeded(5, 0, "init"):
        inside = torch.rand(3)
    assert torch.equal(torch.rand(2), expected)
    assert torch.equal(inside, torch.rand(3, generator=draws.generator(5, 0, "init")))
    with draws.own_generators():
        draws.seed_global(5, 0, "init")
        assert torch.equal(torch.rand(3), inside)
