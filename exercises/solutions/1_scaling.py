"""Solution of exercise 1, preprocessing: by whose mean are new rows scaled?

A pipeline keeps the scaler of the training, so this mistake cannot happen.
"""

from sklearn.neighbors import KNeighborsRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler


def predict(X_train, y_train, X_new):
    """Train nearest neighbours on scaled rows, and predict for the new rows."""
    model = make_pipeline(StandardScaler(), KNeighborsRegressor(15))
    return model.fit(X_train, y_train).predict(X_new)
