# Needs python3 (3.11 or later), git and make; everything else goes into .venv.
PYTHON ?= python3
export PYTHON

.DEFAULT_GOAL := help
.PHONY: help demo test setup clean

help: ## say what can be made
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/make \1\t\2/p' Makefile

demo: ## learn a hedge on the bundled option data and write its report
	@scripts/setup
	@.venv/bin/tenrec hedge

test: ## run every check
	@scripts/setup dev
	@scripts/check

setup: ## install everything that the checks need, and nothing more
	@scripts/setup dev

clean: ## remove the environment and the caches
	rm -rf .venv .cache
