"""`python -m tidings.cli` is `tidings`."""

from tidings.cli.main import main

main()
