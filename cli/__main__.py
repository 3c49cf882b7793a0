"""`python -m cli` is `fleet`."""

from cli import main

main()
