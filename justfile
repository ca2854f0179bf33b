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

# The tables that are made from the contracts.
generate:
    uv run python -m tidings.edge.close_code_tables

test *args:
    uv run pytest {{args}}

# The table in the README, against the peers it names.
bench *args:
    uv run --group bench python -m tests.benchmarks {{args}}

rebuild projection:
    uv run tidings rebuild {{projection}}
