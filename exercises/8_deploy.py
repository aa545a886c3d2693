"""Exercise of chapter 8, deploy (5 minutes): does a user keep the same model?

In an A/B test, half of the users get model A, and half get model B. `arm_of` is called
at every visit, by several servers that do not communicate. It tosses a coin
each time, so a user who comes back may get the other model.

Task: give a user the same model at every visit and on every server. Another experiment
    must assign the users anew.
Hint: `hashlib.sha256(text.encode()).digest()` returns 32 bytes, numbers from 0 to 255
    that look random but depend only on the text.
Check: python -m pytest exercises -k 8_deploy
"""

import random


def arm_of(user, experiment):
    """Return the arm of a user, "A" or "B"; each gets about half of the users.

    Both arguments are strings.
    """
    number = random.random()  # TODO: a number that depends on the user
    return "A" if number < 0.5 else "B"
