# Everything runs in .venv, which is made once and again only when pyproject.toml or constraints.txt change.
PYTHON ?= python3
BIN := .venv/bin
READY := .venv/ready
TIMM := .venv-timm
DOCS := docs/_build/html

.PHONY: demo test test-timm lint docs bench clean

demo: $(READY)
	$(BIN)/ravine train digits --fresh

test: lint
	$(BIN)/python -m pytest -n auto --maxprocesses 8 --dist loadfile

# The tests marked timm, in a venv of their own: a torchvision fits one torch only, and there is none beside torch 2.13 CPU
test-timm: $(TIMM)/ready
	$(TIMM)/bin/python -m pytest -m timm

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/basedpyright

# The pages as a site, with the reference of all commands and names; warnings and dead links are errors
docs: $(READY)
	$(BIN)/python -m sphinx -E -W --keep-going -q -b html docs $(DOCS)
	@echo "$(DOCS)/index.html"

# make bench DATA=cifar10-jpeg.zip adds the tables that need real images
bench: $(READY)
	for script in loop startup checkpoint ensemble $(if $(DATA),ingest); do $(BIN)/python benchmarks/$$script.py $(DATA) || exit 1; done

clean:
	rm -rf .venv $(TIMM) docs/_build docs/reference .pytest_cache .ruff_cache .hypothesis

$(READY): pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	# torch first and by its exact version: an open range takes gigabytes of CUDA packages
	$(BIN)/python -m pip install --quiet --disable-pip-version-check $$(grep '^torch==' constraints.txt)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev,docs]'
	touch $(READY)

$(TIMM)/ready: pyproject.toml constraints.txt constraints-timm.txt
	test -x $(TIMM)/bin/python || test $$(df -Pk . | awk 'NR == 2 { print $$4 }') -gt 10000000 || \
		{ echo "make test-timm: $(TIMM) takes 7 GB; less than 10 GB of disk are free"; exit 1; }
	test -x $(TIMM)/bin/python || $(PYTHON) -m venv $(TIMM)
	grep -v '^torch==' constraints.txt | cat - constraints-timm.txt >$(TIMM)/constraints.txt
	$(TIMM)/bin/python -m pip install --quiet --disable-pip-version-check -c $(TIMM)/constraints.txt \
		$$(grep -E '^torch(vision)?==' constraints-timm.txt) || \
		{ echo "make test-timm: torch and torchvision of constraints-timm.txt cannot be installed here"; exit 1; }
	$(TIMM)/bin/python -m pip install --quiet --disable-pip-version-check -c $(TIMM)/constraints.txt -e '.[dev,timm]'
	$(TIMM)/bin/python -c 'import timm'
	touch $(TIMM)/ready
