# Everything, and feed it believable events.
demo *args:
    uv run tidings up --demo {{args}}

# Everything.
up *args:
    uv run tidings up {{args}}

# What CI runs.
check: lint types imports test

# Format and mend what can be mended.
fix:
    uv run --group check ruff format
    uv run --group check ruff check --fix

lint:
    uv run --group check ruff format --check
    uv run --group check ruff check

types:
    uv run --group check pyright

imports:
    uv run --group check lint-imports

test *args:
    uv run pytest {{args}}

# The table in the README, against the peers it names.
bench *args:
    uv run --group bench python -m tests.benchmarks {{args}}

rebuild projection:
    uv run tidings rebuild {{projection}}
