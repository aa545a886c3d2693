"""scikit-learn's own estimator checks, each a test of its own, on tables made of its
arrays; how many ran is asserted.

A suite of checks can be green and empty. So every exception stands here with its
reason, and must fail as long as it stands here (`xfail_strict` in pyproject.toml); a
check that skips itself must be named, too.
"""

from collections import Counter
from unittest import SkipTest

import numpy as np
import pytest
from on_arrays import (
    FactorsOnArrays,
    PipelineOnArrays,
    RankerOnArrays,
    TransformerOnArrays,
    WrapperOnArrays,
)
from sklearn.exceptions import SkipTestWarning
from sklearn.utils.estimator_checks import (
    estimator_checks_generator,
    parametrize_with_checks,
)

from lesson_code import SklearnEcosystemPipeline, UserMovieFeatureTransformer

CROSS_FITTED = (
    "wants fit_transform to equal fit().transform(); "
    "cross-fitting differs, as in TargetEncoder: "
    "test_fit_transform_differs_from_fit_and_transform_only_in_what_is_cross_fitted, "
    "and test_cross_fitted_outputs_come_from_the_folds_a_row_is_not_in"
)
OF_ANY_PIPELINE = (
    "a pipeline fits the very steps that it was given, in scikit-learn, too"
)
#: The checks that cannot pass, for each estimator, with the reason, and the test of
#: ours that stands in.
CANNOT_PASS = {
    "TransformerOnArrays": {
        "check_transformer_general": CROSS_FITTED,
        "check_transformer_data_not_an_array": CROSS_FITTED,
        "check_transformer_preserve_dtypes": (
            "wants one dtype; ours has two: test_columns_order_and_types"
        ),
    },
    "FactorsOnArrays": {
        "check_transformer_general": CROSS_FITTED,
        "check_transformer_data_not_an_array": CROSS_FITTED,
    },
    "WrapperOnArrays": {
        "check_fit2d_1sample": (
            "wants the word sample; ours speaks of ratings: "
            "test_constant_ratings_are_refused"
        )
    },
    "PipelineOnArrays": {
        "check_dont_overwrite_parameters": OF_ANY_PIPELINE,
        "check_estimators_overwrite_params": OF_ANY_PIPELINE,
    },
    "RankerOnArrays": {},
}
#: The checks that may skip themselves, with the reason.
MAY_SKIP = {
    "check_array_api_input": (
        "needs an environment variable; the estimators compute with NumPy"
    )
}
#: Some that must be among those that ran, in every version within the bounds.
MUST_RUN = {
    "check_estimators_unfitted",
    "check_fit_idempotent",
    "check_estimators_pickle",
    "check_dict_unchanged",
    "check_n_features_in",
    "check_estimators_overwrite_params",
    "check_no_attributes_set_in_init",
    "check_parameters_default_constructible",
    "check_get_params_invariance",
    "check_estimators_nan_inf",
    "check_methods_subset_invariance",
    "check_methods_sample_order_invariance",
    "check_set_params",
    "check_mixin_order",
}
REGRESSOR = {
    "check_regressors_train",
    "check_regressors_int",
    "check_regressors_no_decision_function",
}
ESTIMATORS = [
    TransformerOnArrays(),
    FactorsOnArrays(),
    WrapperOnArrays(model="linear"),
    RankerOnArrays(),
    PipelineOnArrays(SklearnEcosystemPipeline(model="linear").build_pipeline().steps),
]
#: What must run besides, and the least number of checks: that of the oldest version
#: within the bounds.
BESIDES = {
    "TransformerOnArrays": ({"check_transformers_unfitted"}, 47),
    "FactorsOnArrays": ({"check_transformers_unfitted"} | REGRESSOR, 57),
    "WrapperOnArrays": (REGRESSOR, 51),
    "RankerOnArrays": (set(), 41),
    "PipelineOnArrays": (REGRESSOR, 51),
}


def name_of(check):
    return getattr(check, "func", check).__name__


def exceptions(estimator):
    return CANNOT_PASS[type(estimator).__name__]


# the checks provoke warnings on purpose, and catch their own
@pytest.mark.filterwarnings("ignore")
@parametrize_with_checks(ESTIMATORS, expected_failed_checks=exceptions)
def test_scikit_learns_checks(estimator, check):
    try:
        check(estimator)
    except SkipTest as reason:
        if name_of(check) not in MAY_SKIP:
            raise AssertionError(
                f"{name_of(check)} skips itself, and is not expected to: {reason}"
            ) from reason
        pytest.skip(f"{name_of(check)} {MAY_SKIP[name_of(check)]}")


@pytest.mark.parametrize(
    "estimator", ESTIMATORS, ids=lambda estimator: type(estimator).__name__
)
def test_of_scikit_learns_checks_the_number_and_the_names_are_as_expected(estimator):
    case = type(estimator).__name__
    checks = Counter(
        name_of(check) for _, check in estimator_checks_generator(estimator)
    )
    besides, least = BESIDES[case]
    without = [name for name in checks if name in CANNOT_PASS[case] or name in MAY_SKIP]
    print(
        f"\n{case}: {checks.total()} checks of {len(checks)} names; "
        f"not passed: {', '.join(without) or 'none'}"
    )
    if not hasattr(estimator, "predict"):
        besides = besides | {"check_fit_check_is_fitted"}
        must_run = MUST_RUN - {
            "check_methods_subset_invariance",
            "check_methods_sample_order_invariance",
        }
    else:
        must_run = MUST_RUN
    assert must_run | besides <= set(checks), (must_run | besides) - set(checks)
    assert checks.total() >= least
    assert set(CANNOT_PASS[case]) <= set(checks), (
        "an exception of a check that does not exist"
    )


def test_every_exception_has_its_reason_and_every_estimator_its_list():
    assert (
        set(CANNOT_PASS)
        == set(BESIDES)
        == {type(estimator).__name__ for estimator in ESTIMATORS}
    )
    assert all(
        len(reason) > 20
        for reasons in CANNOT_PASS.values()
        for reason in reasons.values()
    )


def test_on_bare_tables_the_suite_would_be_nearly_empty():
    """Why the arrays are needed: the estimators say that they take no arrays, and then
    scikit-learn checks next to nothing.
    """
    estimator = UserMovieFeatureTransformer()
    with pytest.warns(SkipTestWarning):
        assert len(list(estimator_checks_generator(estimator))) < 5


@pytest.mark.parametrize("what", ["pipeline", "wrapper"])
def test_none_says_that_it_takes_several_targets(table, what):
    wrapper = SklearnEcosystemPipeline(model="linear")
    estimator = wrapper if what == "wrapper" else wrapper.build_pipeline()
    with pytest.raises(ValueError, match="y is not one column"):
        estimator.fit(table, np.column_stack([table["rating"]] * 2))
    assert not estimator.__sklearn_tags__().target_tags.multi_output
