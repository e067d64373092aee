# make lab    open the course in JupyterLab      make test   unit tests and every notebook
PYTHON ?= python3
CONSTRAINTS ?= constraints.txt
BIN := .venv/bin
READY := .venv/.ready
FOLDER ?= my_course
PIP := $(BIN)/python -m pip --disable-pip-version-check

.PHONY: lab test test-fast coverage notebooks quizzes timings experiments benchmark lint assets constraints new-notebook lowest

lab: $(READY)
	@exec $(BIN)/python -m helpers lab "$(FOLDER)"

test: $(READY)
	$(BIN)/python -m pytest --cov=helpers --cov-report=

# Under a minute, without TensorFlow: for every change. `make test` before a pull request.
test-fast: $(READY)
	$(BIN)/python -m pytest --fast -n 0 tests

coverage: $(READY)
	$(BIN)/python -m tools.coverage_by_room

# Installed once, and again only when the list of packages changes.
$(READY): pyproject.toml constraints.txt
	@$(PYTHON) helpers/preflight.py
	@$(PYTHON) -m venv .venv
	@echo "Installing the course into .venv (about 3 GB, a few minutes) ..."
	@$(PIP) install --quiet $(addprefix --constraint ,$(CONSTRAINTS)) --editable ".[test]"
	@touch $@

notebooks: $(READY)
	$(BIN)/python -m tools.notebooks execute

# Writes the questions of helpers/course/quizzes into the notebooks, to read without a kernel.
quizzes: $(READY)
	$(BIN)/python -m tools.quizzes

# make new-notebook NAME=10_prune_filters
new-notebook: $(READY)
	@$(BIN)/python -m tools.new_notebook "$(NAME)"

timings: $(READY)
	$(BIN)/python -m tools.notebooks timings

experiments: $(READY)
	$(BIN)/python -m tools.run_study

benchmark: $(READY)
	$(BIN)/python -m tools.benchmark

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/python -m tools.form
	$(BIN)/python -m tools.quizzes --check

assets: $(READY)
	$(PIP) install --quiet $(addprefix --constraint ,$(CONSTRAINTS)) --editable ".[test,assets]"
	$(BIN)/python -m tools.build_assets

constraints: $(READY)
	$(PIP) install --quiet uv
	$(BIN)/uv pip compile --universal --python-version 3.11 --extra test --extra assets --upgrade \
	    --no-annotate --no-header --no-emit-index-url --output-file constraints.txt pyproject.toml

# The unit tests with the lowest versions that pyproject.toml allows, in an environment of their own.
lowest: $(READY)
	$(PIP) install --quiet uv
	$(BIN)/uv venv --quiet --clear --python $(BIN)/python build/lowest
	$(BIN)/uv pip install --quiet --python build/lowest/bin/python --resolution lowest-direct --editable ".[test]"
	build/lowest/bin/python -m pytest --ignore notebooks --ignore tests/browser
