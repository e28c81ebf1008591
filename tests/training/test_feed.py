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
