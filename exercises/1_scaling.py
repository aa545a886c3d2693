"""Exercise of chapter 1, preprocessing (5 minutes): by whose mean are new rows scaled?

A model that measures distances needs scaled columns. `predict` scales the training rows
and the new rows, each by their own mean and standard deviation. No error is raised, and
on new rows that look like the training rows even the score is good. Then come rows of
old movies only: scaled by their own mean, they look like all others.

Task: scale new rows as the training rows were scaled.
Hint: which method of a scaler learns, and which only applies what was learned?
    ("Preprocessing data" in scikit-learn's user guide; its section "Standardization")
Check: python -m pytest exercises -k 1_scaling
"""

from sklearn.neighbors import KNeighborsRegressor
from sklearn.preprocessing import StandardScaler


def predict(X_train, y_train, X_new):
    """Train nearest neighbours on scaled rows, and predict for the new rows."""
    scaled = StandardScaler().fit_transform(X_train)
    model = KNeighborsRegressor(15).fit(scaled, y_train)
    return model.predict(StandardScaler().fit_transform(X_new))  # TODO: whose mean?
