"""What is kept as the best weights are scored: every image once, in order, and no image twice."""

import numpy as np
import pytest
import torch
from report_runs import trained

import ravine
from ravine.runs import results
from ravine.runs.predicting import Kept
from ravine.training.evaluate import evaluate


def test_the_last_weights_that_are_the_best_are_scored_once(tmp_path, monkeypatch):
    plain, scored = results.score, []
    monkeypatch.setattr(
        results, "score", lambda training, split, *a, **k: scored.append(split) or plain(training, split, *a, **k)
    )
    run = trained(tmp_path, epochs=1, average="ema(0.9)", test=0.2)
    assert scored == ["val", "test", "train"]
    for split in ("val", "test"):
        alone = run.last.evaluate(ravine.data.with_validation(ravine.data.load("digits"), 0.2, 0.2, 0), split)
        assert run.summary["last"][split]["accuracy"] == alone.vote_accuracy
        assert run.summary["last"][split]["loss"] == pytest.approx(alone.vote_loss, abs=1e-6)


def test_many_batches_of_several_members_are_kept_in_order():
    rng = torch.Generator().manual_seed(0)
    logits, y = torch.randn(3, 100, 4, generator=rng), torch.arange(100) % 4
    kept = Kept(100, torch.device("cpu"))
    batches = ((rows, y[rows]) for rows in torch.arange(100).split(32))
    score = evaluate(lambda rows: logits[:, rows[0]], batches, 3, 4, keep=kept)
    predicted, confidence, true = kept.columns()
    vote = logits.softmax(2).mean(0).numpy()
    assert (predicted == vote.argmax(1)).all()
    assert np.allclose(confidence, vote.max(1), atol=1e-6)
    assert np.allclose(true, vote[np.arange(100), y], atol=1e-6)
    assert score.vote_accuracy == pytest.approx((predicted == y.numpy()).mean())
