# Everything runs in .venv, which is made once and again only when pyproject.toml or constraints.txt change.
PYTHON ?= python3
BIN := .venv/bin
READY := .venv/ready

.PHONY: demo test lint bench clean

demo: $(READY)
	$(BIN)/ravine train digits --fresh

test: lint
	$(BIN)/python -m pytest

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/basedpyright

# make bench DATA=cifar10-jpeg.zip adds the tables that need real images
bench: $(READY)
	for script in loop startup checkpoint ensemble $(if $(DATA),ingest); do $(BIN)/python benchmarks/$$script.py $(DATA) || exit 1; done

clean:
	rm -rf .venv .pytest_cache .ruff_cache .hypothesis

$(READY): pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	# torch first and by its exact version: an open range takes gigabytes of CUDA packages
	$(BIN)/python -m pip install --quiet --disable-pip-version-check $$(grep '^torch==' constraints.txt)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	touch $(READY)
