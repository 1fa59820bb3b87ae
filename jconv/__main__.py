"""`python -m jconv` is the command `jconv`."""

import sys

from jconv.cli._main import main

sys.exit(main())
