"""SqueezeExcitation: it begins as nothing, and then weighs whole channels by what is in the image."""

import torch

from ravine.models import SqueezeExcitation


def moved(channels=12):
    layer = SqueezeExcitation(channels)
    torch.nn.init.normal_(layer.excite.weight)
    return layer


def test_at_first_it_changes_nothing():
    x = torch.randn(2, 12, 5, 4)
    assert torch.equal(SqueezeExcitation(12)(x), x)


def test_each_channel_is_multiplied_by_one_number_between_0_and_2():
    x = torch.rand(3, 12, 5, 4) + 1
    factors = moved()(x) / x
    torch.testing.assert_close(factors, factors[:, :, :1, :1].expand_as(factors))
    assert factors.min() > 0
    assert factors.max() < 2
    assert factors.std() > 0


def test_the_number_goes_by_the_mean_of_the_image_alone():
    layer, x = moved(), torch.rand(1, 12, 4, 4)
    turned, brighter = x.rot90(dims=(2, 3)), x + 1
    torch.testing.assert_close(layer(turned), layer(x).rot90(dims=(2, 3)))
    assert not torch.allclose(layer(brighter) / brighter, layer(x) / x)


def test_the_other_images_of_a_batch_do_not_matter():
    layer, x = moved(), torch.randn(4, 12, 3, 3)
    torch.testing.assert_close(layer(x)[1:2], layer(x[1:2]))
