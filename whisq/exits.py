"""Exit codes, the same for every command."""

DONE = 0
SOME_FAILED = WORSE = DECLINED = 1
"""It ran, and the answer is not good: clips without a score, a worse system, or a no."""

WRONG_CALL = 2
STOPPED = 130
