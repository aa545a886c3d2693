"""scikit-learn's own estimator checks, each a test of its own, on tables made of its
arrays; how many ran is asserted.

A suite of checks can be green and empty. So every exception stands here with its
reason, and must fail as long as it stands here (`xfail_strict` in pyproject.toml); a
check that skips itself must be named, too.
"""

from unittest import SkipTest

import pytest
from on_arrays import (
    FactorsOnArrays,
    PipelineOnArrays,
    RankerOnArrays,
    TransformerOnArrays,
    WrapperOnArrays,
)
from sklearn.utils.estimator_checks import (
    estimator_checks_generator,
    parametrize_with_checks,
)

from lesson_code import SklearnEcosystemPipeline

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
            "test_what_is_no_table_of_ratings_is_refused"
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

ESTIMATORS = [
    TransformerOnArrays(),
    # few factors, so that its fits are quick
    FactorsOnArrays(n_factors=2, n_patterns=1, n_sweeps=2),
    WrapperOnArrays(model="linear"),
    RankerOnArrays(),
    PipelineOnArrays(SklearnEcosystemPipeline(model="linear").build_pipeline().steps),
]

#: The least number of checks of each: that of the oldest version within the bounds. On
#: bare tables, which are no arrays, there would be fewer than five.
LEAST = {
    "TransformerOnArrays": 47,
    "FactorsOnArrays": 57,
    "WrapperOnArrays": 51,
    "RankerOnArrays": 41,
    "PipelineOnArrays": 51,
}


def name_of(check):
    return getattr(check, "func", check).__name__


# the checks provoke warnings on purpose, and catch their own
@pytest.mark.filterwarnings("ignore")
@parametrize_with_checks(
    ESTIMATORS,
    expected_failed_checks=lambda estimator: CANNOT_PASS[type(estimator).__name__],
)
def test_scikit_learns_checks(estimator, check):
    try:
        check(estimator)
    except SkipTest as reason:
        assert name_of(check) in MAY_SKIP, f"it skips itself: {reason}"
        pytest.skip(f"{name_of(check)} {MAY_SKIP[name_of(check)]}")


@pytest.mark.parametrize(
    "estimator", ESTIMATORS, ids=lambda estimator: type(estimator).__name__
)
def test_of_scikit_learns_checks_the_number_and_the_exceptions_are_as_expected(
    estimator,
):
    case = type(estimator).__name__
    checks = [name_of(check) for _, check in estimator_checks_generator(estimator)]
    not_passed = set(checks) & {*CANNOT_PASS[case], *MAY_SKIP}
    print(f"\n{case}: {len(checks)} checks; not passed: {sorted(not_passed)}")
    assert len(checks) >= LEAST[case]
    assert "check_fit_idempotent" in checks
    assert set(CANNOT_PASS[case]) <= set(checks)
