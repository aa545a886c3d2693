"""The check of chapter 2, feature selection. Read the task before its check."""

import numpy as np
from checking import check, check_of, check_returned, mean_and_error
from sklearn.feature_selection import SelectKBest, f_regression
from sklearn.linear_model import Ridge
from sklearn.model_selection import KFold, cross_val_score


@check_of(
    "pillars/2_feature_selection.py",
    usual_causes="in a pipeline all steps but the last transform, so the choice of "
    "features comes first and the ridge last. `SelectKBest` reads y, so "
    "`cross_val_score` needs X and y.",
)
def test_2_feature_selection(exercise):
    rng = np.random.default_rng(0)
    folds = KFold(5, shuffle=True, random_state=0)
    on_noise = []
    leaking = []  # the score of a choice that sees all answers
    for _ in range(10):
        X = rng.normal(size=(100, 1000))
        noise = rng.normal(size=100)
        r2 = exercise.cross_validated_r2(X.copy(), noise.copy())
        check_returned(r2, "cross_validated_r2")
        check(
            np.ndim(r2) == 0,
            f"Expected one number, got an array of the shape {np.shape(r2)}: one for "
            "each fold? Return their mean.",
        )
        on_noise.append(r2)
        chosen = SelectKBest(f_regression, k=10).fit_transform(X, noise)
        leaking.append(cross_val_score(Ridge(), chosen, noise, cv=folds).mean())
    mean_on_noise = np.mean(on_noise)
    check(
        mean_on_noise <= 0.05,
        "On pure noise, where nothing can be predicted, your R2 is "
        f"{mean_on_noise:.2f}: it should be 0 or less. Of 1000 random features, some "
        "go a little with all 100 answers by luck. A choice that sees the held-out "
        "answers takes exactly those. In each fold, choose and train on the training "
        "rows alone, and score on the others.",
    )

    X = rng.normal(size=(300, 1000))
    signal = X[:, :5].sum(axis=1) + rng.normal(0, 2, 300)
    r2 = exercise.cross_validated_r2(X, signal)
    check(
        0.3 < r2 <= 1,
        f"Five of 1000 features carry a signal, but your R2 is {r2:.2f}; above 0.3 is "
        "possible. Is it still the mean R2 of ridge on the ten best features? And does "
        "`SelectKBest` get its scorer, `f_regression`? Without one, it takes every "
        "answer for a class (`f_classif`). And do the held-out rows keep the columns "
        "that were chosen on the training rows (`transform`, not `fit_transform`)?",
    )
    X = rng.normal(size=(1000, 100))
    of_ten = exercise.cross_validated_r2(X, X[:, :20].sum(axis=1))
    check(
        0.4 < of_ten < 0.6,
        "In another table, y is the sum of 20 features. Ten of them explain about half "
        f"of it (R2 = 0.5), but your R2 is {of_ten:.2f}. Are there ten, `k=10`? More "
        "explain more here; where there is nothing to find, they fit more noise.",
    )
    check(
        mean_on_noise < -0.25,
        f"On ten tables of pure noise, your mean R2 is {mean_on_noise:.2f}. It should "
        "be about -0.5: ten features that go with the training answers by luck predict "
        "worse than the mean. Yours predict better than that, so some held-out answers "
        "took part in the choice. Nothing may be chosen before the folds, not even "
        "from a part of the rows.",
    )
    print(
        "Measured: where there is nothing to find, R2 is "
        f"{mean_and_error(on_noise)}, and was {mean_and_error(leaking)} with a choice "
        f"that saw all answers (10 tables). Where five features carry a signal, it is "
        f"{r2:.2f}."
    )
