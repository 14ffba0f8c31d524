# make run     set up, start the server, score sample groups, print a table of rewards
# make test    set up, run every test that this machine can run; with CI=true a skipped test is a failure
# make check   format, lint, types, layers, contract
# make bench   every benchmark, a table each
# make engine  install, by apt, the Docker engine and gVisor, and build the images that tests use (as root)
# make toolchains  install, by apt, the compilers that the sandbox's tests run programs with (as root)
# make trainers  an environment for each trainer whose own code the tests run
# make learn   the run that learns: examples/r1_zero, three minutes
# make protos  generate the stubs from reward.proto

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/pip --disable-pip-version-check --quiet

# protoc of 2023: what it generates runs with every protobuf from 4.25 on, whichever a trainer pins. Only the compiler is
# used, so its own requirements stay out (docs/decisions/001-generated-stubs.md).
PROTOC := grpcio-tools==1.62.3

TRAINERS := .venv-trainers
TRAINER_PIP = $(@D)/bin/pip --disable-pip-version-check --quiet install --no-deps --ignore-requires-python

.PHONY: run test check bench engine toolchains trainers learn protos clean

run: $(VENV)/server
	$(BIN)/python examples/score_gsm8k.py

test: $(VENV)/dev
	$(BIN)/pytest --numprocesses=2 -m 'not ray'
	$(BIN)/pytest -m ray

check: $(VENV)/dev
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/mypy
	$(BIN)/pyright
	$(BIN)/lint-imports
	$(BIN)/buf lint

toolchains:
	@missing=""; \
	for pair in gcc:gcc g++:g++ node:nodejs go:golang-go rustc:rustc javac:default-jdk-headless; do \
		command -v $${pair%%:*} > /dev/null || missing="$$missing $${pair##*:}"; \
	done; \
	if [ -n "$$missing" ]; then \
		apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $$missing; \
	fi

engine:
	deploy/engine.sh

trainers: $(TRAINERS)/trl/done $(TRAINERS)/shared/done $(TRAINERS)/gym/done

# What is listed is all that a trainer needs here, so its own ranges, made for machines with GPUs and newer Pythons, are
# passed over.
$(TRAINERS)/%/done: tests/trainers/environments/%.txt
	$(PYTHON) -m venv $(@D)
	$(TRAINER_PIP) -r $<
	$(TRAINER_PIP) -e .
	touch $@

learn: $(VENV)/server $(TRAINERS)/trl/done
	$(TRAINERS)/trl/bin/python -W ignore examples/r1_zero/train.py --jurist $(BIN)/jurist

bench: $(VENV)/dev
	for file in benchmarks/*.py; do echo "== $$file" && $(BIN)/python $$file || exit 1; done

protos: $(VENV)/dev
	PATH=$(CURDIR)/$(BIN):$$PATH PYTHONPATH=$(VENV)/protoc $(BIN)/python -m grpc_tools.protoc -I protos \
		--python_out=protos --grpc_python_out=protos --mypy_out=quiet:protos --mypy_grpc_out=quiet:protos \
		jurist/v1/reward.proto

$(BIN)/pip:
	$(PYTHON) -m venv $(VENV)

$(VENV)/server: pyproject.toml constraints.txt | $(BIN)/pip
	$(PIP) install -c constraints.txt -e '.[server]'
	touch $@

$(VENV)/dev: pyproject.toml constraints.txt | $(BIN)/pip
	$(PIP) install -c constraints.txt -e '.[dev]'
	$(PIP) install --no-deps --upgrade --target $(VENV)/protoc $(PROTOC)
	touch $@ $(VENV)/server

clean:
	rm -rf $(VENV) $(TRAINERS) dist .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache
