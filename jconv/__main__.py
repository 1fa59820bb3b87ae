"""`python -m jconv` is the command `jconv`."""

import sys

from jconv.cli import main

sys.exit(main())
