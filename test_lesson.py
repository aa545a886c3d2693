"""The ten checks of the lesson page, `pytest test_lesson.py -v`: each a promise of the lesson to its reader.

Break the lesson and see which check notices: each message says what is wrong, and which section of
`lesson_code.py` explains it. (What only an engineer would break is guarded by `tests/`.)
"""

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, RegressorMixin, clone
from sklearn.linear_model import Ridge
from sklearn.model_selection import cross_val_score, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from lesson_code import MovieRecommendationDataset, SklearnEcosystemPipeline, UserMovieFeatureTransformer

FEATURES = [
    "user_id", "movie_id", "user_age", "movie_year", "genre_encoded", "country_encoded",
    "user_avg_rating", "movie_avg_rating", "user_movie_interaction", "hour_of_day", "day_of_week",
    "user_rating_count", "movie_rating_count",
]  # fmt: skip


@pytest.fixture(scope="module")
def table():
    return MovieRecommendationDataset(n_users=300, n_movies=150, n_ratings=3000).generate()


@pytest.fixture(scope="module")
def split(table):
    """Features made before the split, as a hurried learner does: it must do no harm."""
    X, y, *_ = SklearnEcosystemPipeline().create_features(table)
    return train_test_split(X, y, test_size=0.2, random_state=42)


@pytest.fixture(scope="module")
def trained(split):
    X_train, _, y_train, _ = split
    recommender = SklearnEcosystemPipeline()
    recommender.train(X_train, y_train, perform_cv=False)
    return recommender


class TestMovieRecommendationDataset:
    def test_dataset_creation(self):
        """The table has the size asked for, half stars from 1 to 5, and no user rates a movie twice."""
        table = MovieRecommendationDataset(n_users=100, n_movies=50, n_ratings=500).generate()
        assert len(table) == 500, "one row per rating, as many as asked for (section 1)"
        assert table["user_id"].nunique() == 100, "every user must have a rating (section 1)"
        assert table["movie_id"].nunique() <= 50, "there are only 50 movies (section 1)"
        halves = set(np.arange(1.0, 5.01, 0.5))
        assert set(table["rating"]) <= halves, "ratings are half stars from 1 to 5 (the law, section 1)"
        twice = table.duplicated(["user_id", "movie_id"]).any()
        assert not twice, "a pair rated twice can stand on both sides of a split: a leak (section 1)"

    def test_dataset_metadata(self):
        """Beside the ratings stand when, what, and who; the same seed gives the same table."""
        dataset = MovieRecommendationDataset(n_ratings=100)
        table = dataset.generate()
        for column in ["timestamp", "genre", "movie_year", "user_age", "user_country"]:
            assert column in table.columns, f"the features of section 2 need {column}"
            assert table[column].notna().all(), f"{column} has gaps, which the law never makes (section 1)"
        assert pd.api.types.is_integer_dtype(table["timestamp"]), "timestamps are whole seconds (section 1)"
        assert table.equals(dataset.generate()), "the same seed must give the same table (section 1)"


class TestUserMovieFeatureTransformer:
    def test_transformer_fit_transform(self, table):
        """Thirteen features, one row per row, none missing, none constant; and no row sees its own rating."""
        features = UserMovieFeatureTransformer().fit_transform(table)
        assert list(features.columns) == FEATURES, "the 13 features of section 2, in their order"
        assert features.index.equals(table.index), "row i of the features must describe row i of the table"
        assert features.notna().all().all(), "a gap would stop most models: section 2 fills it from training"
        constant = [name for name in FEATURES if features[name].nunique() == 1]
        assert constant == [], f"{constant} never change, so no model can learn from them (section 2)"
        without_time = UserMovieFeatureTransformer(create_temporal=False).fit_transform(table)
        assert without_time.shape == (3000, 11), "without hour and weekday there are 11 features (section 2)"

        changed = table.copy()
        changed.loc[0, "rating"] = 6.0 - changed.loc[0, "rating"] + 0.5
        again = UserMovieFeatureTransformer().fit_transform(changed)
        assert again.loc[0].equals(features.loc[0]), (
            "the first row's rating changed its own features: in training, the averages of a row must come "
            "from other rows (cross-fitting, section 2), or a model learns to trust them too much"
        )

    def test_transformer_sklearn_compatibility(self, table):
        """It is a scikit-learn transformer: clone, parameters, set_output, and a place in any pipeline."""
        transformer = UserMovieFeatureTransformer(damping=3.0)
        same = clone(transformer).get_params() == transformer.get_params()
        assert same, "searches clone: __init__ must keep its parameters unchanged (section 2)"
        assert transformer.set_params(damping=7.0).damping == 7.0, "searches set parameters (section 2)"
        names = list(transformer.fit(table).get_feature_names_out())
        assert names == FEATURES, "get_feature_names_out names the features for the next step (section 2)"
        framed = make_pipeline(transformer, StandardScaler()).set_output(transform="pandas")
        assert list(framed.fit_transform(table).columns) == FEATURES, "names must pass through a pipeline"
        pipeline = make_pipeline(transformer, StandardScaler(), Ridge())
        scores = cross_val_score(pipeline, table, table["rating"], cv=3)
        assert (scores > 0).all(), "a line through the features must know more than the mean (section 2)"


class TestSklearnEcosystemPipeline:
    def test_pipeline_creation(self):
        """A pipeline with a scaler and a model, not fitted yet."""
        recommender = SklearnEcosystemPipeline()
        steps = set(recommender.build_pipeline().named_steps)
        assert {"scaler", "model"} <= steps, "a pipeline has a step `scaler` and a step `model` (section 3)"
        assert recommender.pipeline is None, "nothing is fitted before train (section 4)"
        assert recommender.cv_scores is None, "there are no scores before train (section 4)"

    def test_pipeline_training(self, split):
        """Training with cross-validation gives a fitted pipeline and the error of every fold."""
        X_train, _, y_train, _ = split
        recommender = SklearnEcosystemPipeline()
        pipeline = recommender.train(X_train, y_train, perform_cv=True)
        assert pipeline is recommender.pipeline, "train returns the pipeline that it keeps (section 4)"
        assert len(recommender.cv_scores) == 5, "five folds, each scored once (section 4)"
        assert (recommender.cv_scores > 0).all(), "an RMSE is positive; scikit-learn's score is minus it"

    def test_pipeline_prediction(self, split, trained):
        """One prediction per row, within the scale of the ratings, and from the two ids alone as well."""
        X_train, X_test, y_train, _ = split

        class Enthusiast(RegressorMixin, BaseEstimator):
            """A regressor that leaves the scale: it answers 9 stars, always."""

            def fit(self, X, y):
                self.fitted_ = True
                return self

            def predict(self, X):
                return np.full(len(X), 9.0)

        for rows in (X_test, X_test[["user_id", "movie_id"]]):
            assert trained.predict(rows).shape == (len(X_test),), "one prediction per row (section 3)"
        for recommender in (trained, SklearnEcosystemPipeline(model=Enthusiast()).fit(X_train, y_train)):
            predictions = recommender.predict(X_test)
            assert predictions.max() <= 5.0, "nobody can give more than 5: keep to the scale (section 3)"
            assert predictions.min() >= 1.0, "nobody can give less than 1: keep to the scale (section 3)"

    def test_pipeline_evaluation(self, table, split, trained):
        """RMSE, MAE and R2 are right; the model beats the mean, but finds nothing where there is nothing."""
        _, X_test, _, y_test = split
        metrics, predictions = trained.evaluate(X_test, y_test)
        rmse = np.sqrt(np.mean((predictions - y_test) ** 2))
        assert metrics["RMSE"] == pytest.approx(rmse), "RMSE: the root of the mean squared error (section 4)"
        assert 0 < metrics["MAE"] <= metrics["RMSE"], "the mean absolute error is at most RMSE (section 4)"
        assert 0 < metrics["R2"] < 1, "the model must know more than the mean rating (section 4)"

        shuffled = table.assign(rating=np.random.RandomState(0).permutation(table["rating"]))
        noise = UserMovieFeatureTransformer().fit(shuffled).transform(shuffled)  # averages before the split
        X_train, X_test, y_train, y_test = train_test_split(noise, shuffled["rating"], random_state=0)
        score = SklearnEcosystemPipeline().fit(X_train, y_train).score(X_test, y_test)
        assert score <= 0.002, (
            f"R2 on shuffled ratings must be about 0, not {score:.3f}: a held-out rating reached the "
            "features. Averages must be learned anew from the training rows (sections 2 and 3)"
        )

    def test_pipeline_serialization(self, split, trained, tmp_path):
        """What is saved and loaded predicts the same; a damaged file is refused."""
        _, X_test, _, _ = split
        path = tmp_path / "pipeline.pkl"
        trained.save_pipeline(str(path))
        loaded = SklearnEcosystemPipeline.load_pipeline(str(path))
        # 1e-12 and not 0: a forest on several threads adds up its trees in any order
        np.testing.assert_allclose(loaded.predict(X_test), trained.predict(X_test), rtol=0, atol=1e-12)

        content = bytearray(path.read_bytes())
        averages = content.find(trained.pipeline["features"].user_avg_.tobytes())
        assert averages > 0
        content[averages + 6] ^= 8  # one bit of one user's average: it would load, and predict wrong
        path.write_bytes(content)
        with pytest.raises(ValueError, match="damaged"):
            SklearnEcosystemPipeline.load_pipeline(str(path))
            pytest.fail("a damaged artifact was loaded: its digest must be checked first (section 5)")


class TestIntegration:
    def test_end_to_end_workflow(self, tmp_path):
        """From raw ratings to a deployed artifact that predicts for people it has never seen."""
        table = MovieRecommendationDataset(n_users=300, n_movies=150, n_ratings=3000).generate()
        train, test = train_test_split(table, test_size=0.2, random_state=0)
        recommender = SklearnEcosystemPipeline()
        recommender.train(train, train["rating"], perform_cv=False)
        metrics, _ = recommender.evaluate(test, test["rating"])
        assert metrics["R2"] > 0, "the model must know more than the mean rating (section 4)"
        recommender.save_pipeline(tmp_path / "production.pkl")
        deployed = SklearnEcosystemPipeline.load_pipeline(tmp_path / "production.pkl")
        stranger = pd.DataFrame({"user_id": [999_999], "movie_id": [int(test["movie_id"].iloc[0])]})
        assert 1.0 <= deployed.predict(stranger)[0] <= 5.0, "somebody new is a normal row (section 2)"
