"""Wrong attempts at the exercises, and a part of the message that each must get."""

#: Attempts at a solution: exercise, what replaces what in the solution, and a part of
#: the message.
ATTEMPTS = [
    (
        "0_first",
        'train["rating"].mean()',
        "3.02",
        "A number that was right for one table",
    ),
    ("0_first", "np.full(len(test), mean)", "mean", "one number per row"),
    (
        "0_job",
        "search.score(X_test, y_test)",
        "search.best_score_",
        "is `best_score_`: that of the folds which chose",
    ),
    (
        "0_job",
        "search.score(X_test, y_test)",
        "0.9",
        "is right for 0.9[0-9]+ of the test rows, but the accuracy .* is 0.9",
    ),
    (
        "0_job",
        "search.score(X_test, y_test)",
        "search.score(X_train, y_train)",
        "the share of the test rows, as they are",
    ),
    (
        "0_job",
        "search, search.score(X_test, y_test)",
        "search",
        "should return two things",
    ),
    (
        "0_job",
        "    search.fit(X_train, y_train)\n    return search,",
        "    return search, 0.9 or",
        "has not been fitted",
    ),
    (
        "0_job",
        "search, search.score(X_test, y_test)",
        "search.best_params_, search.score(X_test, y_test)",
        "of the type dict, which cannot predict",
    ),
    (
        "0_job",
        "search.fit(X_train, y_train)",
        "search.fit(X_test, y_test)",
        "We turned the answers of the test rows round, and got another model",
    ),
    (
        "0_job",
        "search.fit(X_train, y_train)",
        """search.fit(X_train.fillna(X_test.median()), y_train)""",
        "We gave you other test rows, and got another model",
    ),
    (
        "0_job",
        "cv=5",
        "cv=[(np.arange(len(X_train)), np.arange(len(X_train)))]",
        "A tree with many questions learns the false answers by heart",
    ),
    (
        "0_job",
        'GridSearchCV(model, {"model__max_depth": NUMBERS_TO_TRY}, cv=5)',
        "model.set_params(model__max_depth=1)",
        "Are all numbers of `NUMBERS_TO_TRY` tried",
    ),
    (
        "0_job",
        '"model__max_depth"',
        '"max_depth"',
        r"stopped in line .* has the name of its step, two underscores",
    ),
    (
        "0_luck",
        "np.sqrt(len(squares))",
        "len(squares)",
        "became 0.25 times as large; .* the root counts, once",
    ),
    (
        "0_luck",
        "squares.std() / np.sqrt(len(squares))",
        "np.sqrt(squares.std() / np.sqrt(len(squares)))",
        "became 0.707 times as large",
    ),
    (
        "0_luck",
        "return error_of_mse / (2 * rmse)",
        "return 0.03",
        "is 0.03 stars; with four times as many, it is 0.03. It should become half",
    ),
    (
        "0_luck",
        "return error_of_mse / (2 * rmse)",
        "return error_of_mse",
        "became 100 times as large; it should become ten times as large",
    ),
    (
        "0_luck",
        "squares.std()",
        "squares.var()",
        "became 1e[+]03 times as large; it should become ten times as large",
    ),
    (
        "0_luck",
        "error_of_mse / (2 * rmse)",
        "error_of_mse / rmse",
        r"2\.\d\d times as much\. .* to divide by 2 \* RMSE",
    ),
    (
        "0_luck",
        "error_of_mse / (2 * rmse)",
        "(ratings - predictions).std() / np.sqrt(len(ratings))",
        "not that of the errors",
    ),
    (
        "0_luck",
        "error_of_mse / (2 * rmse)",
        "np.abs(ratings - predictions).std() / np.sqrt(len(ratings))",
        "not that of the errors",
    ),
    (
        "0_luck",
        "error_of_mse / (2 * rmse)",
        "rmse / np.sqrt(2 * len(ratings))",
        "holds for some kinds of errors only",
    ),
    (
        "0_luck",
        "squares.std() / np.sqrt(len(squares))",
        "squares / np.sqrt(len(squares))",
        r"an array of the shape \(400,\)",
    ),
    (
        "0_luck",
        "squares.std() / np.sqrt(len(squares))",
        "squares.sem()",
        "stopped in line .* but no `sem`",
    ),
    (
        "0_luck",
        "return error_of_mse / (2 * rmse)",
        "error_of_mse / (2 * rmse)",
        "`error_of_rmse` returned nothing",
    ),
    (
        "0_luck",
        "squares.std() / np.sqrt(len(squares))",
        "0.0",
        "a number above 0",
    ),
    (
        "7_map",
        "get_tags(one).input_tags.allow_nan",
        "get_tags(one).input_tags.sparse",
        "Wrongly chosen",
    ),
    (
        "7_map",
        "[one for one in estimators if get_tags(one).input_tags.allow_nan]",
        "[]",
        r"Missed: (\w+, ){4}\w+ and \d+ more\.",
    ),
    (
        "7_map",
        "get_tags(one).input_tags.allow_nan",
        'type(one).__name__ in {"Careful"}',
        "Missed: Bagging",
    ),
    (
        "7_parts",
        "self.counts_.get(user, 0)",
        "self.counts_.get(user, 1)",
        "of theirs was counted, so it should be 0",
    ),
    (
        "7_parts",
        "for user in X[:, 0].tolist()",
        "for user in X[::-1, 0].tolist()",
        "must look up what was learned",
    ),
    (
        "7_parts",
        ", reset=False",
        "",
        # No name twice.
        r"scikit-learn's \d+ checks, [1-9]\d* fail: (?!.*\b(check_\w+)\b.*\b\1\b)",
    ),
    (
        "7_parts",
        """\
        check_is_fitted(self)
        X = validate_data(self, X, reset=False)
""",
        """\
        X = validate_data(self, X)
        check_is_fitted(self)
""",
        "`validate_data` needs reset=False",
    ),
    (
        "1_scaling",
        "model.fit(X_train, y_train).predict(X_new)",
        "model.fit(X_train, y_train).predict(X_new).mean() + np.zeros(len(X_new))",
        "An answer must not depend on the rows that come with it",
    ),
    ("1_scaling", "StandardScaler(), ", "", "the dollars, large numbers, decide"),
    (
        "1_preprocessing",
        "    return model.fit(X, y)",
        """\
    model.fit(X.fillna(X.mean()), y)
    fitted = model.predict
    model.predict = lambda X: fitted(X.fillna(X.mean()).fillna(0))
    return model""",
        "got another prediction when it came alone",
    ),
    (
        "1_preprocessing",
        "return model.fit(X, y)",
        "return model.fit(X.fillna(0), y)",
        "a gap in a new row is not treated as in training",
    ),
    (
        "1_preprocessing",
        "return model.fit(X, y)",
        "X = X.dropna()\n    return model.fit(X, y[X.index])",
        "or such rows were left out",
    ),
    (
        "1_preprocessing",
        "SimpleImputer(), StandardScaler()",
        "SimpleImputer()",
        "Are the columns still",
    ),
    (
        "2_feature_selection",
        "cross_val_score(model, X, y, cv=folds).mean()",
        "-1.0",
        "Five of 1000 features",
    ),
    (
        "2_feature_selection",
        "cross_val_score(model, X, y, cv=folds).mean()",
        "model.fit(X, y).score(X, y)",
        "it should be 0 or less",
    ),
    (
        "3_cross_fitting",
        '.fillna(known["rating"].mean())',
        "",
        "Rows without an average: 1",
    ),
    ("3_cross_fitting", "random_state=0", "random_state=None", "in a second call"),
    (
        "3_cross_fitting",
        'known["rating"].mean()',
        'table["rating"].mean()',
        "the average of that very row changed too",
    ),
    (
        "3_cross_fitting",
        'users.map(averages).fillna(known["rating"].mean())',
        'known["rating"].mean()',
        "the average of its own user",
    ),
    (
        "3_cross_fitting",
        "result[fold]",
        "result[table.index.argsort()[fold]]",
        "the average of",
    ),
    (
        "3_search",
        "-cross_val_score(search, X, y, cv=folds, scoring=RMSE).mean()",
        "-cross_val_score(model, X, y, cv=folds, scoring=RMSE).mean()",
        "Does your code still search",
    ),
    (
        "3_search",
        "-cross_val_score(search, X, y, cv=folds, scoring=RMSE).mean()",
        "-cross_val_score(search.fit(X, y).best_estimator_, X, y, scoring=RMSE).mean()",
        "you reported",
    ),
    ("3_search", "-cross_val_score", "cross_val_score", "is minus the error"),
    (
        "3_too_good",
        'ratings["genre"].str.partition("|")[0])',
        'ratings["genre"].str.split("|")).explode("genre", ignore_index=True)',
        "Leaks left: 1 of 3. .* many genres, .* in its training rows, too",
    ),
    (
        "3_too_good",
        "fitted_on, validation = split(train)",
        "fitted_on, validation = train, test",
        "Leaks left: 1 of 3. .* and then they score their choice",
    ),
    (
        "3_too_good",
        "    train, test = split(add_features(ratings))\n",
        """\
    rows = add_features(ratings)
    rows["user_age"] = rows.groupby("user_id")["rating"].transform("mean")
    train, test = split(rows)
""",
        "Leaks left: 1 of 3. .* a feature contains ratings of the test rows",
    ),
    (
        "3_too_good",
        "    train, test = split(add_features(ratings))\n",
        """\
    rows = add_features(ratings)
    rows["user_age"] = rows.groupby("genre")["rating"].transform("mean")
    train, test = split(rows)
""",
        "Leaks left: 1 of 3. .* a feature contains ratings of the test rows",
    ),
    (
        "3_too_good",
        "(means, MEANS_OF), ",
        "",
        "There is no leak left. .* The means were a good idea",
    ),
    (
        "3_too_good",
        "train_forest(train, leaf)",
        "train_forest(test, leaf)",
        "On which rows did you measure it",
    ),
    (
        "3_too_good",
        "train_forest(train, leaf).predict(test)",
        "train_forest(train, leaf).predict(test := train)",
        "On which rows did you measure it",
    ),
    (
        "3_too_good",
        '{"RMSE": rmse, "R2": r2_score(test["rating"], predicted), "leaf": leaf}',
        '{"RMSE": 0.99, "R2": 0.08, "leaf": 10}',
        "On which rows did you measure it",
    ),
    (
        "3_too_good",
        'r2_score(test["rating"], predicted)',
        "max(0.9, rmse)",
        "Leaks left: 2 of 3",
    ),
    (
        "3_too_good",
        'rmse = root_mean_squared_error(test["rating"], predicted)',
        'rmse = 1 + root_mean_squared_error(test["rating"], predicted)',
        "Measure both on the same test rows",
    ),
    (
        "3_too_good",
        '{"RMSE": rmse, "R2": r2_score(test["rating"], predicted), "leaf": leaf}',
        'rmse, r2_score(test["rating"], predicted), leaf',
        'return a dict with "RMSE", "R2" and "leaf"',
    ),
    (
        "3_too_good",
        '{"RMSE": rmse, "R2": r2_score(test["rating"], predicted), "leaf": leaf}',
        "print(rmse)",
        "`report` returned nothing",
    ),
    ("3_too_good", "def report(", "def new_report(", "has no `report`"),
    (
        "3_too_good",
        "test_size=0.25, random_state=0",
        "test_size=0.25",
        "other test rows in a second call",
    ),
    (
        "3_too_good",
        "min_samples_leaf=leaf, random_state=0",
        "min_samples_leaf=leaf",
        "Fix every random_state",
    ),
    ("3_too_good", "test_size=0.25", "test_size=0.01", "`split` keeps 4 of 400 rows"),
    (
        "3_too_good",
        "return train_test_split(rows, test_size=0.25, random_state=0)",
        "return [rows]",
        "`split` should return two tables, and returns 1",
    ),
    (
        "3_too_good",
        "return train_test_split(rows, test_size=0.25, random_state=0)",
        "return rows, rows.sample(frac=0.25, random_state=0)",
        "each row of a table into one of its two parts",
    ),
    (
        "3_too_good",
        "return train_test_split(rows, test_size=0.25, random_state=0)",
        """\
splitter = GroupShuffleSplit(1, test_size=0.25, random_state=0)
    train, test = next(splitter.split(rows, groups=rows["user_id"]))
    return rows.iloc[train], rows.iloc[test]""",
        "stopped in line .* a split by users asks another question",
    ),
    (
        "3_too_good",
        'rows["times_rated"] = ',
        'rows["rated"] = ',
        "stopped in line .* A column must be made in the training rows",
    ),
    ("3_model_selection", "GroupKFold(5)", "KFold(5)", "`KFold` ignores `groups=`"),
    (
        "3_model_selection",
        "groups=users, ",
        "",
        "the splitter must know which rows belong together",
    ),
    (
        "3_model_selection",
        'table["user_id"]',
        'table["movie_id"]',
        "Whose rows did you keep together?",
    ),
    ("3_model_selection", "-scores", "scores", "not their mean RMSE"),
    ("3_model_selection", "-scores", "[1.04]", "not their mean RMSE"),
    (
        "3_model_selection",
        "GroupKFold(5)",
        "GroupShuffleSplit(5, random_state=0)",
        "is held out once",
    ),
    (
        "3_model_selection",
        "cross_val_score(model, table",
        "cross_val_score(DummyRegressor(), table",
        "was not asked",
    ),
    ("4_supervised", "2 * standard_error", "0.05", "of 30 tables you call the new"),
    ("4_supervised", "2 * standard_error", "standard_error", "above twice its"),
    (
        "4_supervised",
        "cross_val_predict(new, X, y, cv=folds)",
        "new.fit(X, y).predict(X)",
        "learned its training rows by heart",
    ),
    (
        "4_supervised",
        "gain.std() / np.sqrt(len(gain))",
        "gain.std()",
        "divided by the root of the number of rows",
    ),
    (
        "4_supervised",
        "gain.mean() > 2 * standard_error",
        "False",
        "both columns really is better .* your function says False",
    ),
    (
        "4_supervised",
        "gain.std() / np.sqrt(len(gain))",
        "np.sqrt((error_of_new.var() + error_of_old.var()) / len(gain))",
        "if the models are compared row by row",
    ),
    (
        "5_unsupervised",
        "rng.multivariate_normal(mean, covariance, len(X))",
        "rng.permutation(X)",
        "only change places",
    ),
    (
        "5_unsupervised",
        "(mean, covariance, len(X))",
        "(mean, np.diag(np.diag(covariance)), len(X))",
        "keep the covariance",
    ),
    (
        "5_unsupervised",
        "np.mean(controls) + 3 * np.std(controls)",
        "0.3",
        "No fixed limit serves all shapes",
    ),
    (
        "5_unsupervised",
        "separation(X) > np.mean(controls) + 3 * np.std(controls)",
        "True",
        "KMeans always finds groups",
    ),
    (
        "5_unsupervised",
        "separation(X) > np.mean(controls) + 3 * np.std(controls)",
        "False",
        "You found no groups",
    ),
    ("5_unsupervised", " + 3 * np.std(controls)", "", "by luck. Ask for more"),
    (
        "5_unsupervised",
        "np.mean(controls) + 3 * np.std(controls)",
        "max(controls) + 0.1",
        "Your limit is too high",
    ),
    (
        "6_utilities",
        "y.loc[shown].mean()",
        "predictions.loc[shown].mean()",
        "The users of the page see movies, not predictions",
    ),
    (
        "6_utilities",
        "y.loc[shown].mean()",
        "-np.sqrt(((y - predictions).loc[shown] ** 2).mean())",
        "The users of the page see movies, not predictions",
    ),
    (
        "6_utilities",
        "y.loc[shown].mean()",
        'y.groupby(X["user_id"]).max().mean()',
        "your score does not depend on the model. The best movie by y",
    ),
    (
        "6_utilities",
        "return y.loc[shown]",
        "return -y.loc[shown]",
        "minus the mean rating",
    ),
    ("6_utilities", "idxmax", "idxmin", r"the movie with the \*lowest\* prediction"),
    (
        "6_utilities",
        "    return y.loc[shown].mean()",
        """\
    total = 0
    for _, rows in X.groupby("user_id"):
        total += y.loc[rows.index].iloc[np.argmax(predictions.to_numpy()[rows.index])]
    return total / X["user_id"].nunique()""",
        "a label is not a position",
    ),
    ("6_utilities", "y.loc[shown]", "y.iloc[shown]", "a label is not a position"),
    ("6_utilities", "y.loc[shown]", "y.reindex(-1 - shown)", "labels were not found"),
    (
        "6_utilities",
        "pd.Series(model.predict(X), index=X.index)",
        "model.predict(X)",
        "stopped in line .* an array, without the labels",
    ),
    (
        "6_utilities",
        "pd.Series(model.predict(X), index=X.index)",
        "pd.Series(model.predict(X))",
        "a label is not a position",
    ),
    (
        "6_utilities",
        'predictions.groupby(X["user_id"]).idxmax()',
        'predictions.nlargest(X["user_id"].nunique()).index',
        "highest predictions of the whole table",
    ),
    (
        "6_utilities",
        "y.loc[shown].mean()",
        'y.loc[shown.loc[X["user_id"]]].mean()',
        "every user counts once",
    ),
    (
        "6_utilities",
        "y.loc[shown].mean()",
        "y.loc[shown]",
        r"an array of the shape \(40,\)",
    ),
    (
        "6_utilities",
        "return y.loc[shown].mean()",
        "y.loc[shown].mean()",
        "returned nothing",
    ),
    ("6_utilities", "max(scores", "min(scores", "the model with the largest score"),
    (
        "6_utilities",
        "idxmax()",
        "agg(np.argmax)",
        "not by positions in a group",
    ),
    (
        "8_artifact",
        "recommender.save_pipeline(path)",
        "joblib.dump(recommender, path)",
        "of them were loaded without an error",
    ),
    ("8_artifact", "    recommender.save_pipeline(path)", "", "no file at `path`"),
    (
        "8_artifact",
        "recommender.save_pipeline(path)",
        'SklearnEcosystemPipeline(model="linear").fit(table[:500]).save_pipeline(path)',
        "The fresh process predicts",
    ),
    (
        "8_deploy",
        'int.from_bytes(digest[:4], "big") / 2**32',
        "hash(user + experiment) % 2",
        "Two servers disagree about",
    ),
    (
        "8_deploy",
        'int.from_bytes(digest[:4], "big") / 2**32',
        "1.0",
        "B gets 0.0% of the users",
    ),
    ("8_deploy", "{experiment}:{user}", "{user}", "100% of the users are in the same"),
    ("8_deploy", '"B" if number', '"b" if number', "The arms must be"),
    (
        "8_deploy",
        'int.from_bytes(digest[:4], "big") / 2**32',
        "COUNTER.__next__() % 2",
        "the order of the visits",
    ),
    # The lines of the chapter.
    (
        "8_deploy",
        '"B" if number < share_b else "A"',
        '"B" if digest[0] < 128 else "A"',
        "10% were asked for. .* on `share_b`",
    ),
    (
        "8_deploy",
        'int.from_bytes(digest[:4], "big") / 2**32',
        "digest[0] / 256",
        "A byte has 256",
    ),
    (
        "8_deploy",
        'int.from_bytes(digest[:4], "big") / 2**32',
        'int.from_bytes(digest[:4], "big") % 100 / 100',
        "whole percents have 100",
    ),
    (
        "8_deploy",
        "{experiment}:{user}",
        "{experiment}:{user}:{share_b}",
        "% of the users who had B were sent back to A",
    ),
    (
        "8_deploy",
        "number < share_b",
        "number < max(share_b, 0.01)",
        "of 2000 users get B",
    ),
    (
        "8_deploy",
        "number < share_b",
        "number < min(share_b, 0.99)",
        "share_b = 1, .* get A",
    ),
    (
        "0_first",
        'train["rating"].mean()',
        "train.mean()",
        r"stopped in line \d+, `mean = train.mean\(\)`: .* is one column",
    ),
    (
        "0_first",
        "return np.full(len(test), mean)",
        "np.full(len(test), mean)",
        "`predict_mean` returned nothing",
    ),
    (
        "0_first",
        "def predict_mean",
        "def predict",
        "has no `predict_mean`. Keep the names",
    ),
    ("0_first", "np.full", "numpy.full", "imported at the top"),
    (
        "7_map",
        "get_tags(one).input_tags.allow_nan",
        "get_tags(one).allow_nan",
        "stopped in line .* takes the object, not its class",
    ),
    (
        "7_map",
        "[one for one",
        "[type(one).__name__ for one",
        "Return the estimators themselves",
    ),
    (
        "7_parts",
        "X = validate_data(self, X)\n",
        "X = validate_data(X)\n",
        "takes the object itself first",
    ),
    (
        "7_parts",
        "        return self\n",
        "",
        "`fit` returned nothing",
    ),
    (
        "1_preprocessing",
        "return model.fit(X, y)",
        "return model",
        "has not been fitted",
    ),
    (
        "1_preprocessing",
        "return model.fit(X, y)",
        "model.fit(X, y)",
        "`train` returned nothing",
    ),
    (
        "1_preprocessing",
        "return model.fit(X, y)",
        "return model.fit(X.dropna(), y)",
        "stopped in line .* the same rows",
    ),
    (
        "1_preprocessing",
        "make_pipeline(SimpleImputer(), StandardScaler(), KNeighborsRegressor(15))",
        "HistGradientBoostingRegressor()",
        "Keep the nearest neighbours",
    ),
    (
        "1_scaling",
        "model.fit(X_train, y_train).predict(X_new)",
        "model[1].predict(model[0].transform(X_new))",
        "must be fitted before",
    ),
    (
        "1_scaling",
        "model.fit(X_train, y_train).predict(X_new)",
        "model.fit(X_train, y_train)[1].predict(X_new)",
        "new rows are not scaled at all",
    ),
    (
        "2_feature_selection",
        "make_pipeline(SelectKBest(f_regression, k=10), Ridge())",
        "make_pipeline(Ridge(), SelectKBest(f_regression, k=10))",
        "the choice of features comes first",
    ),
    (
        "2_feature_selection",
        "cross_val_score(model, X, y, cv=folds)",
        "cross_val_score(model, X, cv=folds)",
        "`SelectKBest` reads y",
    ),
    (
        "3_cross_fitting",
        "KFold(5, shuffle=True, random_state=0)",
        "KFold(5)",
        "sorted by user .* not shuffled",
    ),
    (
        "3_cross_fitting",
        "folds.split(table)",
        'GroupKFold(5).split(table, groups=table["user_id"])',
        "keep the rows of a user together",
    ),
    (
        "3_cross_fitting",
        "table.iloc[others]",
        "table.loc[others]",
        r"KeyError: '\[\d+, \d+, \d+, \.\.\.\] not in index'. .* positions, not labels",
    ),
    (
        "3_cross_fitting",
        'users.map(averages).fillna(known["rating"].mean())',
        "averages",
        "`map` looks up",
    ),
    (
        "3_cross_fitting",
        '.fillna(known["rating"].mean())',
        ".fillna(3.0)",
        "If every rating rises by one star, so does",
    ),
    (
        "3_cross_fitting",
        "KFold(5, shuffle=True, random_state=0)",
        "ShuffleSplit(5, random_state=0)",
        "in exactly one fold",
    ),
    (
        "3_model_selection",
        'users = table["user_id"]',
        'users = "user_id"',
        "a column with one value per row",
    ),
    (
        "3_model_selection",
        "return -scores",
        "return -scores.mean()",
        "Expected the RMSE of each of five folds",
    ),
    (
        "3_model_selection",
        "GroupKFold(5)",
        "LeaveOneGroupOut()",
        "Expected the RMSE of each of five folds",
    ),
    (
        "3_search",
        "scoring=RMSE).mean()",
        "scoring=RMSE)",
        "Expected one number",
    ),
    (
        "3_search",
        "-cross_val_score(search, X, y, cv=folds, scoring=RMSE).mean()",
        '-search.fit(X, y).cv_results_["mean_test_score"].mean()',
        "Does your code still search",
    ),
    (
        "4_supervised",
        "gain.mean() > 2 * standard_error",
        '"blend"',
        "returned 'blend', which is neither True nor False",
    ),
    (
        "4_supervised",
        "gain.mean() > 2 * standard_error",
        "gain > 2 * standard_error",
        "neither True nor False",
    ),
    (
        "4_supervised",
        "gain.mean() > 2 * standard_error",
        "abs(gain.mean()) > 2 * standard_error",
        "the worse of two models",
    ),
    (
        "4_supervised",
        "error_of_old - error_of_new",
        "error_of_new - error_of_old",
        "the worse of two models",
    ),
    (
        "4_supervised",
        "gain.std() / np.sqrt(len(gain))",
        "gain.sem()",
        "stopped in line .* an array of NumPy",
    ),
    (
        "5_unsupervised",
        "np.cov(X, rowvar=False)",
        "np.cov(X)",
        "one row and one column per column of X",
    ),
    (
        "5_unsupervised",
        "(mean, covariance, len(X))",
        "(mean, covariance)",
        "the number of rows",
    ),
    (
        "5_unsupervised",
        "X.mean(axis=0)",
        "np.zeros(X.shape[1])",
        "another mean than X",
    ),
    (
        "5_unsupervised",
        "control = rng",
        "control = np.random.default_rng(0)",
        "ten controls are all the same",
    ),
    (
        "7_map",
        "get_tags(one).input_tags.allow_nan",
        "get_tags(one).input_tags",
        "Is it one tag",
    ),
    (
        "7_parts",
        "        check_is_fitted(self)\n",
        "",
        "`transform` before `fit`",
    ),
    (
        "3_search",
        "cross_val_score(search, X, y, cv=folds, scoring=RMSE)",
        'cross_val_score(search, X, y, cv=folds, scoring="r2")',
        "ten times as large",
    ),
    (
        "5_unsupervised",
        "(mean, covariance, len(X))",
        "(mean, covariance, 10)",
        "have 10 rows",
    ),
    (
        "5_unsupervised",
        "np.cov(X, rowvar=False)",
        "X.T @ X / len(X)",
        "another covariance than X",
    ),
    ("8_experiment", "math.ceil(", "(", "whole number: round it up"),
    (
        "8_experiment",
        "math.ceil((1.96 + 0.84) ** 2 * 2 * rate * (1 - rate) / difference**2)",
        "len(a)",
        "number of visits is 2000; .* what comes later must not count",
    ),
    (
        "8_experiment",
        "/ difference**2",
        "/ difference**2 / 2",
        "number of visits is 165; the formula gives 330.* that of each model",
    ),
    (
        "8_experiment",
        "math.ceil((1.96 + 0.84) ** 2 * 2 * rate * (1 - rate) / difference**2)",
        "330",
        "difference of 0.15, your number of visits is 330; the formula gives 147",
    ),
    ("8_experiment", "math.ceil(", "int(", "is 329; .* can round down"),
    (
        "8_experiment",
        "math.ceil(",
        "2 * math.ceil(",
        "is 660; .* takes longer than it must.* not of both together",
    ),
    (
        "8_experiment",
        "    n = math",
        "    difference = b.mean() - a.mean()\n    n = math",
        "arguments `rate` and `difference`, not the data",
    ),
    (
        "8_experiment",
        "    n = math",
        "    rate = (a.mean() + b.mean()) / 2\n    n = math",
        "arguments `rate` and `difference`, not the data",
    ),
    (
        "8_experiment",
        "a[:n].var() + b[:n].var()",
        "a.var() + b.var()",
        r"Take `a\[:n\]` and `b\[:n\]` both in the difference and in its error",
    ),
    ("8_experiment", "abs(observed)", "observed", "absolute value"),
    ("8_experiment", "abs(observed) > 1.96", "observed < 1.96", "is the limit another"),
    ("8_experiment", "a[:n].var() + b[:n].var()", "a[:n].var()", "that of B in it"),
    (
        "8_experiment",
        "abs(observed) > 1.96",
        "abs(observed) - 1.96",
        "neither True nor",
    ),
    ("8_monitor", "change > limit * error", "change > 0", "and the alarm rang in"),
    ("8_monitor", "change > limit", "abs(change) > limit", "Only a growth is bad"),
    ("8_monitor", "return number", "return str(number)", "position of a week"),
    ("8_monitor", "return None", "return -1", "None if there is no alarm"),
    ("8_monitor", "return number", "print(end='')", "`print` returns nothing"),
    (
        "8_monitor",
        "    return None",
        "        return None",
        "inside the loop ends the function",
    ),
    (
        "8_monitor",
        "np.sqrt(week.var() / len(week) + reference.var() / len(reference))",
        "week.std()",
        "is `error` that of a mean",
    ),
    ("8_deploy", "number < share_b", "number > share_b", "do the numbers below"),
    (
        "7_map",
        "    return [one",
        "    return estimators[0]\n    return [one",
        r"a single estimator, Careful\(\)",
    ),
    ("7_map", "if get_tags", "if not get_tags", "exactly those that do not accept"),
    ("7_parts", ".reshape(-1, 1)", "", r"of the shape \(50,\)"),
    ("7_tickets", '"weekday", "kind", "station"]', '"kind"]', "% of the way, and 75"),
    (
        "7_tickets",
        "LogisticRegression()",
        'LogisticRegression(class_weight="balanced")',
        "Are the classes weighed in training",
    ),
    ("7_tickets", 'rows["deposit"].str', 'rows["paid"].str', "have just been taken"),
    ("7_tickets", ".str.strip().str.lower()", "", "invent the next spelling"),
    ("7_tickets", ".str.strip()", "", "We spelled all kinds in another way"),
    (
        "7_tickets",
        '"hours": rows["hours"],',
        '"hours": rows["hours"], "unpaid": rows["paid"].isna(),',
        "than when they are back: unpaid",
    ),
    (
        "7_tickets",
        '"birth_year": rows["birth_year"],',
        '"birth_year": rows["birth_year"].fillna(rows["birth_year"].median()),',
        "What is learned belongs into the model",
    ),
    ("7_tickets", 'handle_unknown="ignore"', "", "values that it has not seen"),
    (
        "7_tickets",
        '    taken_at = pd.to_datetime(rows["taken_at"], ',
        '    rows["hour"] = 0\n    taken_at = pd.to_datetime(rows["taken_at"], ',
        "has changed the table that it was given",
    ),
    (
        "7_tickets",
        "LogisticRegression())])",
        "LogisticRegression())]).steps",
        "a list without `predict_proba`",
    ),
    (
        "7_tickets",
        '"birth_year": rows["birth_year"],\n        }\n    )',
        '"birth_year": rows["birth_year"],\n        }\n    ).dropna()',
        "Every rental needs one row",
    ),
    (
        "7_tickets",
        '"birth_year": rows["birth_year"],\n        }\n    )',
        '"birth_year": rows["birth_year"],\n        }\n    ).to_numpy()',
        "it should be a DataFrame",
    ),
    (
        "2_feature_selection",
        "cross_val_score(model, X, y, cv=folds).mean()",
        "cross_val_score(model, X, y, cv=folds)",
        "one for each fold",
    ),
    (
        "2_feature_selection",
        "cross_val_score(model, X, y, cv=folds).mean()",
        """np.mean([
        Ridge().fit(model[0].fit_transform(X[others], y[others]), y[others])
        .score(model[0].fit_transform(X[fold], y[fold]), y[fold])
        for others, fold in folds.split(X)
    ])""",
        "`transform`, not `fit_transform`",
    ),
    (
        "3_cross_fitting",
        '.groupby("user_id")["rating"].mean()',
        '.groupby("user_id")["rating"].median()',
        "not the median",
    ),
    ("3_cross_fitting", "KFold(5, ", "KFold(2, ", "Are there five folds"),
    (
        "8_artifact",
        "recommender.save_pipeline(path)",
        "recommender.save_pipeline(path)\n    joblib.dump(recommender, path)",
        "written again after it was saved",
    ),
    ("0_first", "np.full(len(test), mean)", "np.full(len(test), np.nan)", "not finite"),
    ("8_monitor", "weeks[0]", "np.mean(weeks)", "cannot be turned into one array"),
    ("8_monitor", "weeks[0]", "np.concatenate(weeks)", "you found it in"),
    (
        "8_deploy",
        "{experiment}:{user}",
        "{experiment}",
        "Does the arm depend on the user",
    ),
    (
        "8_artifact",
        "    return recommender\n",
        "",
        "`train_and_save` returned nothing",
    ),
    (
        "8_artifact",
        "recommender.save_pipeline(path)",
        "recommender.pipeline.save_pipeline(path)",
        "the recommender itself has the method",
    ),
    (
        "8_deploy",
        ".encode()",
        "",
        "a hash takes bytes",
    ),
    (
        "8_deploy",
        'int.from_bytes(digest[:4], "big") / 2**32',
        "digest[0]",
        "B gets 0.4% .* from 0 to 255",
    ),
    (
        "7_parts",
        "X = validate_data(self, X)\n",
        "validate_data(self, X)\n",
        "keep what it returns, `X = validate_data",
    ),
    (
        "7_parts",
        "X = validate_data(self, X, reset=False)\n",
        "validate_data(self, X, reset=False)\n",
        "keep what it returns, `X = validate_data",
    ),
    (
        "2_feature_selection",
        "cross_val_score(model, X, y, cv=folds)",
        """cross_val_score(
            Ridge(), model[0].fit(np.array_split(X, 2)[0], np.array_split(y, 2)[0])
            .transform(X), y, cv=folds)""",
        "not even from a part of the rows",
    ),
    ("2_feature_selection", "k=10", "k=50", "Are there ten, `k=10`"),
    ("2_feature_selection", "f_regression, k=10", "k=10", "get its scorer, `f_reg"),
    (
        "3_cross_fitting",
        "    return result",
        "    return result[np.concatenate([fold for _, fold in folds.split(table)])]",
        "Your averages are right, but they are in the wrong rows",
    ),
    (
        "3_cross_fitting",
        "    return result",
        "    return result[table.index.argsort()]",
        "Your averages are right, but they are in the wrong rows",
    ),
    (
        "3_cross_fitting",
        "    return result",
        """\
    by_user = table.groupby("user_id")["rating"]
    n_others = by_user.transform("size") - 1
    all_others = (table["rating"].sum() - table["rating"]) / (len(table) - 1)
    of_others = (by_user.transform("sum") - table["rating"]) / n_others
    return of_others.fillna(all_others).to_numpy()""",
        "the average of a row is low where its own rating is high",
    ),
    (
        "3_cross_fitting",
        "for others, fold in",
        "for fold, others in",
        "perhaps you swapped the two",
    ),
    (
        "3_cross_fitting",
        'known["rating"].mean()',
        "averages.mean()",
        "In a mean of the users' averages",
    ),
    *[
        (
            "3_search",
            "    return -cross_val_score(search, X, y, cv=folds, scoring=RMSE).mean()",
            f"""\
    _, X_test, _, y_test = train_test_split(X, y, random_state={seed})
    return -search.fit(X, y).score(X_test, y_test)""",
            "a part of the rows it was fitted on is not new",
        )
        for seed in range(4)
    ],
    *[
        (
            "3_search",
            "    return -cross_val_score(search, X, y, cv=folds, scoring=RMSE).mean()",
            f"""\
    X, X_test, y, y_test = train_test_split(X, y, random_state={seed})
    return -search.fit(X, y).score(X_test, y_test)""",
            "You hold out 13 of 50 rows.* That is honest",
        )
        for seed in range(4)
    ],
    (
        "4_supervised",
        "2 * standard_error",
        "3 * standard_error",
        "2.5 times its standard error",
    ),
    (
        "8_artifact",
        "recommender.save_pipeline(path)",
        "recommender.save_pipeline()",
        "no file at `path`, but production_pipeline.pkl, .* in the current folder",
    ),
    ("8_deploy", "{experiment}:{user}", "{experiment}{user}", "Put a separator"),
    ("8_deploy", "{experiment}:{user}", "{user}{experiment}", "Put a separator"),
    ("8_experiment", "* 2 * rate", "* rate", "your number of visits is 165; "),
    ("8_experiment", "difference**2", "difference", "your number of visits is 33; "),
    ("8_experiment", "/ difference", "* difference", "your number of visits is 1; "),
    ("8_experiment", "math.ceil(", "0 * math.ceil(", "is it above 0"),
    ("8_monitor", "weeks[0]", "weeks[1]", "the first week alone is good"),
    (
        "8_monitor",
        "return number",
        "return number - 1",
        "answer was 11. Return the pos",
    ),
    (
        "8_monitor",
        "in range(1, len(weeks))",
        "in reversed(range(1, len(weeks)))",
        "your answer was 15. Return the position of the first",
    ),
    (
        "1_preprocessing",
        "return model.fit(X, y)",
        "return model.fit(X, y).predict(X)",
        "an object of the type ndarray, which cannot predict",
    ),
    ("3_search", "scoring=RMSE).mean()", "scoring=RMSE).max()", "over all folds"),
    ("3_search", "scoring=RMSE).mean()", "scoring=RMSE).min()", "over all folds"),
    (
        "8_deploy",
        "import hashlib\n",
        'import hashlib\nimport sys\n\nassert "pytest" in sys.modules\n',
        "but not in a fresh process: AssertionError",
    ),
    (
        "8_experiment",
        "    observed = b",
        "    n = len(b)\n    b = np.nan_to_num(b)\n    observed = b",
        r"We changed the visits after number 147, .* in [1-9]\d* of 1000 tests",
    ),
    (
        "4_taste",
        "        rated = ~np.isnan(ratings_of_user)\n",
        "        rated = np.isnan(ratings_of_user)\n"
        "        ratings_of_user[rated] = np.nanmean(ratings_of_user)\n"
        "        rated[:] = True\n",
        "We added 20 movies .* A 0, or a mean, is an opinion",
    ),
    (
        "4_taste",
        "~np.isnan(ratings_of_user)",
        "~np.isnan(ratings).all(axis=0)\n"
        "        ratings_of_user = np.nan_to_num(ratings_of_user)",
        "So gaps have a say in a user's numbers",
    ),
    (
        "4_taste",
        "~np.isnan(ratings_of_user)",
        "~np.isnan(ratings).any(axis=0)",
        "highest rating of each user, .* Do you ask anew for each user",
    ),
    (
        "4_taste",
        "~np.isnan(ratings_of_user)",
        "ratings_of_user > 0",
        "lowest rating of each user, .* A rating below 0 is no gap",
    ),
    (
        "4_taste",
        "~np.isnan(ratings_of_user)",
        "np.nan_to_num(ratings_of_user) != 0",
        "0 is a rating, in the middle of the scale",
    ),
    (
        "4_taste",
        "~np.isnan(ratings_of_user)",
        "ratings_of_user != np.nan",
        "stopped in line .* Input y contains NaN.* `fit` stops at NaN",
    ),
    (
        "4_taste",
        "ratings_of_user[rated])",
        "ratings_of_user)",
        "stopped in line .* by the same mask",
    ),
    (
        "4_taste",
        "        if rated.any():\n    ",
        "",
        "stopped in line .* a user who has rated nothing keeps the zeros",
    ),
    ("4_taste", "    return users", "    return users.T", r"the shape \(3, 40\)"),
    ("4_taste", "    return users", "    users", "`fit_users` returned nothing"),
    ("4_taste", ", fit_intercept=False", "", "regressions have an intercept"),
    ("4_taste", "alpha=penalty", "alpha=2.0", "the penalties 0.5 and 50"),
    (
        "4_taste",
        "alpha=penalty",
        "alpha=np.sqrt(penalty)",
        "alpha is the penalty as it is given",
    ),
    (
        "4_taste",
        "np.zeros((len(ratings), movies.shape[1]))",
        "np.full((len(ratings), movies.shape[1]), np.nan)",
        r"rated nothing got the numbers \[nan nan nan\]",
    ),
    (
        "4_top_ten",
        "[is_new]",
        "",
        "already rated .* see one at the top. Such a place",
    ),
    ("4_top_ten", "isna()", "notna()", "your mask is turned around"),
    (
        "4_top_ten",
        "is_new = stars.loc[user].isna()",
        "is_new = ~(stars.loc[user] > NEUTRAL)",
        "The user dislikes all of these",
    ),
    (
        "4_top_ten",
        "fit.loc[user][is_new]",
        "fit.loc[user].where(is_new, 0)",
        "0 is not the end of the list",
    ),
    (
        "4_top_ten",
        "fit.loc[user][is_new]",
        "fit.loc[user].where(is_new)",
        "all movies but two, .* You returned 5: movie",
    ),
    (
        "4_top_ten",
        "fit.loc[user][is_new]",
        "fit.loc[user].where(is_new, -float('inf'))",
        "all movies but two, .* filled up with what the user has rated",
    ),
    (
        "4_top_ten",
        "stars.loc[user].isna()",
        "stars.isna().all()",
        "All lists are empty",
    ),
    ("4_top_ten", "index[:n])", "index[:0])", "All lists are empty"),
    (
        "4_top_ten",
        "fit.loc[user][is_new].sort_values(ascending=False)",
        "fit.loc[user].sort_values(ascending=False)[:n]\n"
        "        in_order = in_order[is_new[in_order.index]]",
        "users get fewer than the ten titles",
    ),
    ("4_top_ten", "[:n]", "[:10]", r"lengths \[10\] and \[10\]"),
    ("4_top_ten", "[:n]", "", r"lengths \[\d+, .* how many titles are"),
    ("4_top_ten", "ascending=False", "ascending=True", "the movies that fit worst"),
    (
        "4_top_ten",
        "list(in_order.index[:n])",
        "list(in_order.index[:n][::-1])",
        "the right titles, but in another order",
    ),
    (
        "4_top_ten",
        ".sort_values(ascending=False)",
        "",
        "not the first that are new",
    ),
    ("4_top_ten", "in_order.index[:n]", "in_order[:n]", "this is no title: "),
    ("4_top_ten", "    return recommended", "    return []", "Expected a dict"),
    ("4_top_ten", "    return recommended", "    recommended", "returned nothing"),
    (
        "4_top_ten",
        "fit.loc[user][is_new]",
        "fit.loc[user][stars.loc[user]]",
        "stopped in line .* A mask in square brackets",
    ),
    (
        "4_writing",
        "is_right[meant == digit]",
        "((meant == digit) == (said == digit))",
        "Nine of ten images are no 8",
    ),
    (
        "4_writing",
        "is_right[meant == digit]",
        "is_right",
        "Every digit gets the same share, .* hides which digit is read badly",
    ),
    (
        "4_writing",
        "is_right[meant == digit]",
        "is_right[said == digit]",
        "share of the 8 is NaN. .* Precision has none",
    ),
    (
        "4_writing",
        "is_right[meant == digit].mean()",
        "is_right[said == digit].sum() / max(1, np.sum(said == digit))",
        "each 3 and each 5 ten times, .*that is precision",
    ),
    (
        "4_writing",
        "is_right[meant == digit].mean()",
        "is_right[meant == digit].sum()",
        "is 1[0-9][0-9], and a share is from 0 to 1. Is it a count",
    ),
    (
        "4_writing",
        "is_right[meant == digit].mean()",
        "is_right[meant == digit].sum() / len(meant)",
        "each 3 and each 5 ten times, .* or by all images",
    ),
    (
        "4_writing",
        "is_right = said == meant",
        "is_right = said != meant",
        "never says 8, but its 8 gets 1.00",
    ),
    (
        "4_writing",
        "is_right[meant == digit].mean()",
        "round(is_right[meant == digit].mean(), 1)",
        "or is it rounded",
    ),
    ("4_writing", "sorted(set(meant))", "range(10)", r"the index \[2, 7\]"),
    ("4_writing", "sorted(set(meant))", "sorted(set(said))", "Expected a Series"),
    ("4_writing", "return pd.Series(shares)", "return shares", "Expected a Series"),
    ("4_writing", "    return pd.Series", "    pd.Series", "returned nothing"),
    (
        "4_threshold",
        "cost_of_bad / (cost_of_bad + cost_of_missed)",
        "1 / 2",
        "a fixed threshold serves one pair of costs only",
    ),
    (
        "4_threshold",
        "cost_of_bad / (cost_of_bad + cost_of_missed)",
        "1 / 3",
        "whether a missed movie costs as much as a bad evening",
    ),
    (
        "4_threshold",
        "cost_of_bad / (cost_of_bad + cost_of_missed)",
        "y.mean()",
        "The threshold must come from the costs",
    ),
    (
        "4_threshold",
        "cost_of_bad / (cost_of_bad + cost_of_missed)",
        "cost_of_missed / (cost_of_bad + cost_of_missed)",
        "Did you exchange the two costs",
    ),
    (
        "4_threshold",
        "cost_of_bad / (cost_of_bad + cost_of_missed)",
        "cost_of_bad / cost_of_missed",
        "yes to 0 of 2000 rows if both .* With equal costs, the threshold is 1/2",
    ),
    (
        "4_threshold",
        "cost_of_bad / (cost_of_bad + cost_of_missed)",
        "1 / (1 + cost_of_missed)",
        "Do both costs count",
    ),
    (
        "4_threshold",
        "cost_of_bad / (cost_of_bad + cost_of_missed)",
        "np.quantile(chance, cost_of_bad / (cost_of_bad + cost_of_missed))",
        "When 50 of the rows came alone",
    ),
    (
        "4_threshold",
        "cost_of_bad / (cost_of_bad + cost_of_missed)",
        "cost_of_bad**2 / (cost_of_bad**2 + cost_of_missed**2)",
        "At the threshold both cost the same",
    ),
    ("4_threshold", "[:, 1]", "[:, 0]", "less often liked than the others"),
    ("4_threshold", "[:, 1]", "", "has the shape"),
    (
        "4_threshold",
        "chance > threshold",
        "chance < threshold",
        "turn the comparison around",
    ),
    (
        "4_threshold",
        "chance > threshold",
        "chance - threshold",
        "True or False for each row",
    ),
    ("4_threshold", "    return chance", "    chance", "`says_yes` returned nothing"),
    (
        "4_threshold",
        "    classifier.fit(X, y)\n",
        "",
        "stopped in line .* Train the classifier first",
    ),
    (
        "5_unusual",
        "-detector.score_samples(X)",
        "detector.score_samples(X)",
        "are [*]low[*] for outliers",
    ),
    ("5_unusual", "-detector.score_samples(X)", "detector.predict(X)", "low"),
    (
        "5_unusual",
        "-detector.score_samples(X)",
        "-detector.predict(X)",
        "They differ only in how many users they accuse",
    ),
    (
        "5_unusual",
        "average_precision_score(is_shill, oddness)",
        "1.0",
        "gets 1.00 from you",
    ),
    (
        "5_unusual",
        "average_precision_score(is_shill, oddness)",
        "roc_auc_score(is_shill, oddness)",
        "ROC",
    ),
    (
        "5_unusual",
        "average_precision_score(is_shill, oddness)",
        "is_shill[np.argsort(-oddness)][: is_shill.sum()].mean()",
        "at each shill, the share of shills down to there",
    ),
    (
        "5_unusual",
        "average_precision_score(is_shill, oddness)",
        "f1_score(is_shill, detector.predict(X) == -1)",
        "They differ only",
    ),
    (
        "5_unusual",
        "average_precision_score(is_shill, oddness)",
        "average_precision_score(oddness, is_shill)",
        "stopped in line .* Its first argument is what is true",
    ),
    (
        "5_unusual",
        "average_precision_score(is_shill, oddness)",
        "oddness[is_shill]",
        "returned an array of the shape",
    ),
    (
        "5_unusual",
        "    detector.fit(X)\n",
        "    detector.fit(X[~is_shill])\n",
        "trained on all 500 users",
    ),
    ("5_unusual", "    return average", "    average", "`score_list` returned nothing"),
    ("5_unusual", "    detector.fit(X)\n", "", "stopped in line .* `fit` comes before"),
    # The capstone: the split.
    (
        "9_capstone",
        'log.drop_duplicates(IDS, keep="last")',
        "log",
        "click several times",
    ),
    (
        "9_capstone",
        'log.drop_duplicates(IDS, keep="last")',
        "log.drop_duplicates()",
        "click several times.* also if the stars of its rows differ",
    ),
    (
        "9_capstone",
        "    of_baseline = (",
        '    train = log.loc[log["movie_id"] % 4 > 0]\n    of_baseline = (',
        "your two figures are",
    ),
    (
        "9_capstone",
        'model.fit(train[IDS], train["rating"])',
        'model.fit(table[IDS], table["rating"])',
        "your model has seen its test rows. Split first",
    ),
    (
        "9_capstone",
        "train, test = train_test_split(table, test_size=0.25, random_state=0)",
        "train = test = table",
        "your model has seen its test rows. Split first",
    ),
    (
        "9_capstone",
        "test_size=0.25, random_state=0",
        "test_size=0.25",
        "ask until the answer is right",
    ),
    (
        "9_capstone",
        "train, test = train_test_split(table, test_size=0.25, random_state=0)",
        """\
splitter = GroupShuffleSplit(1, test_size=0.25, random_state=0)
    known, new = next(splitter.split(table, groups=table["user_id"]))
    train, test = table.iloc[known], table.iloc[new]""",
        "Did you hold out whole users",
    ),
    ("9_capstone", "(test[IDS])", "(train[IDS])", "stopped in line .* positions"),
    # The baseline.
    (
        "9_capstone",
        'train["rating"].mean()',
        'table["rating"].mean()',
        "not of all rows and not of the test rows",
    ),
    ("9_capstone", 'train["rating"].mean()', "3.0", "should be 9 times"),
    (
        "9_capstone",
        '"baseline": of_baseline.mean()',
        '"baseline": np.sqrt(of_baseline.mean())',
        "it is 3.0 times as large, and should be 9 times",
    ),
    # Its form.
    ("9_capstone", '"deploy": ', '"decision": ', "looks for these names"),
    ("9_capstone", "of_model.mean()", "of_model", "one finite number"),
    ("9_capstone", "of_model.mean()", "None", 'The answer "model" is still None'),
    (
        "9_capstone",
        "bool(gain.mean() > 2 * error)",
        '"no"',
        "neither True nor False",
    ),
    # The columns.
    (
        "9_capstone",
        "model.predict(test[IDS])",
        "model.predict(test)",
        "found the answers there",
    ),
    # The standard error.
    (
        "9_capstone",
        """\
    table = log.drop_duplicates(IDS, keep="last")
    train, test = train_test_split(table, test_size=0.25, random_state=0)
""",
        """\
    pairs = log["user_id"] * 1000 + log["movie_id"]
    splitter = GroupShuffleSplit(1, test_size=0.25, random_state=0)
    known, new = next(splitter.split(log, groups=pairs))
    train, test = log.iloc[known], log.iloc[new]
""",
        "a rating that was clicked five times is one rating",
    ),
    ("9_capstone", " / np.sqrt(len(gain))", "", "you miss models that are better"),
    ("9_capstone", "np.sqrt(len(gain))", "len(gain)", "makes luck look like progress"),
    ("9_capstone", "len(gain)", "len(log)", "makes luck look like progress"),
    ("9_capstone", "gain.std()", "of_model.std()", "not that of one of the two"),
    (
        "9_capstone",
        "gain.std()",
        "np.sqrt(of_model.var() + of_baseline.var())",
        "of the difference, row by row",
    ),
    # The decision.
    ("9_capstone", "> 2 * error", "> 0", "smaller error, if only by luck"),
    ("9_capstone", "> 2 * error", "> 1.2 * error", "Luck alone gets there too often"),
    ("9_capstone", "> 2 * error", ">= 2 * error", "exactly as good as the baseline"),
    ("9_capstone", "gain.mean() > 2", "abs(gain.mean()) > 2", "the wrong direction"),
    ("9_capstone", "> 2 * error", "> 0.1", "only the standard error can"),
    ("9_capstone", "of_baseline - of_model", "of_model - of_baseline", "in 120 of 120"),
    # The model.
    ("9_capstone", "model.fit(", "model = make_model().fit(", "that you were given"),
    (
        "9_capstone",
        "make_pipeline(numbers, Ridge(alpha=3))",
        "Ridge()",
        "does not recommend your own model.* [(]An id is a label",
    ),
    (
        "9_capstone",
        'handle_unknown="ignore"',
        "",
        "stopped in line .* unknown categories.* that are new",
    ),
    (
        "9_capstone",
        "    return make_pipeline(numbers, Ridge(alpha=3))",
        "    make_pipeline(numbers, Ridge(alpha=3))",
        "`make_model` returned nothing",
    ),
]
#: What an attempt may need beyond its solution. Each line takes time in the fresh
#: processes of some checks, so it is added only where its name is used.
IMPORTS = {
    "COUNTER": "import itertools; COUNTER = itertools.count()",
    "joblib": "import joblib",
    "np": "import numpy as np",
    "DummyRegressor": "from sklearn.dummy import DummyRegressor",
    "f1_score": "from sklearn.metrics import f1_score",
    "roc_auc_score": "from sklearn.metrics import roc_auc_score",
    "HistGradientBoostingRegressor": (
        "from sklearn.ensemble import HistGradientBoostingRegressor"
    ),
}
IMPORTS |= {
    name: f"from sklearn.model_selection import {name}"
    for name in [
        "GroupKFold",
        "GroupShuffleSplit",
        "KFold",
        "LeaveOneGroupOut",
        "ShuffleSplit",
        "train_test_split",
    ]
}
