# The commands of the house; README.md says what each does. Nothing but python3 (3.11 or later), make and a package
# index is needed. Every program is started through .venv/bin/python, so a checkout may live in a path with spaces.

PYTHON ?= python3
WORKERS ?= 2
BENCH ?=
VENV_PYTHON := .venv/bin/python

# Tests have a var directory of their own, so that they and a running demo do not meet.
TEST_ENV := TESTING=1 VAR_DIR='$(CURDIR)/var/test'
# With DATABASE_URL given, tests use that server; otherwise an embedded one that trades crash safety for speed.
ON_DATABASE = if [ -n "$$DATABASE_URL" ]; then "$$@"; else $(VENV_PYTHON) -m panel.embedded run --fast -- "$$@"; fi

# What a production host would set, so that the checks of production have something to check.
PRODUCTION_ENV := DEBUG=0 TESTING=0 SANDBOX=0 ALLOWED_HOSTS=panel.example.com SITE_URL=https://panel.example.com \
	TRUSTED_PROXIES=1 EMAIL_URL=smtp+tls://panel:password@mail.example.com:587 REDIS_URL=redis://redis.example.com/0 \
	DATABASE_URL=postgresql://panel@database.example.com/panel

.DEFAULT_GOAL := help
.PHONY: help demo demo-reset test check bench run environment lock

help:
	@echo "make demo        a panel with demo data on http://127.0.0.1:8000 (PORT=... for another port)"
	@echo "make demo-reset  drop the demo's data"
	@echo "make test        the whole suite on real PostgreSQL (ARGS='-k name' for some of it)"
	@echo "make check       linters, types, import contracts, migrations, deploy checks, architecture tests"
	@echo "make bench       the benchmarks (BENCH=name for one)"
	@echo "make run         the panel against DATABASE_URL, REDIS_URL and real keys"

demo: environment
	@exec $(VENV_PYTHON) -m panel.demo.supervisor --with-parent

demo-reset: environment
	@exec $(VENV_PYTHON) -m panel.demo.supervisor --reset

run: environment
	@exec $(VENV_PYTHON) -m panel.supervision.production --with-parent

test: environment
	@export $(TEST_ENV); set -- $(VENV_PYTHON) -m pytest -n $(WORKERS) --dist loadgroup $(ARGS); $(ON_DATABASE)

bench: environment
	@exec $(VENV_PYTHON) -m benchmarks $(BENCH)

check: environment
	@echo "ruff"; $(VENV_PYTHON) -m ruff check --quiet .
	@echo "format"; $(VENV_PYTHON) -m ruff format --quiet --check .
	@echo "templates"; $(VENV_PYTHON) -m djlint --lint --quiet templates
	@echo "types"; $(TEST_ENV) $(VENV_PYTHON) -m mypy --no-error-summary
	@echo "import contracts"; said="$$($(VENV_PYTHON) -c 'from importlinter.cli import lint_imports_command as run; \
		run()' 2>&1)" || { echo "$$said"; exit 1; }
	@echo "deploy checks"; export $(PRODUCTION_ENV) SECRET_KEY="$$($(VENV_PYTHON) -c 'import secrets; \
		print(secrets.token_urlsafe(64))')"; $(VENV_PYTHON) manage.py check --deploy --fail-level WARNING
	@echo "migrations"; export $(TEST_ENV); set -- $(VENV_PYTHON) manage.py makemigrations --check --dry-run; $(ON_DATABASE)
	@echo "architecture"; export $(TEST_ENV); set -- $(VENV_PYTHON) -m pytest -q tests/architecture; $(ON_DATABASE)

# Installs again when the lock, the Python or the place of the checkout has changed.
environment:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
		echo "Python 3.11 or later is needed; name one with PYTHON=python3.12 make ..." >&2; exit 1; }
	@wanted="$$($(PYTHON) -c 'import hashlib, os, sys; print(hashlib.sha256(open("requirements.lock", "rb").read() \
		+ repr((sys.version, sys.prefix, os.getcwd())).encode()).hexdigest())')"; \
	if [ "$$(cat .venv/installed 2>/dev/null)" != "$$wanted" ]; then \
		echo "Installing dependencies into .venv (about half a minute) ..."; \
		rm -rf .venv; \
		$(PYTHON) -m venv .venv || { echo "No venv: on Debian, install python3-venv." >&2; rm -rf .venv; exit 1; }; \
		$(VENV_PYTHON) -m pip install -qq --disable-pip-version-check --require-hashes -r requirements.lock \
			&& echo "$$wanted" > .venv/installed; \
	fi

# Pins anew what pyproject.toml asks for; needs uv.
LOCK := uv pip compile --quiet --universal --fork-strategy fewest --python-version 3.11 --generate-hashes \
	--no-header --no-annotate --no-emit-index-url
lock:
	$(LOCK) --extra dev --output-file requirements.lock pyproject.toml
	$(LOCK) --constraint requirements.lock --output-file requirements-runtime.lock pyproject.toml
