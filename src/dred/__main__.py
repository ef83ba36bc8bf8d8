"""`python -m dred` is the command `dred`."""

import sys

from dred.cli import main

if __name__ == "__main__":
    sys.exit(main())
