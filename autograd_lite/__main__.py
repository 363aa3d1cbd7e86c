"""The command line: `python -m autograd_lite --help`."""

import sys

from autograd_lite.terminal import main

if __name__ == "__main__":
    sys.exit(main())
