"""What the lesson stands on: one job a file, each readable alone.

`lesson_code.py` tells the story; these files hold the machinery that it names:

* `checks`: checks of single parameters, and how messages show a value
* `ids`: ids of users and movies, numbers or strings, and their positions
* `strings`: columns of strings as numbers, and the titles of movies
* `table`: the columns of a table of ratings, and what may be in them
* `names`: other names that people give to these columns
* `synthetic`: how the users, movies and pairs of a made-up table are drawn
* `matrix`: ratings as a sparse matrix, and what the movies are
* `steps`: small parts of the pipelines
* `pipeline`, `wrapper`: how the two pipeline classes are fitted, sliced and copied
* `forest`: a random forest that answers quickly
* `factors`: `MatrixFactorization`, which predicts ratings
* `ranking`: `MovieRanker`, which recommends, and the metrics of recommendations
* `solutions`: the three ways in which it solves its regression
* `top_n`: what all rankers share; ranking by popularity and by chance
* `recommend`: recommendations for one user, known or new
* `movielens`: `load_movielens`, which reads the releases of GroupLens
* `release`: one file of a release, read quickly, or its first broken line
* `artifact`, `card`: saving and loading, with a digest and a model card
* `files`: names of files, and files that are written whole or not at all
* `locks`: a lock that outlives a fork
* `start`, `console`, `options`, `commands`: the command line
* `report`: what the demo prints
* `warn`: a warning that points to the line of whoever uses the lesson

Import the published names from `lesson_code`. Nothing here imports `lesson_code`, and
this file imports nothing, so that a command line can start before NumPy is loaded.
"""
