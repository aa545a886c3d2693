"""Exercise of chapter 0, job (10 minutes): which rows may choose a setting?

Is a tumour malignant or benign? `choose_and_test` trains a decision tree that answers
this. How many questions may the tree ask, one after the other? The function tries some
numbers, and returns the best model and its *accuracy*: the share of the test rows for
which the answer is right. But this accuracy is too good.

Task: choose the number of questions without the test rows. Use them once, for the
    accuracy of the model that was chosen. Keep the pipeline and the numbers to try.
Hint: "Let a search choose the settings" in pillars/0_job.py does it with
    `GridSearchCV`, and a search has the method `score`, as a model has. What is the
    name of a setting of the step `model`?
Check: python -m pytest exercises -k 0_job
"""

from sklearn.base import clone
from sklearn.impute import SimpleImputer
from sklearn.pipeline import Pipeline
from sklearn.tree import DecisionTreeClassifier

NUMBERS_TO_TRY = [1, 2, 3, 5, 8, 12]


def choose_and_test(X_train, X_test, y_train, y_test):
    """Return the best model, fitted on the training rows, and its accuracy."""
    fill = SimpleImputer(strategy="median")
    tree = DecisionTreeClassifier(random_state=0)
    model = Pipeline([("fill", fill), ("model", tree)])

    best_model = None
    best_accuracy = -1
    for number in NUMBERS_TO_TRY:
        candidate = clone(model).set_params(model__max_depth=number)
        candidate.fit(X_train, y_train)
        accuracy = candidate.score(X_test, y_test)  # TODO: which rows may choose?
        if accuracy > best_accuracy:
            best_model = candidate
            best_accuracy = accuracy
    return best_model, best_accuracy
