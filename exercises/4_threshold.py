"""Exercise of chapter 4, threshold (5 minutes): when should we say yes?

A page shows a movie if `says_yes` is True for it. To show a movie that the user does
not like costs `cost_of_bad`; not to show one that the user would like costs
`cost_of_missed`. `says_yes` asks `predict`, which knows nothing of these costs.

Task: say yes exactly where, by the model's probability, it costs less on average than
    no. The costs differ from page to page.
Hint: "When should we say yes?" in pillars/4_threshold.py does it for the costs 1 and 2.
    Write down what yes costs on average and what no costs, if p is the probability of a
    like. From which p on is yes cheaper? `predict_proba` has one column for each class.
Check: python -m pytest exercises -k 4_threshold
"""


def says_yes(classifier, X, y, X_new, cost_of_bad, cost_of_missed):
    """Return True for each new row where yes is cheaper, and False for the others.

    The classifier learns from X and y; y is True for a like. X and X_new are arrays.
    The costs are above 0.
    """
    classifier.fit(X, y)
    return classifier.predict(X_new)  # TODO: from which probability on is yes cheaper?
