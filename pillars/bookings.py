"""Bookings of a cinema, as a shop might export them.

`7_tickets.py` learns from them who will not come. A formula, the law, decides that, so
the true chance of each booking is known.
"""

import numpy as np
import pandas as pd

#: How dates are written in the table.
DATE = "%Y-%m-%d %H:%M"
#: How long bookings are made: one and a half years.
N_DAYS = 540
#: Where people live.
N_POSTCODES = 60


def make_bookings(n_bookings=12_000, seed=0):
    """Return bookings, and the chance of each that nobody comes.

    Parameters
    ----------
    n_bookings : int, default 12,000
        Of one and a half years.
    seed : int, default 0
        The same seed gives the same bookings.

    Returns
    -------
    bookings : DataFrame, a row for each booking, in the order of `booked_at`
        `booked_at`, `show_at` and `updated_at` are dates as text; `channel` is "web",
        "app" or "phone", some of them with a capital letter; `postcode` is a whole
        number; `seats` are booked together; `price` is that of one seat in euros, as
        text with a comma; `age` is in years, with gaps; `came` is "yes" or "no".
    chances : array of float
        The chance that `came` is "no", by the law.

    Notes
    -----
    The law is a logistic regression on the true facts. Free tickets that were booked
    long ahead are forgotten most, and young people miss the show at 21:00. Who gives
    no age has no account, and comes less often. Each postcode has an effect of its own.
    """
    rng = np.random.default_rng(seed)
    minutes = np.sort(rng.uniform(0, N_DAYS * 24 * 60, n_bookings)).round()
    booked_at = pd.Timestamp("2025-01-01") + pd.to_timedelta(minutes, unit="min")
    days = np.minimum(rng.exponential(6, n_bookings), 40)
    hour = rng.choice([15, 18, 21], n_bookings, p=[0.2, 0.4, 0.4])
    day_of_show = (booked_at + pd.to_timedelta(days, unit="D")).normalize()
    # The day after that, so that no show is before its booking.
    show_at = day_of_show + pd.to_timedelta(24 + hour, unit="h")
    days_ahead = (show_at - booked_at) / pd.Timedelta(days=1)

    channel = rng.choice(["web", "app", "phone"], n_bookings, p=[0.5, 0.35, 0.15])
    share_of_place = rng.dirichlet(np.full(N_POSTCODES, 1.5))
    place = rng.choice(N_POSTCODES, n_bookings, p=share_of_place)
    seats = 1 + rng.poisson(0.9, n_bookings)
    is_free = rng.random(n_bookings) < 0.2
    price = np.where(is_free, 0, rng.choice([7.5, 9.5, 12.0], n_bookings))
    age = np.clip(rng.normal(38, 15, n_bookings), 16, 85).round()
    share_with_account = pd.Series({"web": 0.7, "app": 0.95, "phone": 0.4})
    has_account = rng.random(n_bookings) < share_with_account[channel].to_numpy()

    logit = -3.2 + rng.normal(0, 0.5, N_POSTCODES)[place]
    logit += np.where(is_free, 1.1, 0.1) * np.log(days_ahead)
    logit += 1.6 * ((hour == 21) & (age < 28))
    logit += 0.8 * ~has_account
    logit -= 0.35 * (seats > 1)
    chances = 1 / (1 + np.exp(-logit))
    came = rng.random(n_bookings) >= chances

    # A row is written again when the ticket is scanned at the door.
    scanned_at = show_at - pd.to_timedelta(rng.integers(1, 26, n_bookings), unit="min")
    updated_at = booked_at.where(~came, scanned_at)
    has_capital = rng.random(n_bookings) < 0.1
    bookings = pd.DataFrame(
        {
            "booked_at": booked_at.strftime(DATE),
            "show_at": show_at.strftime(DATE),
            "channel": np.where(has_capital, np.char.capitalize(channel), channel),
            "postcode": 10_000 + 37 * place,
            "seats": seats,
            "price": [f"{euros:.2f}".replace(".", ",") for euros in price],
            "age": np.where(has_account, age, np.nan),
            "updated_at": updated_at.strftime(DATE),
            "came": np.where(came, "yes", "no"),
        }
    )
    return bookings, np.asarray(chances)
