# make lab    open the course in JupyterLab      make test   unit tests and every notebook
PYTHON ?= python3
CONSTRAINTS ?= constraints.txt
BIN := .venv/bin
READY := .venv/.ready
ROOT := $(filter 0,$(shell id -u 2>/dev/null))
PIP := $(BIN)/python -m pip --disable-pip-version-check

.PHONY: lab test test-fast coverage notebooks quizzes timings experiments benchmark lint assets constraints

lab: $(READY)
	@$(BIN)/python -m helpers.notebooks lay-out my_course
	$(if $(ROOT),@echo "You are root (as in a container): JupyterLab is told to allow it.")
	cd my_course && ../$(BIN)/jupyter lab --ip=127.0.0.1 $(if $(ROOT),--allow-root) 00_start_here.ipynb

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
	@$(BIN)/jupyter labextension disable --level=sys_prefix "@jupyterlab/apputils-extension:announcements" 2>/dev/null
	@touch $@

notebooks: $(READY)
	$(BIN)/python -m tools.notebooks execute

# Writes the questions of helpers/course/quizzes into the notebooks, to read without a kernel.
quizzes: $(READY)
	$(BIN)/python -m tools.quizzes

timings: $(READY)
	$(BIN)/python -m tools.notebooks timings

experiments: $(READY)
	$(BIN)/python -m tools.run_study

benchmark: $(READY)
	$(BIN)/python -m tools.benchmark

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

assets: $(READY)
	$(PIP) install --quiet $(addprefix --constraint ,$(CONSTRAINTS)) --editable ".[test,assets]"
	$(BIN)/python -m tools.build_assets

constraints: $(READY)
	$(PIP) install --quiet uv
	$(BIN)/uv pip compile --universal --python-version 3.11 --extra test --extra assets --upgrade \
	    --no-annotate --no-header --no-emit-index-url --output-file constraints.txt pyproject.toml
