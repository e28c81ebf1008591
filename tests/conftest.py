"""One thread: the networks of the tests are so small that two would spend their time waiting for each other."""

import torch

torch.set_num_threads(1)
