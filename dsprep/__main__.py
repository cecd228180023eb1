"""`python -m dsprep`."""

from dsprep.cli import main

main()
