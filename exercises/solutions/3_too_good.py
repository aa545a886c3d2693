"""Solution of exercise 3, model selection: why is this report too good?

Three kinds of leaks: rows, features, settings.

- Rows: a movie of two genres got two rows. So one rating could be among the training
  rows and among the test rows. Now each rating has one row, with its first genre.
- Features: the means were computed from all rows, before the split. Now the encoder in
  the pipeline computes them from the training rows, and cross-fits them.
- Settings: the leaf size was chosen by the error on the test rows. Now rows of the
  training part choose it (validation rows).

`times_rated` also counts test rows. That is no leak of answers, because it reads no
rating.
"""

from sklearn.compose import make_column_transformer
from sklearn.ensemble import ExtraTreesRegressor
from sklearn.metrics import r2_score, root_mean_squared_error
from sklearn.model_selection import KFold, train_test_split
from sklearn.pipeline import make_pipeline

from lesson_code import MovieRecommendationDataset
from recommender.steps import seeded_target_encoder

MEANS_OF = ["user_id", "genre"]
FEATURES = ["times_rated", "movie_year", "user_age"]


def add_features(ratings):
    """Return the ratings, with the features that read no rating."""
    rows = ratings.assign(genre=ratings["genre"].str.partition("|")[0])
    rows["times_rated"] = rows.groupby("movie_id")["movie_id"].transform("size")
    return rows


def split(rows):
    """Return the training rows and the test rows."""
    return train_test_split(rows, test_size=0.25, random_state=0)


def train_forest(rows, leaf):
    """Return a forest, with the means of users and genres that go with it."""
    means = seeded_target_encoder(KFold(5, shuffle=True, random_state=0))
    features = make_column_transformer((means, MEANS_OF), ("passthrough", FEATURES))
    forest = ExtraTreesRegressor(10, min_samples_leaf=leaf, random_state=0)
    return make_pipeline(features, forest).fit(rows, rows["rating"])


def report(ratings):
    """Return the RMSE and the R2 of the forest on the test rows, and its leaf size."""
    train, test = split(add_features(ratings))
    fitted_on, validation = split(train)
    errors = {}
    for leaf in (1, 2, 5, 10, 20, 50):
        predicted = train_forest(fitted_on, leaf).predict(validation)
        errors[leaf] = root_mean_squared_error(validation["rating"], predicted)
    leaf = min(errors, key=errors.get)
    predicted = train_forest(train, leaf).predict(test)
    rmse = root_mean_squared_error(test["rating"], predicted)
    return {"RMSE": rmse, "R2": r2_score(test["rating"], predicted), "leaf": leaf}


if __name__ == "__main__":
    print(report(MovieRecommendationDataset(300, 150, n_ratings=1000).generate()))
