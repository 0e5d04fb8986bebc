# Every target sets up what it needs on a machine that has `python3` (3.11 or newer) and `make`.
# `sam build` calls the build-* targets too: it passes ARTIFACTS_DIR.
PYTHON ?= python3
# Lambda can't store compiled files: code that is not compiled here is compiled again at every cold start.
COMPILE_WITH ?= python3.13
UV := .venv/bin/uv
# A company's certificate authority is in the machine's store, not in the one that uv includes.
export UV_SYSTEM_CERTS := 1
DEV := .venv/.ready
SAM := .venv-sam/.ready
EMULATOR := .venv-emulator/.ready
CHECKOV := .venv-checkov/.ready
SITE := .venv-docs/.ready
RELEASE := .venv-release/.ready
CDK := .venv-cdk/.ready

.PHONY: demo test prove bench docs package lint format lock clean

demo: $(DEV) $(SAM) $(EMULATOR)  ## Run everything on this machine, on one page; ARGS=--auto plays a story unattended, ARGS=--policy adds a policy.
	@.venv/bin/python -m demo $(ARGS)

test: $(DEV) $(SAM) $(EMULATOR) $(CDK)  ## Run all tests, or those that ARGS (for pytest) select.
	@.venv/bin/python -m $(if $(ARGS),pytest $(ARGS),tests)

prove: $(DEV) $(SAM) $(EMULATOR)  ## Run the proofs of docs/reliability.md at full length: 40 minutes.
	@PROVE=1 .venv/bin/python -m pytest -s tests/unit/test_floor_model.py tests/unit/test_delegates_model.py \
	  tests/unit/test_demands.py tests/unit/test_spending.py tests/functional/test_spend.py tests/functional/test_guarded_calls.py \
	  tests/functional/test_races.py tests/functional/test_races_of_seats.py tests/functional/test_fuzz.py \
	  tests/functional/test_crashes.py tests/browser/test_pages.py tests/e2e/test_flood.py tests/e2e/test_prove.py $(ARGS)

bench: $(DEV) $(SAM) $(EMULATOR)  ## Compare with bare handlers, and write bench/: five minutes; ARGS=--quick: two.
	@.venv/bin/python -m tests.bench $(ARGS)

docs: $(DEV) $(SITE)  ## Build the documentation site in .local/docs/site; fail on a broken link.
	@.venv/bin/python -m scripts.site
	@NO_MKDOCS_2_WARNING=1 .venv-docs/bin/mkdocs build --strict --quiet

package: $(DEV) $(SAM) $(RELEASE)  ## Build and check wheel and sdist, the bundle of the stack, and an SBOM of its layer, in dist/.
	@rm -rf dist
	@$(UV) build --quiet --no-build-isolation --python .venv/bin/python --out-dir dist
	@.venv-release/bin/twine check --strict dist/*
	@.venv-release/bin/check-wheel-contents dist/*.whl
	@.venv-release/bin/cyclonedx-py requirements --output-reproducible --output-file dist/layer.cdx.json layer/requirements.txt
	@PATH="$(CURDIR)/.venv/bin:$$PATH" AWS_DEFAULT_REGION=us-east-1 SAM_CLI_TELEMETRY=0 \
	  .venv-sam/bin/sam build --template template.yaml --build-dir .local/package >/dev/null
	@.venv/bin/python -m scripts.bundle .local/package dist

lint: $(DEV) $(SAM) $(CHECKOV) docs  ## Check style, types, import rules, template and state machine.
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy
	.venv/bin/lint-imports
	.venv-sam/bin/cfn-lint template.yaml
	AWS_DEFAULT_REGION=us-east-1 SAM_CLI_TELEMETRY=0 .venv-sam/bin/sam validate --lint --template template.yaml
	.venv/bin/statelint statemachine/approval.asl.json
	.venv-checkov/bin/checkov --config-file .checkov.yaml

format: $(DEV)  ## Format the code.
	.venv/bin/ruff check --fix .
	.venv/bin/ruff format .

lock: $(DEV)  ## Pin requirements/*.in with hashes and without the address of a registry.
	for name in layer/requirements $(addprefix requirements/,dev sam emulator checkov docs release cdk uv); do \
	  $(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	    --upgrade $$name.in --output-file $$name.txt || exit 1; \
	done

clean:  ## Remove everything that the other targets made.
	rm -rf .venv .venv-sam .venv-emulator .venv-checkov .venv-docs .venv-release .venv-cdk dist .aws-sam .local .mypy_cache .pytest_cache .ruff_cache .import_linter_cache
	$(MAKE) -C layer clean

$(UV): requirements/uv.txt
	@echo "Setting up: package installer"
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "$(PYTHON) is older than 3.11. Use a newer one: make PYTHON=python3.13 ..." >&2; exit 2; }
	@$(PYTHON) -m venv .venv
	@.venv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/uv.txt
	@touch $@

# One virtual environment for each: their pins conflict.
$(DEV): $(UV) requirements/dev.txt pyproject.toml
	@echo "Setting up: libraries and test tools"
	@$(UV) pip install --quiet --python .venv/bin/python --require-hashes -r requirements/dev.txt
	@$(UV) pip install --quiet --python .venv/bin/python --no-deps --no-build-isolation --editable .
	@touch $@

$(SAM) $(EMULATOR) $(CHECKOV) $(SITE) $(RELEASE) $(CDK): .venv-%/.ready: $(UV) requirements/%.txt
	@echo "Setting up: requirements/$*.txt"
	@$(UV) venv --quiet --clear --python .venv/bin/python .venv-$*
	@$(UV) pip install --quiet --python .venv-$*/bin/python --require-hashes -r requirements/$*.txt
	@touch $@

# `sam build` calls this. Dependencies are in the layer, so a function is a copy of this repository's packages.
build-%Function:
	@cp -R approvals bot handlers iam mail web "$(ARTIFACTS_DIR)"
	@find "$(ARTIFACTS_DIR)" -name __pycache__ -prune -exec rm -rf {} +
	@if $(COMPILE_WITH) -c "" 2>/dev/null; then \
	  PYTHONHASHSEED=0 $(COMPILE_WITH) -m compileall -q --invalidation-mode unchecked-hash "$(ARTIFACTS_DIR)"; fi
