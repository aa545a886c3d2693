"""The ten checks of the lesson page: each is a promise of the lesson to its reader.

Run them by ``pytest test_lesson.py -v``. Break the lesson, and see which check notices:
its message says what is wrong, and where it is explained. (What only an engineer would
break is guarded by `tests/`.)
"""

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, RegressorMixin, clone
from sklearn.linear_model import Ridge
from sklearn.model_selection import cross_val_score, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from lesson_code import (
    MovieRanker,
    MovieRecommendationDataset,
    SklearnEcosystemPipeline,
    UserMovieFeatureTransformer,
)

FEATURES = [
    "user_id",
    "movie_id",
    "user_age",
    "movie_year",
    "genre_encoded",
    "country_encoded",
    "user_avg_rating",
    "movie_avg_rating",
    "user_movie_interaction",
    "hour_of_day",
    "day_of_week",
    "user_rating_count",
    "movie_rating_count",
]


@pytest.fixture(scope="module")
def table():
    return MovieRecommendationDataset(300, 150, n_ratings=3000).generate()


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


class Enthusiast(RegressorMixin, BaseEstimator):
    """A regressor that leaves the scale: it always answers 9 stars."""

    def fit(self, X, y):
        self.fitted_ = True
        return self

    def predict(self, X):
        return np.full(len(X), 9.0)


class TestMovieRecommendationDataset:
    def test_dataset_creation(self):
        """The table has the size asked for, and half stars from 1 to 5."""
        table = MovieRecommendationDataset(100, 50, n_ratings=500).generate()
        assert len(table) == 500, "one row per rating, as many as asked for (section 1)"
        assert table["user_id"].nunique() == 100, "every user has a rating (section 1)"
        assert table["movie_id"].nunique() <= 50, "there are only 50 movies (section 1)"
        half_stars = set(np.arange(1.0, 5.01, 0.5))
        assert set(table["rating"]) <= half_stars, (
            "ratings must be half stars from 1 to 5, as the law says (section 1)"
        )
        assert not table.duplicated(["user_id", "movie_id"]).any(), (
            "a user and a movie appear twice: such a pair can be on both sides of a "
            "split, which is a leak (section 1)"
        )

    def test_dataset_metadata(self):
        """Each row says when, what and who; the same seed gives the same table."""
        dataset = MovieRecommendationDataset(n_ratings=100)
        table = dataset.generate()
        for column in ["timestamp", "genre", "movie_year", "user_age", "user_country"]:
            assert column in table.columns, f"the features need {column} (section 2)"
            assert table[column].notna().all(), (
                f"{column} has gaps, which the law never makes (section 1)"
            )
        assert pd.api.types.is_integer_dtype(table["timestamp"]), (
            "timestamps must be whole seconds (section 1)"
        )
        assert table.equals(dataset.generate()), (
            "the same seed must give the same table (section 1)"
        )


class TestUserMovieFeatureTransformer:
    def test_transformer_fit_transform(self, table):
        """Thirteen features per row; and no row sees its own rating."""
        transformer = UserMovieFeatureTransformer()
        features = transformer.fit_transform(table)
        assert list(features.columns) == FEATURES, "13 features, in order (section 2)"
        assert features.index.equals(table.index), (
            "row i of the features must describe row i of the table (section 2)"
        )
        assert features.notna().all().all(), (
            "a gap would stop most models: it is filled from the training (section 2)"
        )
        constant = [name for name in FEATURES if features[name].nunique() == 1]
        assert constant == [], (
            f"{constant} never change, so no model can learn from them (section 2)"
        )
        timeless = UserMovieFeatureTransformer(create_temporal=False)
        assert timeless.fit_transform(table).shape == (3000, 11), (
            "without hour and weekday there are 11 features (section 2)"
        )

        changed = table.copy()
        changed.loc[0, "rating"] = 6.0 - changed.loc[0, "rating"] + 0.5
        again = UserMovieFeatureTransformer().fit_transform(changed)
        assert again.loc[0].equals(features.loc[0]), (
            "the first row's rating changed its own features. In training, the "
            "averages of a row must come from other rows (cross-fitting, section 2), "
            "or a model learns to trust them too much"
        )

        user = table["user_id"].iloc[0]
        ratings = table.loc[table["user_id"] == user, "rating"]
        damped = (ratings.sum() + 10 * table["rating"].mean()) / (len(ratings) + 10)
        average = transformer.transform(table)["user_avg_rating"].iloc[0]
        assert average == pytest.approx(damped), (
            "an average must be damped as if there were ten more ratings that are just "
            "average: (sum + 10 * mean) / (n + 10) (section 2)"
        )

    def test_transformer_sklearn_compatibility(self, table):
        """It is a scikit-learn transformer, with a place in any pipeline."""
        transformer = UserMovieFeatureTransformer(damping=3.0)
        assert clone(transformer).get_params() == transformer.get_params(), (
            "searches clone: __init__ must keep its parameters unchanged (section 2)"
        )
        transformer.set_params(damping=7.0)
        assert transformer.damping == 7.0, "searches set parameters (section 2)"
        names = list(transformer.fit(table).get_feature_names_out())
        assert names == FEATURES, "the next step asks for the names (section 2)"
        scaled = make_pipeline(transformer, StandardScaler())
        scaled.set_output(transform="pandas")
        assert list(scaled.fit_transform(table).columns) == FEATURES, (
            "names must pass through a pipeline (section 2)"
        )
        pipeline = make_pipeline(transformer, StandardScaler(), Ridge())
        scores = cross_val_score(pipeline, table, table["rating"], cv=3)
        assert (scores > 0).all(), (
            "a line through the features must know more than the mean (section 2)"
        )


class TestSklearnEcosystemPipeline:
    def test_pipeline_creation(self, table):
        """An unfitted pipeline with scaler and model, to which an id is a label."""
        recommender = SklearnEcosystemPipeline()
        steps = set(recommender.build_pipeline().named_steps)
        assert {"scaler", "model"} <= steps, "it has a scaler and a model (section 3)"
        assert recommender.pipeline is None, "nothing is fitted yet (section 4)"
        assert recommender.cv_scores is None, "there are no scores yet (section 4)"

        other_ids = np.random.RandomState(0).permutation(np.arange(301))
        renamed = table.assign(user_id=other_ids[table["user_id"]])
        by_id = SklearnEcosystemPipeline(model="linear").fit(table)
        by_other_id = SklearnEcosystemPipeline(model="linear").fit(renamed)
        assert by_other_id.predict(renamed) == pytest.approx(by_id.predict(table)), (
            "other ids for the same users changed the predictions. An id is a label, "
            "not a quantity: a model must not calculate with it (section 3)"
        )

    def test_pipeline_training(self, table, split):
        """Cross-validation gives the error of every fold, in any order of rows."""
        X_train, _, y_train, _ = split
        recommender = SklearnEcosystemPipeline()
        pipeline = recommender.train(X_train, y_train, perform_cv=True)
        assert pipeline is recommender.pipeline, (
            "train keeps what it returns (section 4)"
        )
        assert len(recommender.cv_scores) == 5, "five folds, scored once (section 4)"
        assert (recommender.cv_scores > 0).all(), (
            "an RMSE is positive; scikit-learn's score is minus the RMSE (section 4)"
        )

        linear = SklearnEcosystemPipeline(model="linear")
        linear.train(table)
        in_random_order = linear.cv_scores.mean()
        linear.train(table.sort_values("user_id", ignore_index=True))
        by_user = linear.cv_scores.mean()
        assert by_user == pytest.approx(in_random_order, abs=0.03), (
            f"sorted by user, the table has a CV error of {by_user:.3f} instead of "
            f"{in_random_order:.3f}: whole users are held out, so the error is that "
            "for new users. Folds must be shuffled (section 2, make_folds)"
        )

    def test_pipeline_prediction(self, split, trained):
        """One prediction per row, on the scale, and from the two ids alone, too."""
        X_train, X_test, y_train, _ = split
        for rows in (X_test, X_test[["user_id", "movie_id"]]):
            assert trained.predict(rows).shape == (len(X_test),), (
                "one prediction per row (section 3)"
            )
        enthusiast = SklearnEcosystemPipeline(model=Enthusiast())
        enthusiast.fit(X_train, y_train)
        for recommender in (trained, enthusiast):
            predictions = recommender.predict(X_test)
            assert predictions.max() <= 5.0, (
                "nobody can give more than 5: keep to the scale (section 3)"
            )
            assert predictions.min() >= 1.0, (
                "nobody can give less than 1: keep to the scale (section 3)"
            )

    def test_pipeline_evaluation(self, split, trained):
        """The scores are right; and in noise, nothing is found."""
        _, X_test, _, y_test = split
        metrics, predictions = trained.evaluate(X_test, y_test)
        rmse = np.sqrt(np.mean((predictions - y_test) ** 2))
        assert metrics["RMSE"] == pytest.approx(rmse), (
            "RMSE is the root of the mean squared error (section 4)"
        )
        assert 0 < metrics["MAE"] <= metrics["RMSE"], (
            "the mean absolute error is never above RMSE (section 4)"
        )
        assert 0 < metrics["R2"] < 1, (
            "the model must know more than the mean rating (section 4)"
        )

        noise = MovieRecommendationDataset(1500, 150, n_ratings=6000).generate()
        shuffled = np.random.RandomState(0).permutation(noise["rating"])
        noise = noise.assign(rating=shuffled)
        before_the_split = UserMovieFeatureTransformer().fit(noise).transform(noise)
        X_train, X_test, y_train, y_test = train_test_split(
            before_the_split, noise["rating"], random_state=0
        )
        recommender = SklearnEcosystemPipeline().fit(X_train, y_train)
        score = recommender.score(X_test, y_test)
        # In 12 such tables, R2 was between -0.02 and 0, and above 0.2 with this leak.
        assert score < 0.05, (
            f"R2 on shuffled ratings must be about 0, not {score:.3f}: the ratings of "
            "held-out rows reached the features. Averages must be learned anew from "
            "the training rows (sections 2 and 3)"
        )

    def test_pipeline_serialization(self, split, trained, tmp_path):
        """What is loaded predicts the same; a damaged file is refused."""
        _, X_test, _, _ = split
        path = tmp_path / "pipeline.pkl"
        trained.save_pipeline(str(path))
        loaded = SklearnEcosystemPipeline.load_pipeline(str(path))
        # A forest on several threads adds up its trees in any order: 1e-12, not 0.
        np.testing.assert_allclose(
            loaded.predict(X_test), trained.predict(X_test), rtol=0, atol=1e-12
        )

        content = bytearray(path.read_bytes())
        averages = content.find(trained.pipeline["features"].user_avg_.tobytes())
        assert averages > 0
        content[averages + 6] ^= 8  # one bit of an average: it would load all the same
        path.write_bytes(content)
        with pytest.raises(ValueError, match="damaged"):
            SklearnEcosystemPipeline.load_pipeline(str(path))
            pytest.fail(
                "a damaged artifact was loaded, and would predict wrong ratings: its "
                "digest must be checked first (section 5)"
            )


class TestIntegration:
    def test_end_to_end_workflow(self, tmp_path):
        """From raw ratings to an artifact that serves people it has never seen."""
        table = MovieRecommendationDataset(300, 150, n_ratings=3000).generate()
        train, test = train_test_split(table, test_size=0.2, random_state=0)
        recommender = SklearnEcosystemPipeline()
        recommender.train(train, train["rating"], perform_cv=False)
        metrics, _ = recommender.evaluate(test, test["rating"])
        assert metrics["R2"] > 0, (
            "the model must know more than the mean rating (section 4)"
        )
        recommender.save_pipeline(tmp_path / "production.pkl")
        deployed = SklearnEcosystemPipeline.load_pipeline(tmp_path / "production.pkl")
        movie = int(test["movie_id"].iloc[0])
        stranger = pd.DataFrame({"user_id": [999_999], "movie_id": [movie]})
        assert 1.0 <= deployed.predict(stranger)[0] <= 5.0, (
            "an unknown user is a normal row (section 2)"
        )

        user = int(train["user_id"].iloc[0])
        rated = train.loc[train["user_id"] == user, "movie_id"]
        recommended = deployed.recommend(user, n=150)["movie_id"]
        assert not recommended.isin(rated).any(), (
            "a movie that the user has rated was recommended: it must be left out "
            "(recommender/top_n.py)"
        )
        five = MovieRanker().fit(train).recommend([user], n=10)
        doubled = train.assign(rating=2 * train["rating"])
        ten = MovieRanker().fit(doubled).recommend([user], n=10)
        assert five["movie_id"].equals(ten["movie_id"]), (
            "the same ratings on a scale up to 10 gave other recommendations: the "
            "ranker must count in units of their root mean square "
            "(recommender/ranking.py)"
        )
