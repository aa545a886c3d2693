"""Solution of exercise 4, threshold: when should we say yes?

Yes costs (1 - p) * cost_of_bad on average, and no costs p * cost_of_missed. They are
equal if p is the part of `cost_of_bad` in the sum of both costs. (In scikit-learn,
`FixedThresholdClassifier` keeps such a threshold in the model. Where probabilities
cannot be believed, `TunedThresholdClassifierCV` looks for the cheapest threshold, by
cross-validation inside the training rows.)
"""


def says_yes(classifier, X, y, X_new, cost_of_bad, cost_of_missed):
    """Return True for each new row where yes is cheaper, and False for the others.

    The classifier learns from X and y; y is True for a like. X and X_new are arrays.
    The costs are above 0.
    """
    classifier.fit(X, y)
    chance = classifier.predict_proba(X_new)[:, 1]  # of a like
    threshold = cost_of_bad / (cost_of_bad + cost_of_missed)
    return chance > threshold
