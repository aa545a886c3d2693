"""Solution of exercise 8, deploy: does a user keep the same model?

The number depends on nothing but the two names, so nothing has to be stored. The share
is not in it: a larger share takes in more users, and sends nobody back.
"""

import hashlib


def arm_of(user, experiment, share_b):
    """Return the arm of a user, "A" or "B"; B gets the share `share_b` of all users.

    `user` and `experiment` are strings, and `share_b` is a number from 0 to 1.
    """
    digest = hashlib.sha256(f"{experiment}:{user}".encode()).digest()
    number = int.from_bytes(digest[:4], "big") / 2**32  # from 0 to just below 1
    return "B" if number < share_b else "A"
