"""scikit-learn's own estimator checks, on tables made of its arrays; which ran is asserted, for a suite may be empty."""

import pytest
from on_arrays import FactorsOnArrays, TransformerOnArrays, WrapperOnArrays
from sklearn.exceptions import SkipTestWarning
from sklearn.utils.estimator_checks import estimator_checks_generator

from lesson_code import UserMovieFeatureTransformer

#: Checks that cannot apply, each with its reason and the test of ours that stands in for it.
CANNOT_APPLY = {
    "check_array_api_input": "needs an environment variable; the estimators compute with NumPy",
    "check_transformer_general": "wants fit_transform to equal fit().transform(); cross-fitting differs, as in "
    "TargetEncoder: test_fit_transform_differs_from_fit_and_transform_only_in_what_is_cross_fitted, and "
    "test_cross_fitted_outputs_come_from_the_folds_a_row_is_not_in",
    "check_transformer_data_not_an_array": "the same",
    "check_transformer_preserve_dtypes": "wants one dtype; ours has two: test_columns_order_and_types",
    "check_fit2d_1sample": "wants the word sample; ours speaks of ratings: test_constant_ratings_are_refused",
}
#: Some that must be among those that ran, in every version within the bounds.
MUST_RUN = {
    "check_estimators_unfitted", "check_fit_idempotent", "check_estimators_pickle", "check_dict_unchanged",
    "check_n_features_in", "check_estimators_overwrite_params",
    "check_no_attributes_set_in_init", "check_parameters_default_constructible", "check_get_params_invariance",
    "check_estimators_nan_inf", "check_methods_subset_invariance",
    "check_methods_sample_order_invariance", "check_set_params", "check_mixin_order",
}  # fmt: skip
CASES = {
    "transformer": (TransformerOnArrays(), MUST_RUN | {"check_transformers_unfitted"}),
    "factors": (FactorsOnArrays(), MUST_RUN | {"check_regressors_train", "check_transformers_unfitted"}),
    "wrapper": (WrapperOnArrays(model="linear"), MUST_RUN | {"check_regressors_train", "check_regressors_no_decision_function"}),
}


@pytest.mark.filterwarnings("ignore")  # the checks provoke warnings on purpose, and catch their own
@pytest.mark.parametrize("case", CASES)
def test_scikit_learns_estimator_checks_pass(case):
    estimator, must_run = CASES[case]
    ran = set()
    for instance, check in estimator_checks_generator(estimator):
        name = getattr(check, "func", check).__name__
        if name not in CANNOT_APPLY:
            check(instance)
            ran.add(name)
    assert must_run <= ran, must_run - ran
    assert len(ran) >= 38


def test_on_bare_tables_the_suite_would_be_nearly_empty():
    """Why the arrays are needed: the estimators say that they take no arrays, and then scikit-learn checks next to nothing."""
    estimator = UserMovieFeatureTransformer()
    with pytest.warns(SkipTestWarning):
        assert len(list(estimator_checks_generator(estimator))) < 5
