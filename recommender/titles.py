"""Titles for made-up movies, by a rule: no random number is drawn.

The k-th movie of a genre gets the k-th pair of an adjective and a noun of that genre,
for example "The Silent Harbour (1994)". When a genre has used up its pairs, sequels
follow: "The Silent Harbour II (2003)".
"""

ADJECTIVES = """
    Silent Golden Last Hidden Broken Distant Crooked Burning Scarlet Forgotten Restless
    Velvet Seventh Hollow Wandering Frozen Secret Northern Borrowed Paper Electric
    Midnight Gentle Stolen Bitter Painted Lonely Iron Careless Emerald Quiet Savage
    Faithful Sunken Glass Reckless Pale Unlikely Endless Copper Drifting Invisible
    Second Proud Winter Honest Vanishing Crimson Clever Sleeping Brave Amber Wicked
    Perfect Southern Missing Tender Thirteenth Wooden
"""
#: What a genre is about. Each has 12 nouns, and 12 and the number of adjectives, 59,
#: have no common divisor: the k-th pair takes adjective k modulo 59 and noun k modulo
#: 12, so that the first 59 * 12 = 708 pairs all differ.
NOUNS = {
    "Action": "Pursuit Bullet Squad Getaway Showdown Convoy Bounty Strike Outlaw "
    "Gauntlet Renegade Fortress",
    "Adventure": "Island Compass Voyage Expedition Treasure Summit Caravan River "
    "Explorer Jungle Horizon Map",
    "Comedy": "Wedding Neighbour Bachelor Landlord Holiday Butler Umbrella Honeymoon "
    "Cousin Parrot Dentist Picnic",
    "Drama": "Harbour Promise Orchard Daughter Letter Season Teacher Bridge Verdict "
    "Farewell Lighthouse Inheritance",
    "Horror": "Cellar Scream Coffin Mask Graveyard Attic Shadow Doll Asylum Crypt "
    "Whisper Scarecrow",
    "Romance": "Waltz Kiss Garden Rose Serenade Heart Balcony Vow Melody Embrace "
    "Valentine Lover",
    "Sci-Fi": "Planet Android Signal Galaxy Orbit Machine Colony Comet Starship Clone "
    "Paradox Satellite",
    "Thriller": "Witness Alibi Stranger Motive Conspiracy Informer Hostage Ransom "
    "Accomplice Suspect Double Trap",
}
#: The parts of Roman numerals, with their values, from the largest.
ROMAN = dict(
    zip(
        ["M", "CM", "D", "CD", "C", "XC", "L", "XL", "X", "IX", "V", "IV", "I"],
        [1000, 900, 500, 400, 100, 90, 50, 40, 10, 9, 5, 4, 1],
    )
)


def make_titles(genres, years):
    """Return a title for each movie; all are different.

    Parameters
    ----------
    genres : iterable of str
        The genres of each movie, joined by bars; the first one counts.
    years : iterable of int

    Returns
    -------
    titles : list of str
    """
    adjectives = ADJECTIVES.split()
    nouns_of = {genre: nouns.split() for genre, nouns in NOUNS.items()}
    # Each genre begins elsewhere among the adjectives: else the first movies of all
    # genres would share theirs.
    first_adjective = {genre: 7 * place for place, genre in enumerate(NOUNS)}
    n_titles = dict.fromkeys(NOUNS, 0)
    titles = []
    for movie_genres, year in zip(genres, years):
        genre = movie_genres.partition("|")[0]
        k = n_titles[genre]
        n_titles[genre] += 1

        nouns = nouns_of[genre]
        adjective = adjectives[(first_adjective[genre] + k) % len(adjectives)]
        name = f"The {adjective} {nouns[k % len(nouns)]}"
        part = 1 + k // (len(adjectives) * len(nouns))
        if part > 1:
            name += f" {roman(part)}"
        titles.append(f"{name} ({year})")
    return titles


def roman(number):
    """Return a number from 1 on as a Roman numeral, such as "IV" for 4."""
    numeral = ""
    for letters, value in ROMAN.items():
        count, number = divmod(number, value)
        numeral += count * letters
    return numeral
