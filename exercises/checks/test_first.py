"""The check of the first exercise. Read the task before its check."""

import numpy as np
from checking import check, check_numbers, check_of, ratings, standard_error


@check_of(
    "lesson_code.py, section 1, and pillars/3_model_selection.py",
    usual_causes="what is averaged is one column of the table; the table also has "
    "columns of text.",
)
def test_first(exercise):
    table = ratings()
    train = table[:2000]
    test = table[2000:]
    answers = exercise.predict_mean(train, test)
    answers = check_numbers(answers, len(test), "predict_mean")
    check(
        np.isfinite(answers).all(),
        "The answers are not finite (NaN or infinite), like 0 / 0, or the mean of no "
        "rows.",
    )
    changed = exercise.predict_mean(train, test.assign(rating=5.0))
    check(
        np.allclose(answers, changed),
        "The predictions changed when we changed the ratings in `test`: they were made "
        "from the answers. A real prediction is made before the rating is known, so "
        "such an error says nothing about real use. Take the mean of what is known by "
        "then.",
    )
    for known in (train, train[train["rating"] > 2]):
        check(
            np.allclose(exercise.predict_mean(known, test), known["rating"].mean()),
            "The predictions are not the mean rating of `train`. A number that was "
            "right for one table is wrong for the next: compute it from the rows that "
            "you are given.",
        )

    squares = (test["rating"] - answers) ** 2
    rmse = np.sqrt(squares.mean())
    error = standard_error(squares) / (2 * rmse)
    print(
        f"Measured: on {len(test)} new ratings, the baseline has an RMSE of {rmse:.2f} "
        f"± {error:.2f} stars. A model must be better."
    )
