"""Exercise of chapter 8, deploy (10 minutes): does a user keep the same model?

In an A/B test, some users get model A and others model B. A new model B starts with few
users: `share_b` is 0.001 at first, and grows while all goes well. `arm_of` is called at
every visit, by several servers that do not communicate. It tosses a coin each time, so
a user who comes back may get the other model.

Task: give a user the same model at every visit and on every server. When the share
    grows, whoever has B keeps it. Another experiment assigns the users anew.
Hint: `gets_b` in pillars/8_deploy.py gives B to half of the users. How many different
    values can its number have, and which shares can be made of them?
Check: python -m pytest exercises -k 8_deploy
"""

import random


def arm_of(user, experiment, share_b):
    """Return the arm of a user, "A" or "B"; B gets the share `share_b` of all users.

    `user` and `experiment` are strings, and `share_b` is a number from 0 to 1.
    """
    number = random.random()  # TODO: what should this number depend on?
    return "B" if number < share_b else "A"
