# %% [markdown]
# # 0 First: has the model learned anything?
#
# **You know**: Python, and what a table is. **You will see**: what all other chapters
# build on. A model learns from some rows, predicts others, and is compared with the
# mean. **Minutes**: 15.
#
# Words: a *feature* is a column that a model reads. The *target* is the column that it
# predicts. A *model* learns with `fit` and answers with `predict`; a *regressor* is a
# model that answers with numbers. `docs/words.md` explains the words of all chapters.
#
# How many stars will a user give to a movie? Here are 50,000 ratings of 1 to 5 stars.

# %%
# The models and tools are scikit-learn's. `MovieRecommendationDataset`, which makes the
# table, and `drawing.py`, which makes the pictures, belong to this course.
import drawing
from sklearn.dummy import DummyRegressor
from sklearn.linear_model import Ridge
from sklearn.metrics import root_mean_squared_error
from sklearn.model_selection import KFold, cross_val_score, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder
from sklearn.tree import DecisionTreeRegressor

from lesson_code import LAW, MovieRecommendationDataset
from recommender.synthetic import GENRES

dataset = MovieRecommendationDataset(n_ratings=50_000)
table = dataset.generate()
print("The first five ratings")
print(table[["user_id", "movie_id", "title", "rating"]].head().to_string(index=False))

# %% [markdown]
# Nobody has seen these movies. A formula made the users, the movies and the ratings. We
# call it *the law*; other books say *data-generating process*. So we know what can be
# learned from this table, and what is only luck. With real ratings, nobody knows that.
#
# ## The law
# What a user thinks of a movie, the *opinion*, is a sum of four parts:
#
#     opinion = mean + user + movie + taste
#     rating  = the half star nearest to opinion + noise, from 1 to 5
#
# The mean is the same for all. `user` says how generous or strict the user is, and
# `movie` how good the movie is for everybody. The *taste* is how much this user loves
# each genre, times how much of the genre is in this movie, added up. Then the mean of
# all these sums is taken off, so that the taste is 0 on average. The *noise* is chance,
# such as the mood of the day. Some users have more of it than others.
#
# Here is the fourth rating above, worked through with the numbers of the law. First
# the taste, genre by genre.

# %%
law = dataset.law_
row = table.loc[3]  # the fourth row
user = row["user_id"] - 1  # ids count from 1, the arrays of the law from 0
movie = row["movie_id"] - 1

print(f"\nThe taste of user {row['user_id']} for {row['title']}")
print("genre       love  in the movie  product")
taste = -law["mean_taste"]
for genre, love, amount in zip(GENRES, law["T"][user], law["G"][movie]):
    taste += love * amount
    print(f"{genre:10}{love:6.2f}{amount:14.2f}{love * amount:9.2f}")
print(f"All products, minus the mean of all rows: the taste is {taste:.2f}")

# %% [markdown]
# Below 0 means less than usual. The movie is above all a comedy, which the user likes a
# little, but it also has something of a thriller, which the user does not like at all.
# Now all parts together.

# %%
user_part = law["user"][user]
movie_part = law["movie"][movie]
opinion = LAW["mean"] + user_part + movie_part + taste
print("\nThe parts of the opinion, in stars")
print(f"mean    {LAW['mean']:.2f}")
print(f"user    {user_part:.2f}")
print(f"movie   {movie_part:.2f}")
print(f"taste   {taste:.2f}")
print(f"opinion {opinion:.2f}, and the rating was {row['rating']}")

# %% [markdown]
# This user is strict, so the opinion is far below the mean. The difference to the
# rating is noise and rounding.
#
# A perfect predictor knows the opinion, but not the noise. The error that even it makes
# is called the *noise floor*; other books say *irreducible error* or *Bayes error*.
#
# ## Hide some rows
# The target is `rating`. Our features are the two ids: who rates, and which movie. The
# usual names are `y` for the target and `X` for the features.
#
# If a model has seen an answer, it can repeat it. That is no prediction. So we hide a
# fifth of the rows, the *test rows*. The model learns from the others, the *training
# rows*.

# %%
X = table[["user_id", "movie_id"]]
y = table["rating"]
X_train, X_test, y_train, y_test = train_test_split(
    X, y, test_size=0.2, random_state=42
)
print(f"\n{len(X_train)} training rows, {len(X_test)} test rows")

# %% [markdown]
# ## Three models
# - `DummyRegressor` always answers the mean of the training ratings. It is the
#   *baseline*: a model that is not better has learned nothing.
# - `DecisionTreeRegressor` asks one question after the other, such as "is the movie id
#   above 250?", until it knows the answer of every training row.
# - `Ridge` learns a number (a *weight*) for each user and one for each movie, and adds
#   them. An id is a name, not a quantity: user 20 is not twice user 10. So
#   `OneHotEncoder` first makes a column for each user and each movie. It holds 1 in
#   their rows, and 0 in all others. `make_pipeline` joins the two steps to one model.
#
# A weight that is learned from few ratings may be far off. So a ridge has a *penalty*:
# it keeps each weight near 0, unless many ratings speak against that. `alpha=3` says
# how strong the penalty is; the next chapter shows how to choose it. With
# `handle_unknown="ignore"`, an id that is new in the test rows adds nothing.
#
# The *RMSE* is the square root of the mean squared error. You can read it as the
# typical error, in stars.
#
# **Guess first:** which model has the smallest error on the test rows?
#
# - the mean
# - the tree
# - the ridge

# %%
models = {
    "mean": DummyRegressor(),
    "tree": DecisionTreeRegressor(random_state=0),
    "ridge": make_pipeline(OneHotEncoder(handle_unknown="ignore"), Ridge(alpha=3)),
}
errors = {}
print("\nRMSE in stars")
for name, model in models.items():
    model.fit(X_train, y_train)
    on_training = root_mean_squared_error(y_train, model.predict(X_train))
    on_test = root_mean_squared_error(y_test, model.predict(X_test))
    errors[name] = (on_training, on_test)
    print(f"{name:5}  training rows {on_training:.3f}, test rows {on_test:.3f}")

# %% [markdown]
# **The ridge.** On the training rows, the tree makes no error at all: it knows them by
# heart. But on the test rows it is worse than the mean. An error on training rows says
# how well a model remembers; only an error on other rows says how well it predicts.

# %%
title = "The tree knows its training rows, and is worst on new ones"
figure, axes = drawing.new_picture(title, height=3.2)
if figure is not None:  # without matplotlib it is None, and nothing is drawn
    for place, (on_training, on_test) in enumerate(errors.values()):
        axes.plot([on_training, on_test], [place, place], color="#CFCFCF")
        axes.plot(on_training, place, "o", color=drawing.GREY, markersize=14)
        axes.plot(on_test, place, "o", color=drawing.BLUE, markersize=8)
    axes.text(0, 0.75, "training rows", color="#6A6A6A")
    axes.text(1.32, 0.75, "test rows", ha="right", color=drawing.BLUE)
    axes.set(yticks=[0, 1, 2], yticklabels=errors, ylim=(2.5, -0.5))
    axes.set(xlabel="RMSE in stars", xlim=(-0.05, 1.4))
    drawing.save_picture(figure, "0_first.svg")

# %% [markdown]
# ## What it has learned
# The weights of the ridge can be read. Here are five of the test rows, and what their
# predictions are made of: where all predictions start, what the user adds, and what the
# movie adds.

# %%
encoder, ridge = models["ridge"]
weights = dict(zip(encoder.get_feature_names_out(), ridge.coef_))
start = ridge.intercept_
print("\nstart + user + movie = prediction, in stars, and the rating")
for number, row in X_test.head().iterrows():
    of_user = weights[f"user_id_{row['user_id']}"]
    of_movie = weights[f"movie_id_{row['movie_id']}"]
    prediction = start + of_user + of_movie
    print(
        f"{start:.2f} {of_user:+.2f} {of_movie:+.2f} = {prediction:.2f}, "
        f"rated {y_test[number]}: {table.loc[number, 'title']}"
    )

# %% [markdown]
# Every prediction starts at 2.89 stars. Look at the last row: many like this movie, so
# 0.43 stars are added; this user is strict, so 0.77 are taken away. The prediction is
# 2.55, but the user gave 4.5. The two numbers know neither the taste nor the noise.
#
# ## Was it luck?
# Another split gives another error. *Cross-validation* tries several. It cuts all rows
# into parts, called *folds*. Each fold is the test part once, and the model learns from
# the others. scikit-learn's scores are better when they are greater, so its score here
# is minus the RMSE.
#
# **Guess first:** above, the ridge was better than the mean. In how many of five folds
# will it be better?
#
# - in about half of them
# - in most of them
# - in all five

# %%
folds = KFold(5, shuffle=True, random_state=0)
print("\nRMSE in stars, in five folds")
for name in ("mean", "ridge"):
    scores = cross_val_score(
        models[name], X, y, cv=folds, scoring="neg_root_mean_squared_error"
    )
    print(f"{name:5} {-scores.round(3)}, mean {-scores.mean():.3f}")
print(f"The smallest error that can be expected: {dataset.best_rmse():.3f}")

# %% [markdown]
# **In all five.** Some folds are easier than others, but only by hundredths of a star.
# In each of them, the ridge is better by two tenths. That is no luck: it has learned
# something.
#
# How good can a model be? The last line shows the noise floor. `pillars/4_taste.py`
# shows models that come nearer to it, because they learn who likes what: the taste.
#
# ## The trap
# All this holds only if no answer of a test row reaches the model. It can happen in one
# line, without an error message. This is called a *leak*. The exercise has a small one;
# `pillars/3_model_selection.py` shows a leak that seems to beat the noise floor.
#
# **Try it:** give the tree `max_depth=5`, so that it asks at most five questions. What
# becomes of its two errors?
#
# <!-- play: tree -->
#
# **Remember:** learn from some rows, predict others, and compare with the mean.
#
# Go on in scikit-learn's user guide:
# [Getting started](https://scikit-learn.org/stable/getting_started.html). The next
# chapter, `pillars/0_job.py`, has the usual program for a real table with gaps.
#
# Exercise: `exercises/0_first.py`.
