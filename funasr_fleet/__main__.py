"""`python -m funasr_fleet` is `fleet`."""

from funasr_fleet.cli import main

main()
