"""Solution of exercise 0, job: which rows may choose a setting?

The search chooses in folds of the training rows. The test rows only say how good the
choice is.
"""

from sklearn.impute import SimpleImputer
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import Pipeline
from sklearn.tree import DecisionTreeClassifier

NUMBERS_TO_TRY = [1, 2, 3, 5, 8, 12]


def choose_and_test(X_train, X_test, y_train, y_test):
    """Return the best model, fitted on the training rows, and its accuracy."""
    fill = SimpleImputer(strategy="median")
    tree = DecisionTreeClassifier(random_state=0)
    model = Pipeline([("fill", fill), ("model", tree)])

    search = GridSearchCV(model, {"model__max_depth": NUMBERS_TO_TRY}, cv=5)
    search.fit(X_train, y_train)
    return search, search.score(X_test, y_test)
