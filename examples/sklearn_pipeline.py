"""ravine as a scikit-learn classifier: in a pipeline, cross-validated, its settings searched.

pip install scikit-learn
python examples/sklearn_pipeline.py
"""

from sklearn.datasets import load_breast_cancer
from sklearn.model_selection import GridSearchCV, cross_val_score, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from ravine import Classifier

x, y = load_breast_cancer(return_X_y=True)  # 569 rows of 30 measurements
x_train, x_test, y_train, y_test = train_test_split(x, y, test_size=0.3, stratify=y, random_state=0)

# Feature arrays [N, F] take the mlp, images uint8 [N, C, H, W] a convnet.
network = Classifier(model="mlp(hidden=[32])", epochs=15, batch=32)
pipeline = make_pipeline(StandardScaler(), network)

scores = cross_val_score(pipeline, x_train, y_train, cv=3)
print("three folds:", ", ".join(f"{score:.1%}" for score in scores))

grid = {"classifier__lr": [1e-4, 1e-2], "classifier__regularize": ["none", "dropout(0.3)"]}
search = GridSearchCV(pipeline, grid, cv=2).fit(x_train, y_train)
print("chosen:", search.best_params_)
print(f"test, once, at the end: {search.score(x_test, y_test):.1%} of {len(y_test)} rows")
