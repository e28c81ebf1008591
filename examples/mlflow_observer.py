"""MLflow watches a training. pip install mlflow (or mlflow-skinny); then

python examples/mlflow_observer.py digits
mlflow ui
"""

import sys
from dataclasses import asdict

import mlflow

import ravine


class MLflow(ravine.Observer):
    def begin(self, run):
        kept = run.path / "mlflow.txt"  # a run that is taken up goes on with its MLflow run
        known = kept.read_text() if kept.exists() else None
        kept.write_text(mlflow.start_run(run_id=known, run_name=run.path.name).info.run_id)
        mlflow.log_params(asdict(run.recipe))

    def epoch(self, row, times, weights):
        mlflow.log_metrics({**row, **times}, step=row["epoch"])

    def end(self, run):
        mlflow.log_metric("accuracy", run.summary["accuracy"])
        mlflow.log_artifact(str(run.path / "report.html"))
        mlflow.end_run()


if __name__ == "__main__":
    run = ravine.train(sys.argv[1] if len(sys.argv) > 1 else "digits", observers=[MLflow()])
    print(f"{run.path}: {run.summary['accuracy']:.1%}")
