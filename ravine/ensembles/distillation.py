"""Distillation: one network learns what an ensemble says.

Hinton, Vinyals and Dean, "Distilling the Knowledge in a Neural Network", 2015; with a teacher that sees the very images
that the student sees: Beyer, Zhai, Royer, Markeeva, Anil and Kolesnikov, "Knowledge distillation: A good teacher is
patient and consistent", CVPR 2022.
"""

from numbers import Real

from torch import Tensor
from torch.nn import functional as F

from ravine.errors import UsageError

_ROUNDING = 1e-2  # of a sum of probabilities in bfloat16


def softened(probabilities: Tensor, temperature: float) -> Tensor:
    """Probabilities `[..., classes]` at a temperature: p^(1/T), scaled to sum to 1.

    softmax(z / T) for p = softmax(z). T above 1 shows what the unlikely classes have in common with the likely one.
    """
    # scaled by the largest first, so that a root of tiny numbers does not lose the digits of the sum
    p = (probabilities / probabilities.amax(-1, keepdim=True)).pow(1 / temperature)
    return p / p.sum(-1, keepdim=True)


def teacher_losses(student_logits: Tensor, teacher_probabilities: Tensor, temperature: float = 2.0) -> Tensor:
    """How far the student is from the teacher on each example, in nats, 0 where they agree.

        T^2 KL(q || softmax(z / T)),   q = softened(p, T)
        its gradient by z:  T (softmax(z / T) - q)

    T^2, since the gradient of what is divided by T twice would shrink with 1 / T^2 and the labels' would not.

    Args:
        student_logits: z `[..., classes]`.
        teacher_probabilities: p of the same shape; of an ensemble the average. No gradient flows to it.
        temperature: T, above 0.

    Returns:
        `[...]`.

    Raises:
        UsageError: shapes that differ, rows of p that are no probabilities, or the temperature.
    """
    temperature = check_temperature(temperature)
    if student_logits.shape != teacher_probabilities.shape:
        found = f"logits {tuple(student_logits.shape)} and probabilities {tuple(teacher_probabilities.shape)}"
        raise UsageError(found, where="distillation", expected="the same shape [..., classes]")
    p = teacher_probabilities.detach()
    if p.numel() and not bool((p >= 0).all() & ((p.float().sum(-1) - 1).abs() < _ROUNDING).all()):
        expected = "rows of 0 or more that sum to 1, such as logits.softmax(-1)"
        raise UsageError("the teacher's are no probabilities", where="distillation", expected=expected)
    q = softened(p.to(student_logits.dtype), temperature)
    log_p = (student_logits / temperature).log_softmax(-1)
    return temperature**2 * F.kl_div(log_p, q, reduction="none").sum(-1)


def distillation_loss(
    student_logits: Tensor,
    teacher_probabilities: Tensor,
    labels: Tensor | None = None,
    temperature: float = 2.0,
    alpha: float = 0.9,
) -> Tensor:
    """The loss of a student, the mean over its examples.

        alpha T^2 KL(teacher_T || student_T) + (1 - alpha) cross entropy(student, labels)

    With T = 1 and alpha = 1 it is the cross entropy with the teacher's probabilities, less their entropy, which no
    student can change. Without labels alpha is 1.

        >>> logits = torch.tensor([[2.0, 0.0], [0.0, 1.0]], requires_grad=True)
        >>> loss = distillation_loss(logits, torch.tensor([[0.9, 0.1], [0.4, 0.6]]), torch.tensor([0, 1]))
        >>> loss.backward()

    Args:
        student_logits: `[B, classes]`.
        teacher_probabilities: `[B, classes]`; of an ensemble the average. No gradient flows to it.
        labels: int64 `[B]`, or None.
        temperature: T, above 0.
        alpha: the teacher's share, 0 to 1.

    Raises:
        UsageError: a setting out of range, shapes that differ, or a teacher whose rows are no probabilities.
    """
    alpha = check_alpha(alpha)
    soft = teacher_losses(student_logits, teacher_probabilities, temperature).mean()
    if labels is None:
        return soft
    return alpha * soft + (1 - alpha) * F.cross_entropy(student_logits, labels)


def check_temperature(temperature: float) -> float:
    """`temperature`, where it is a finite number above 0; UsageError otherwise."""
    if isinstance(temperature, bool) or not isinstance(temperature, Real) or not 0 < temperature <= 1e6:
        expected = "a number above 0, up to 1e6"
        raise UsageError(f"temperature cannot be {temperature!r}", where="distillation", expected=expected)
    return float(temperature)


def check_alpha(alpha: float) -> float:
    """`alpha`, where it is a number from 0 to 1; UsageError otherwise."""
    if isinstance(alpha, bool) or not isinstance(alpha, Real) or not 0 <= alpha <= 1:
        raise UsageError(f"alpha cannot be {alpha!r}", where="distillation", expected="a number from 0 to 1")
    return float(alpha)
