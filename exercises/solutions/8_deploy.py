"""Solution of exercise 8, deploy: does a user keep the same model?

The hash depends on nothing but the two names, so nothing has to be stored.
"""

import hashlib


def arm_of(user, experiment):
    """Return the arm of a user, "A" or "B"; each gets about half of the users.

    Both arguments are strings.
    """
    digest = hashlib.sha256(f"{experiment}:{user}".encode()).digest()
    number = digest[0] / 256  # from 0 to 1
    return "A" if number < 0.5 else "B"
