"""Solution of exercise 3, model selection: does an average contain the answer?

`TargetEncoder.fit_transform` does the same, with damping.
"""

import numpy as np
from sklearn.model_selection import KFold


def training_averages(table):
    """Return one average per row of a training table, as an array.

    `table` has the columns user_id and rating.
    """
    result = np.full(len(table), np.nan)  # a row in no fold would stay NaN
    folds = KFold(5, shuffle=True, random_state=0)
    for others, fold in folds.split(table):
        known = table.iloc[others]
        averages = known.groupby("user_id")["rating"].mean()
        users = table["user_id"].iloc[fold]
        result[fold] = users.map(averages).fillna(known["rating"].mean())
    return result
