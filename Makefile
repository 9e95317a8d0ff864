# Another name for `python -m tools`, which works where there is no make too.
# PYTHON=python3.12 chooses the Python that .venv is made with, JOBS=4 how many
# tests or chapters run at once.
PYTHON ?= python3
JOBS ?= 2
TOOLS := $(PYTHON) -m tools

.DEFAULT_GOAL := help
.PHONY: setup book test check notebooks lab bench repository clean help

setup book test check notebooks lab bench clean help:
	@$(TOOLS) $@ --jobs $(JOBS)

# make repository URL=https://github.com/you/unrolled REF=main
repository:
	@$(TOOLS) $@ $(if $(URL),--url "$(URL)") $(if $(REF),--ref "$(REF)")
