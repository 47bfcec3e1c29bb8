"""Exit codes, the same for every command."""

DONE = 0
SOME_FAILED = WORSE = DECLINED = NO_ROOM = 1
"""It ran, and the answer is not good: clips without a score, a worse system, a no, a full disk."""

WRONG_CALL = 2
STOPPED = 130
