# Every target sets up .venv by itself. PYTHON=python3.12 chooses the Python it is made with.
.DEFAULT_GOAL := help
.PHONY: help book test check notebooks lab bench repository clean
.NOTPARALLEL:

VENV := .venv/bin/python
JOBS ?= 2

.venv/complete: requirements.txt pyproject.toml tools/setup.sh
	@sh tools/setup.sh

help:  ## Say what there is to make
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' Makefile | expand -t 14

book: .venv/complete  ## Validate the notebooks, build the site into _build/html and test it
	$(VENV) -m pytest -q tests/test_notebooks.py
	$(VENV) -m tools.validate --missing --jobs $(JOBS)
	rm -rf _build
	.venv/bin/jupyter-book build . -n -W --keep-going
	$(VENV) -m tools.finish_site _build/html
	$(VENV) -m pytest -q tests/test_site.py
	@echo "The book: $(CURDIR)/_build/html/index.html"

test: check  ## Lint, type-check, run the unit tests and guards, validate every notebook
	$(VENV) -m tools.validate --jobs $(JOBS)

check: .venv/complete  ## All of `test` but the notebooks' validation
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy
	$(VENV) -m pytest -q -n $(JOBS) --dist loadfile --ignore tests/test_site.py

notebooks: .venv/complete  ## Execute the chapters whose source, code, results or pins changed
	$(VENV) -m tools.execute --jobs $(JOBS)

lab: .venv/complete  ## Open JupyterLab on the chapters
	.venv/bin/jupyter lab chapters

bench: .venv/complete  ## Measure everything in benchmarks/ again (hours)
	$(VENV) -m benchmarks

repository: .venv/complete  ## Write the repository's address: make repository URL=https://... REF=main
	$(VENV) -m tools.bootstrap $(if $(URL),--url "$(URL)") $(if $(REF),--ref "$(REF)")

clean:  ## Delete what was built, and .venv
	rm -rf _build .venv .nbval-passed.json .pytest_cache .mypy_cache .ruff_cache *.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
