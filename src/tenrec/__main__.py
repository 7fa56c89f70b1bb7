"""`python -m tenrec` is `tenrec`."""

from tenrec.cli.app import main

main()
