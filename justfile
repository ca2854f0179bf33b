# Everything, and feed it believable events.
demo *args:
    uv run tidings up --demo {{args}}

# Everything.
up *args:
    uv run tidings up {{args}}

# What CI runs.
check: lint types imports web test

# Format and mend what can be mended.
fix:
    uv run --group check ruff format
    uv run --group check ruff check --fix
    uv run --group check npm --prefix services/tidings/edge/web run --silent fix

lint:
    uv run --group check ruff format --check
    uv run --group check ruff check

types:
    uv run --group check --group bench pyright

imports:
    uv run --group check lint-imports

# The browser's side: style, types, tests without a browser, and the npm package.
web:
    cd services/tidings/edge/web && uv run --group check npm install --silent --no-audit --no-fund
    uv run --group check npm --prefix services/tidings/edge/web run --silent lint
    uv run --group check npm --prefix services/tidings/edge/web run --silent types
    uv run --group check node --test tests/web/*.test.js

# The programs of npm that tests run: validators of our documents, and clients.
npm:
    uv run --group check npm install --silent --no-audit --no-fund --no-package-lock \
        --prefix tests/npm

# The tables that are made from the contracts.
generate:
    uv run python -m tidings.edge.close_code_tables

test *args:
    uv run pytest {{args}}

# A minute of attacks from 20 connections, and what a user notices of them.
attack *args:
    uv run python -m tests.acceptance.attack {{args}}

# Ten thousand fuzzed requests and frames: no 500, no stack trace, no leak.
fuzz examples="1500":
    FUZZ_EXAMPLES={{examples}} uv run pytest -n 0 --timeout 3600 tests/acceptance/test_fuzz.py

# Minutes of faults in a cluster: every log complete, none doubled, in order; see infra/README.md.
faults *args:
    uv run python -m tests.faults {{args}}

# Hundreds of kills of the notifier, and a minute of two that fight over a partition.
notifier-kills kills="500" fight_seconds="60":
    NOTIFIER_KILLS={{kills}} NOTIFIER_FIGHT_SECONDS={{fight_seconds}} \
        uv run pytest -n 0 --timeout 3600 tests/services/notifier/test_random_kills.py

# The table in the README, against the peers it names.
bench *args:
    uv run --group bench python -m tests.benchmarks {{args}}

rebuild projection:
    uv run tidings rebuild {{projection}}
