"""`python -m jconv` is the command `jconv`."""

import sys

from jconv.cli.main import main

sys.exit(main())
