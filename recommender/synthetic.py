"""How the users, the movies and the pairs of a made-up table are drawn.

`MovieRecommendationDataset` in `lesson_code.py` says what a rating is; these functions
say who rates what, and when. Each draws from a `numpy.random.RandomState`, whose
numbers are the same with every version of NumPy: a seed gives the same table
everywhere.
"""

from typing import NamedTuple

import numpy as np
import pandas as pd
from sklearn.utils import gen_batches

from .ids import positions_of
from .table import number_column, table_ids
from .titles import make_titles

GENRES = [
    "Action",
    "Adventure",
    "Comedy",
    "Drama",
    "Horror",
    "Romance",
    "Sci-Fi",
    "Thriller",
]
COUNTRIES = ["US", "GB", "IN", "DE", "BR", "FR", "JP", "CA"]

#: Rows that are worked on at a time: so many fit into a processor's cache.
ROWS_AT_ONCE = 2**14
MONDAY = 1_641_168_000  # 2022-01-03, 00:00 UTC, in Unix seconds
HOUR = 3600
DAY = 24 * HOUR
N_WEEKS = 104  # from the first rating to the last


class Movies(NamedTuple):
    """The attributes drawn for each movie; arrays whose first axis is n_movies."""

    genre: np.ndarray  # strings; two genres are joined by a bar
    year: np.ndarray
    popularity: np.ndarray  # how often it is chosen, relative to the others
    genre_mix: np.ndarray  # (n_movies, n_genres): how much of each genre is in it
    title: pd.Categorical  # by a rule, not by chance; no two are the same


class Users(NamedTuple):
    """The attributes drawn for each user; arrays whose first axis is n_users."""

    age: np.ndarray
    country: np.ndarray
    activity: np.ndarray  # how often the user rates, relative to the others
    tastes: np.ndarray  # (n_users, n_genres): how much the user loves each genre


def draw_movies(rng, n_movies):
    """Draw movies with one genre or two; most are young, and a few are popular.

    Parameters
    ----------
    rng : RandomState
    n_movies : int

    Returns
    -------
    movies : Movies
    """
    genre_pair = rng.randint(len(GENRES), size=(n_movies, 2), dtype=np.int64)
    first = genre_pair[:, 0]
    has_two = rng.random_sample(n_movies) < 0.4
    second = np.where(has_two, genre_pair[:, 1], first)
    names = ["|".join(sorted({GENRES[a], GENRES[b]})) for a, b in zip(first, second)]

    genre_mix = 0.3 * rng.standard_normal((n_movies, len(GENRES)))  # no two are alike
    movie = np.arange(n_movies)
    genre_mix[movie, first] += 0.5
    genre_mix[movie, second] += 0.5

    age = np.minimum(10 * rng.standard_gamma(1.5, n_movies), 70).astype(np.int64)
    # Zipf's law, made flatter at the top by the 10.
    popularity = 1 / (10 + rng.permutation(np.arange(n_movies, dtype="int64")))
    year = 2021 - age
    # Categorical, as from `load_movielens`: a table repeats each title many times.
    title = pd.Categorical(make_titles(names, year.tolist()))
    return Movies(np.array(names, dtype=object), year, popularity, genre_mix, title)


def draw_users(rng, n_users):
    """Draw users; some rate far more than others, and some countries have more users.

    Parameters
    ----------
    rng : RandomState
    n_users : int

    Returns
    -------
    users : Users
    """
    age = np.clip(np.round(rng.normal(35, 12, n_users)), 16, 80).astype(np.int64)
    share = 0.6 ** np.arange(len(COUNTRIES))
    names = np.array(COUNTRIES, dtype=object)
    country = rng.choice(names, n_users, p=share / share.sum())
    activity = np.exp(0.7 * rng.standard_normal(n_users))
    tastes = rng.standard_normal((n_users, len(GENRES)))
    return Users(age, country, activity, tastes)


def draw_pairs(rng, n_ratings, users, movies):
    """Draw who rates what: every user at least once, if there are enough ratings.

    Parameters
    ----------
    rng : RandomState
    n_ratings : int
    users : Users
    movies : Movies

    Returns
    -------
    user, movie : ndarray of shape (n_ratings,), int64
        Positions from 0, in random order; no pair appears twice.
    """
    n_users = len(users.activity)
    n_movies = len(movies.popularity)
    shares = np.cumsum(users.activity / users.activity.sum())
    shares /= shares[-1]

    user = rng.permutation(np.arange(n_users, dtype=np.int64))[:n_ratings]
    pairs = user * n_movies + _choose_movies(rng, user, users.tastes, movies)
    for _ in range(20):
        n_lacking = n_ratings - pairs.size
        if n_lacking == 0:
            break
        chance = rng.random_sample(n_lacking + n_lacking // 2)
        user = _places(shares, chance)
        more = user * n_movies + _choose_movies(rng, user, users.tastes, movies)
        pairs = pd.unique(np.append(pairs, more))[:n_ratings]

    if pairs.size < n_ratings:
        # The table is nearly full: take pairs that nobody has chosen.
        all_pairs = np.arange(n_users * n_movies, dtype=np.int64)
        unseen = np.setdiff1d(all_pairs, pairs)
        pairs = np.append(pairs, rng.permutation(unseen)[: n_ratings - pairs.size])
    return np.divmod(rng.permutation(np.sort(pairs)), n_movies)


def _choose_movies(rng, user, tastes, movies):
    """Choose a movie for each of `user`: a genre that the user loves, then a movie.

    Imagine a shelf for each genre, on which a movie takes as much room as it is
    popular. A user picks a shelf by its length and by taste, and then a place on it.
    """
    main_genre = movies.genre_mix.argmax(axis=1)
    shelf = np.argsort(main_genre, kind="stable")
    ends = np.append(0.0, np.cumsum(movies.popularity[shelf]))  # (n_movies + 1,)
    first_of_genre = np.searchsorted(main_genre[shelf], np.arange(len(GENRES) + 1))
    genre_ends = ends[first_of_genre]  # (n_genres + 1,)
    lengths = np.diff(genre_ends) * np.exp(0.5 * tastes)  # (n_users, n_genres)
    shelf_ends = np.cumsum(lengths, axis=1)

    genre_draw = rng.random_sample(user.size)
    place_draw = rng.random_sample(user.size)
    chosen = np.empty_like(user)
    for rows in gen_batches(user.size, ROWS_AT_ONCE):
        edges = shelf_ends[user[rows]]  # (n_rows, n_genres)
        target = genre_draw[rows] * edges[:, -1]
        genre = np.zeros(target.size, dtype=np.int64)
        for edge in edges.T:
            genre += edge <= target
        start = genre_ends[genre]
        place = start + place_draw[rows] * (genre_ends[genre + 1] - start)
        position = _places(ends, place) - 1
        chosen[rows] = shelf[np.minimum(position, len(shelf) - 1)]
    return chosen


def _places(edges, values):
    """Return ``np.searchsorted(edges, values, side="right")``.

    Searching for values in order is several times faster: each is found near the last.
    """
    places = np.empty(values.size, dtype=np.int64)
    for rows in gen_batches(values.size, ROWS_AT_ONCE):
        order = np.argsort(values[rows])
        in_order = values[rows][order]
        part = places[rows]  # a view: what is written to it is in `places`
        part[order] = np.searchsorted(edges, in_order, side="right")
    return places


def draw_law(rng, sizes, user, movie, users, movies):
    """Draw what decides the ratings, in stars, with the standard deviations in `sizes`.

    The standard deviations are those over the rows of the table, where a busy user and
    a popular movie count more often.

    Parameters
    ----------
    rng : RandomState
    sizes : dict
        `LAW` in `lesson_code.py`.
    user, movie : ndarray of shape (n_ratings,)
        The positions of each row's user and movie.
    users : Users
    movies : Movies

    Returns
    -------
    law : dict of ndarray
        "user", "movie": how much above the mean a user rates, a movie is rated;
        "T", "G" (n_users or n_movies, n_genres) and "mean_taste": the taste of a user
        for a movie is T . G - mean_taste; "sigma": the standard deviation of each
        user's noise. Over the rows, its root mean square is `noise`; its logarithm has
        the standard deviation `noise_spread` over the users.
    """
    n_users = len(users.activity)
    n_movies = len(movies.popularity)
    ratings_of_user = np.bincount(user, minlength=n_users)
    ratings_of_movie = np.bincount(movie, minlength=n_movies)

    quality = rng.standard_normal(n_movies) + 0.3 * np.log(movies.popularity)
    carelessness = np.exp(sizes["noise_spread"] * rng.standard_normal(n_users))
    mean_square = np.average(carelessness**2, weights=ratings_of_user)
    taste = row_products(users.tastes, movies.genre_mix, user, movie)
    spread = taste.std()
    scale = sizes["taste"] / spread if spread > 1e-12 else 0.0
    generosity = _standardise(rng.standard_normal(n_users), ratings_of_user)
    return {
        "user": sizes["user"] * generosity,
        "movie": sizes["movie"] * _standardise(quality, ratings_of_movie),
        "T": users.tastes * scale,
        "G": movies.genre_mix,
        "mean_taste": taste.mean() * scale,
        "sigma": sizes["noise"] * carelessness / np.sqrt(mean_square),
    }


def draw_drift(rng, law):
    """Draw the tastes D that the tastes T of a law turn to; they are of the same size.

    With a drift, the tastes T[u] of the law are replaced by ::

        T[u, time] = cos(a) T[u] + sin(a) D[u],   a = drift * (pi / 2) * (s - 1/2)

    where s, from 0 to 1, is the share of the two years that has passed. T are the
    tastes in the middle (`draw_pairs` lets them decide who watches what). Tastes keep
    their size. With a drift of 1, they make a quarter turn from the first day to the
    last: these two are not correlated.

    Parameters
    ----------
    rng : RandomState
    law : dict
        From `draw_law`.

    Returns
    -------
    D : ndarray of shape (n_users, n_genres)
    """
    size = np.sqrt(np.mean(law["T"] ** 2))
    return size * rng.standard_normal(law["T"].shape)


def drift_angle(drift, timestamp):
    """Return the angle by which tastes have turned at a time.

    Parameters
    ----------
    drift : float
        How many quarter turns there are from the first day to the last.
    timestamp : number or ndarray
        Unix seconds.

    Returns
    -------
    angle : float or ndarray
        In radians; 0 in the middle of the table's time.
    """
    share_of_time = (timestamp - MONDAY) / (N_WEEKS * 7 * DAY)
    return drift * np.pi / 2 * (share_of_time - 0.5)


def turn_tastes(law, taste, user, movie, timestamp):
    """Return the tastes at a time, where those in the middle are known.

    They are (cos(a) T + sin(a) D) . G = cos(a) (T . G) + sin(a) (D . G).

    Parameters
    ----------
    law : dict
        With the "drift", and its tastes "D".
    taste : ndarray of shape (n_rows,), in stars
        T . G of each row.
    user, movie : ndarray of shape (n_rows,), integers from 0
    timestamp : ndarray of shape (n_rows,)
        Unix seconds.

    Returns
    -------
    taste : ndarray of shape (n_rows,), in stars
    """
    angle = drift_angle(law["drift"], timestamp)
    other_taste = row_products(law["D"], law["G"], user, movie)
    return np.cos(angle) * taste + np.sin(angle) * other_taste


def check_rows(rows, law):
    """Return users, movies and times of rows, if the dataset of a law has them.

    Parameters
    ----------
    rows : DataFrame with `user_id` and `movie_id`
        With a drift, also with `timestamp`.
    law : dict

    Returns
    -------
    user, movie : ndarray of shape (n_rows,), integers from 0
        Their positions.
    timestamp : ndarray of shape (n_rows,)
        Unix seconds, NaN where they are missing.

    Raises
    ------
    ValueError
        If `rows` holds a user or movie that is not in the dataset, or lacks a
        timestamp while tastes drift.
    """
    n_users = len(law["user"])
    n_movies = len(law["movie"])
    user_ids, movie_ids = table_ids(rows)
    user = positions_of(np.arange(1, n_users + 1), user_ids, "user_id")
    movie = positions_of(np.arange(1, n_movies + 1), movie_ids, "movie_id")
    if (user < 0).any() or (movie < 0).any():
        raise ValueError(
            f"rows must be of users 1 to {n_users} and movies 1 to {n_movies}."
        )
    timestamp = number_column(rows, "timestamp")
    if law["drift"] > 0 and np.isnan(timestamp).any():
        raise ValueError(
            "rows must have a timestamp each, because tastes change with time "
            f"(drift={law['drift']})."
        )
    return user, movie, timestamp


def _standardise(values, weights):
    """Return values with mean 0 and standard deviation 1 (0 if all are alike)."""
    centred = values - np.average(values, weights=weights)
    spread = np.sqrt(np.average(centred**2, weights=weights))
    if spread <= 1e-12:
        return np.zeros_like(centred)
    return centred / spread


def row_products(left, right, left_row, right_row):
    """Return the product left[i] . right[j] for each pair of rows i, j.

    Parameters
    ----------
    left, right : ndarray of shape (n, n_columns) and (m, n_columns)
    left_row, right_row : ndarray of shape (n_pairs,), integers

    Returns
    -------
    products : ndarray of shape (n_pairs,)
    """
    products = np.zeros(left_row.size)
    for rows in gen_batches(left_row.size, ROWS_AT_ONCE):
        # For each row r, the sum over all columns g of left[r, g] * right[r, g].
        products[rows] = np.einsum(
            "rg,rg->r", left[left_row[rows]], right[right_row[rows]]
        )
    return products


def draw_timestamps(rng, user, n_users):
    """Draw when each rating is given, in the `N_WEEKS` from `MONDAY`.

    Every user has a favourite hour, and a share of ratings that fall on weekends.

    Parameters
    ----------
    rng : RandomState
    user : ndarray of shape (n_ratings,)
        The position of each row's user.
    n_users : int

    Returns
    -------
    timestamp : ndarray of shape (n_ratings,), int64
        Unix seconds, UTC.
    """
    size = user.size
    favourite_hour = rng.normal(20, 3, n_users)
    weekend_share = rng.uniform(0.2, 0.6, n_users)
    is_weekend = rng.random_sample(size) < weekend_share[user]
    day_of_weekend = 5 + rng.randint(2, size=size, dtype=np.int64)
    working_day = rng.randint(5, size=size, dtype=np.int64)
    weekday = np.where(is_weekend, day_of_weekend, working_day)

    hour = (favourite_hour[user] + 2 * rng.standard_normal(size)) % 24
    week = rng.randint(N_WEEKS, size=size, dtype=np.int64)
    second = np.minimum(hour * HOUR, DAY - 1).astype(np.int64)
    return MONDAY + (7 * week + weekday) * DAY + second
