"""``python -m superanimal``: the command line."""

from superanimal.cli import main

main()
