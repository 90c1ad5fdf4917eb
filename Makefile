# The few commands there are. Each sets up what it needs and can be run again at any time.
PYTHON_IN := .venv/bin/python
.DEFAULT_GOAL := help
.PHONY: help setup up demo test test-postgres test-e2e test-chaos test-ray check fix lock samples

help: ## Show this list
	@grep -hE '^[a-z0-9-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 16

setup: ## Make the virtual environment from the lock file
	@deploy/setup.sh run

up: ## Run the whole product on this machine
	@deploy/setup.sh run
	@exec $(PYTHON_IN) manage.py up

demo: ## Do the main job through the API: PHOTOS=dir make demo (needs make up)
	@deploy/setup.sh run
	@$(PYTHON_IN) manage.py demo

test: ## Run the everyday suite (SQLite)
	@deploy/setup.sh test
	@$(PYTHON_IN) -m pytest -q -n 2 --dist loadgroup -m "not e2e and not chaos and not gpu and not ray" $(ARGS)

test-postgres: ## Run the same suite on a PostgreSQL of its own
	@deploy/setup.sh test
	@deploy/with-postgres.sh $(PYTHON_IN) -m pytest -q -n 2 --dist loadgroup -m "not e2e and not chaos and not gpu and not ray and not slow" tests/apps tests/scenarios $(ARGS)

test-e2e: ## Drive the product in a real browser
	@deploy/setup.sh test
	@$(PYTHON_IN) -m pytest -q -m e2e tests/e2e $(ARGS)

test-chaos: ## Kill processes of the running product
	@deploy/setup.sh test
	@$(PYTHON_IN) -m pytest -q -m chaos tests/chaos $(ARGS)

test-ray: ## Lose machines of a Ray cluster on loopback
	@deploy/setup.sh ray
	@$(PYTHON_IN) -m pytest -q -m ray tests/ray $(ARGS)

check: ## Hold every rule that a machine can hold
	@deploy/setup.sh test
	@.venv/bin/ruff format --check -q .
	@.venv/bin/ruff check -q .
	@.venv/bin/mypy
	@.venv/bin/lint-imports --no-cache
	@.venv/bin/typos
	@.venv/bin/djlint --lint --quiet templates
	@$(PYTHON_IN) manage.py makemigrations --check --dry-run
	@PACKSHOT_BASE_URL=https://packshot.example PACKSHOT_ALLOWED_HOSTS=packshot.example \
	  $(PYTHON_IN) manage.py check --deploy --fail-level WARNING --settings config.settings.production

fix: ## Repair what a machine can repair
	@deploy/setup.sh test
	@.venv/bin/ruff check -q --fix . || true
	@.venv/bin/ruff format -q .

LOCK := uv pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes --no-annotate --no-header -q
lock: ## Resolve the pins anew; all sets together first, so that every set agrees
	@$(LOCK) --extra postgres --extra s3 --extra kubernetes --extra test -o requirements-test.lock
	@$(LOCK) --extra postgres -c requirements-test.lock -o requirements.lock
	@$(LOCK) --extra s3 -c requirements-test.lock -o requirements-s3.lock
	@$(LOCK) --extra kubernetes -c requirements-test.lock -o requirements-kubernetes.lock
	@$(LOCK) --extra ray -c requirements-test.lock -c requirements-engine.lock -o requirements-ray.lock

samples: ## Render the demo photos and their ground truth anew
	@$(PYTHON_IN) -m apps.catalog.sample_photos --out build/samples
	@cp build/samples/*.jpg apps/catalog/sample_photos/photos/
	@for f in build/samples/*_alpha.png; do cp $$f tests/data/sample_alpha/$$(basename $$f _alpha.png).png; done
