from dataclasses import replace

import numpy as np
import torch

from ravine.training.feed import Normalization, TrainingFeed, clean_batches, normalization


def test_normalised_channels_have_mean_0_and_std_1():
    x = np.random.default_rng(0).integers(0, 256, (300, 3, 5, 4), dtype=np.uint8)
    x[:, 1] //= 3
    normalize = normalization(lambda rows: x[rows], len(x))
    out = normalize(torch.from_numpy(x))
    assert out.dtype == torch.float32
    assert out.is_contiguous(memory_format=torch.channels_last)
    torch.testing.assert_close(out.mean((0, 2, 3)), torch.zeros(3), atol=1e-5, rtol=0)
    torch.testing.assert_close(out.std((0, 2, 3), correction=0), torch.ones(3), atol=1e-5, rtol=0)


def test_a_constant_feature_becomes_zero():
    x = np.tile(np.array([5.0, 7.0], np.float32), (10, 1))
    x[:, 1] += np.arange(10)
    out = normalization(lambda rows: x[rows], len(x))(torch.from_numpy(x))
    assert (out[:, 0] == 0).all()
    assert out[:, 1].std(correction=0).isclose(torch.tensor(1.0))


def test_large_data_is_sampled_evenly():
    x = np.arange(10_000, dtype=np.float32)[:, None]
    sampled = normalization(lambda rows: x[rows], len(x), values=1000)
    assert abs(sampled.mean[0] - x.mean()) < 1
    assert abs(sampled.std[0] / x.std() - 1) < 0.01


def feed(members):
    x, y = torch.arange(10, dtype=torch.uint8).view(10, 1, 1, 1), torch.arange(10)
    order = lambda member, epoch: (torch.arange(10) + member + epoch) % 10  # noqa: E731
    return TrainingFeed(lambda rows: x[rows], y, order, [(0, 4), (4, 10)], members, Normalization((0.0,), (1.0,)))


def test_each_member_has_its_own_order_and_labels_follow():
    batches = list(feed(3).epoch(2))
    assert [x.shape for x, _ in batches] == [(3, 4, 1, 1, 1), (3, 6, 1, 1, 1)]
    for x, y in batches:
        assert torch.equal(x.flatten(1).long(), y)
    assert batches[0][1].tolist() == [[2, 3, 4, 5], [3, 4, 5, 6], [4, 5, 6, 7]]


def test_entering_an_epoch_later_skips_without_replaying():
    whole, rest = list(feed(2).epoch(1)), list(feed(2).epoch(1, first=1))
    assert len(rest) == 1
    assert torch.equal(whole[1][0], rest[0][0])


def test_clean_batches_keep_the_order():
    x, y = torch.arange(5.0).view(5, 1), torch.arange(5)
    normalize = Normalization((0.0,), (1.0,))
    batches = list(clean_batches(lambda rows: x[rows], y, torch.tensor([4, 2, 0]), normalize, batch=2))
    assert [labels.tolist() for _, labels in batches] == [[4, 2], [0]]
    assert [rows.flatten().tolist() for rows, _ in batches] == [[4, 2], [0]]


def test_copies_of_an_image_in_one_epoch_are_augmented_differently():
    x, numbers = torch.zeros(4, 1, 1, 1), lambda member, epoch: torch.arange(4.0)[:, None]
    add = lambda x, u: x + u[:, :, None, None]  # noqa: E731
    order = lambda member, epoch: torch.zeros(4, dtype=torch.int64)  # noqa: E731
    feed = TrainingFeed(
        lambda rows: x[rows],
        torch.arange(4),
        order,
        [(0, 2), (2, 4)],
        2,
        Normalization((0.0,), (1.0,)),
        add,
        numbers,
        True,
    )
    assert [batch.flatten(1).tolist() for batch, _ in feed.epoch(0)] == [[[0, 1]] * 2, [[2, 3]] * 2]


def test_what_happens_to_an_image_depends_on_neither_batch_nor_order():
    x, y = torch.arange(10.0).view(10, 1, 1, 1), torch.arange(10)
    numbers = lambda member, epoch: (torch.arange(10.0) * 100 + member * 10 + epoch)[:, None]  # noqa: E731
    add = lambda x, u: x + u[:, :, None, None]  # noqa: E731
    seen = {}
    for name, bounds, shift in (("a", [(0, 4), (4, 10)], 0), ("b", [(0, 10)], 3)):
        order = lambda member, epoch, shift=shift: (torch.arange(10) + shift) % 10  # noqa: E731
        feed = TrainingFeed(lambda rows: x[rows], y, order, bounds, 2, Normalization((0.0,), (1.0,)), add, numbers)
        seen[name] = {}
        for batch, labels in feed.epoch(7):
            for k in range(2):
                for image, label in zip(batch[k].flatten().tolist(), labels[k].tolist(), strict=True):
                    seen[name][k, label] = image
    assert seen["a"] == seen["b"]
    assert seen["a"][1, 4] == 4 + 400 + 10 + 7


class Swap:
    """Replaces an image by its partner where the number is at least 1/2, and keeps a tenth of its label."""

    def partners(self, u, pool):
        return (u[:, 0] * pool).long()

    def __call__(self, x, other, y, other_y, u):
        hot, other_hot = (torch.nn.functional.one_hot(labels, 10).float() for labels in (y, other_y))
        return torch.where(u[:, 0, None, None, None] < 0.5, x, other), 0.1 * hot + 0.9 * other_hot


def mixing_feed(bounds, shift=0, members=2, repeats=False):
    x, y = torch.arange(10.0).view(10, 1, 1, 1), torch.arange(10)

    def numbers(member, epoch):
        generator = torch.Generator().manual_seed(100 * member + epoch)
        return torch.rand(10, 3, generator=generator)

    def order(member, epoch):
        return torch.full((10,), 3) if repeats else (torch.arange(10) * 3 + member + shift) % 10

    def augment(x, u):
        assert u.shape[1] == 2, "the mix's numbers are its own"
        return x + u[:, :1, None, None]

    normalize = Normalization((0.0,), (1.0,))
    return TrainingFeed(
        lambda rows: x[rows], y, order, bounds, members, normalize, augment, numbers, repeats, Swap(), own_draws=2
    )


def test_what_an_image_is_mixed_with_depends_on_neither_batch_nor_order_nor_members():
    seen = {}
    for name, bounds, shift, members in (
        ("a", [(0, 4), (4, 10)], 0, 2),
        ("b", [(0, 10)], 7, 2),
        ("c", [(0, 10)], 0, 1),
    ):
        here = mixing_feed(bounds, shift, members)
        seen[name] = {}
        for epoch in range(2):
            for (start, stop), (x, y) in zip(bounds, here.epoch(epoch), strict=True):
                assert y.shape == (members, stop - start, 10)
                for k in range(members):
                    rows = here.order(k, epoch)[start:stop].tolist()
                    for row, image, label in zip(rows, x[k].flatten().tolist(), y[k], strict=True):
                        seen[name][k, epoch, row] = (image, tuple(label.tolist()))
    assert seen["a"] == seen["b"]
    assert seen["c"] == {key: value for key, value in seen["a"].items() if key[0] == 0}
    assert len({image for image, _ in seen["a"].values()}) > 20


def test_a_partner_is_augmented_by_its_own_numbers():
    here = mixing_feed([(0, 10)], members=1)
    ((x, y),) = here.epoch(1)
    table, rows = here.numbers(0, 1), here.order(0, 1)
    for image, label, row in zip(x.flatten(), y[0], rows.tolist(), strict=True):
        partner = int(table[row, 2] * 10)
        source = row if table[row, 2] < 0.5 else partner
        assert image == source + table[source, 0]
        assert label[partner] >= 0.9
        torch.testing.assert_close(label.sum(), torch.tensor(1.0))


def test_copies_of_an_image_are_mixed_with_other_places():
    here = mixing_feed([(0, 5), (5, 10)], repeats=True)
    images = torch.cat([x for x, _ in here.epoch(0)], 1)
    assert (images.floor() == 3).all()
    assert len(images.unique()) > 8
    whole, rest = list(here.epoch(3)), list(here.epoch(3, first=1))
    assert torch.equal(whole[1][0], rest[0][0])


def test_equal_identities_see_equal_batches_made_once():
    taken = []
    plain = mixing_feed([(0, 4), (4, 10)], members=3)

    def take(rows):
        taken.append(len(rows))
        return plain.take(rows)

    paired = replace(plain, members=4, identities=[2, 0, 2, 0], take=take)
    for (x, y), (own_x, own_y) in zip(paired.epoch(1), plain.epoch(1), strict=True):
        for k, identity in enumerate(paired.identities):
            assert torch.equal(x[k], own_x[identity])
            assert torch.equal(y[k], own_y[identity])
    assert taken == [2 * 4, 2 * 4, 2 * 6, 2 * 6], "two members' images, and their partners"


def test_one_batch_for_all_lies_in_memory_once():
    for x, y in replace(feed(3), identities=[1, 1, 1]).epoch(0):
        assert (x.stride(0), y.stride(0)) == (0, 0)
        assert len(x) == 3


def test_batches_that_are_handed_out_keep_their_layout():
    x, y = torch.rand(10, 3, 4, 4), torch.arange(10)
    made = TrainingFeed(
        lambda rows: x[rows],
        y,
        lambda k, _: (y + k) % 10,
        [(0, 10)],
        4,
        Normalization((0.0,) * 3, (1.0,) * 3),
        identities=[0, 1, 0, 1],
    )
    ((batch, _),) = made.epoch(0)
    assert all(one.is_contiguous(memory_format=torch.channels_last) for one in batch)
