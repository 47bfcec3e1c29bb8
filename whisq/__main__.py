"""`python -m whisq`, where the command itself is not on the PATH."""

from whisq.cli import app

app()
