# make lab    open the course in JupyterLab      make test   unit tests and every notebook
PYTHON ?= python3
CONSTRAINTS ?= constraints.txt
BIN := .venv/bin
READY := .venv/.ready
FOLDER ?= my_course
PIP := $(BIN)/python -m pip --disable-pip-version-check

.PHONY: lab test test-fast coverage notebooks book handouts slides wheelhouse hub quizzes timings experiments benchmark lint assets constraints new-notebook lowest edit format

lab: $(READY)
	@exec $(BIN)/python -m helpers lab -- "$(FOLDER)"

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

# One notebook: make notebooks ONLY=03_attach_new_head
notebooks: $(READY)
	$(BIN)/python -m tools.notebooks execute $(if $(ONLY),notebooks/$(basename $(ONLY)).ipynb)

# JupyterLab on the course's own notebooks, to edit them; `make lab` opens a learner's copy.
edit: $(READY)
	$(BIN)/jupyter lab $(if $(filter 0,$(shell id -u 2>/dev/null)),--allow-root) notebooks

# Writes the questions of helpers/course/quizzes into the notebooks, to read without a kernel.
quizzes: $(READY)
	$(BIN)/python -m tools.quizzes

# make new-notebook NAME=12_prune_filters
new-notebook: $(READY)
	@$(BIN)/python -m tools.new_notebook "$(NAME)"

# The web edition, in build/book/html. REPOSITORY=owner/name adds the links that run a notebook elsewhere.
book: $(READY)
	$(BIN)/python -m tools.book $(if $(REPOSITORY),--repository $(REPOSITORY))

# Copies for a workshop, without solutions and with them; workshop/ has the plans.
handouts: $(READY)
	$(BIN)/python -m tools.handouts build/handouts

slides: $(READY)
	$(BIN)/python -m tools.slides build/slides/slides.html

# What a USB stick needs to install without a network. For another system: make wheelhouse SYSTEM=windows VERSION=3.12
wheelhouse: $(READY)
	$(BIN)/python -m tools.wheelhouse build/wheelhouse $(if $(SYSTEM),--system $(SYSTEM)) $(if $(VERSION),--python-version $(VERSION))

# One JupyterHub for a room, as root: make hub NAMES=learners.txt    (workshop/hub/README.md)
hub: $(READY)
	@exec $(BIN)/python -m workshop.hub start $(if $(NAMES),--names "$(NAMES)") $(HUB_OPTIONS)

timings: $(READY)
	$(BIN)/python -m tools.notebooks timings

# make experiments JOBS=2 trains in two processes; tools/run_study.py says how a Dask cluster does it.
experiments: $(READY)
	$(BIN)/python -m tools.run_study --jobs $(or $(JOBS),1)

benchmark: $(READY)
	$(BIN)/python -m tools.benchmark

# All five say what they find, also where an earlier one found something.
lint: $(READY)
	@failed=0; \
	$(BIN)/ruff check . || failed=1; \
	$(BIN)/ruff format --check . || failed=1; \
	$(BIN)/python -m tools.form || failed=1; \
	$(BIN)/python -m tools.quizzes --check || failed=1; \
	$(BIN)/python -m tools.glossary || failed=1; \
	exit $$failed

format: $(READY)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

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
