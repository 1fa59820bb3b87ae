"""`python -m jconv.cli` is `jconv`."""

import sys

from jconv.cli.main import main

sys.exit(main())
