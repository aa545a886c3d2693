# Short names for the commands of this project. `make` alone lists them.

PYTHON ?= python

.PHONY: help lesson test exercises pictures figures site notebooks bench generator

help: ## list these commands
	@awk -F ':.*## ' '/^[a-z]+:.*## /{printf "  make %-10s %s\n", $$1, $$2}' Makefile

lesson: ## run the lesson from data to saved model
	$(PYTHON) lesson_code.py

test: ## run the ten checks and all other tests
	$(PYTHON) -m pytest

exercises: ## check what you have solved of the exercises
	$(PYTHON) -m pytest exercises

pictures: ## draw the pictures of the documentation again (needs matplotlib)
	$(PYTHON) tools/pictures.py

figures: ## write the printed outputs in the documentation again (an hour)
	$(PYTHON) tools/figures.py

site: ## build the site, build/site/html/index.html (pip install -r docs/requirements.txt)
	$(PYTHON) -m sphinx -c docs -d build/site/doctrees -W --keep-going . build/site/html

notebooks: ## write the chapters as notebooks beside them (needs jupytext)
	$(PYTHON) -m jupytext --to ipynb pillars/[0-9]_*.py pillars/appendix_*.py

bench: ## measure time, memory and error of the lesson (needs psutil)
	$(PYTHON) benchmarks/lesson.py

generator: ## write generate_lesson_files.sh again, after a change of the lesson
	$(PYTHON) tools/build_generator.py
