"""What is wrong with a corpus, collected from all of its files before anybody is told."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

SHOWN_OF_A_KIND = 20


@dataclass(frozen=True)
class Problem:
    """One thing that is not as it must be.

    Attributes:
        kind: Short name of the rule that is broken, such as `label out of range`.
        file: The file it was found in, relative to the corpus.
        row: The line in that file, from 1, or None where it is about the whole file.
        what: What was found.
        remedy: What to do about it.
        fatal: Whether training on it would teach something false.
    """

    kind: str
    file: str
    row: int | None
    what: str
    remedy: str
    fatal: bool = True

    def line(self) -> str:
        """Tell where, what and what to do.

        Returns:
            One line.
        """
        where = self.file if self.row is None else f"{self.file}, row {self.row}"
        return f"{where}: {self.kind}: {self.what}; {self.remedy}"


class Problems:
    """A list of problems that ends in one error."""

    def __init__(self) -> None:
        """Begin with none."""
        self.found: list[Problem] = []

    def fatal(self, kind: str, file: str, row: int | None, what: str, remedy: str) -> None:
        """Note what must be mended before the corpus can be used.

        Args:
            kind: The rule that is broken.
            file: The file, relative to the corpus.
            row: The line, from 1, or None.
            what: What was found.
            remedy: What to do.
        """
        self.found.append(Problem(kind, file, row, what, remedy, fatal=True))

    def warn(self, kind: str, file: str, row: int | None, what: str, remedy: str) -> None:
        """Note what is odd but leaves every label true.

        Args:
            kind: The rule that is broken.
            file: The file, relative to the corpus.
            row: The line, from 1, or None.
            what: What was found.
            remedy: What to do.
        """
        self.found.append(Problem(kind, file, row, what, remedy, fatal=False))

    @property
    def warnings(self) -> list[Problem]:
        """What was noted and is not fatal."""
        return [problem for problem in self.found if not problem.fatal]

    def raise_fatal(self, corpus: str) -> None:
        """End here if anything fatal was noted.

        Args:
            corpus: What the corpus is called in the error.

        Raises:
            ValueError: Something fatal was noted; the message has all of it.
        """
        wrong = [problem for problem in self.found if problem.fatal]
        if wrong:
            raise ValueError(
                f"{corpus} has {len(wrong)} problem(s) that must be mended first:\n"
                + "\n".join(report(wrong))
            )


def report(problems: list[Problem]) -> list[str]:
    """Write problems as lines, the many of one kind cut short with their count.

    Args:
        problems: What was found.

    Returns:
        One line a problem in the order found, at most `SHOWN_OF_A_KIND` of a kind, and one
        line for the rest of that kind.
    """
    lines, seen = [], Counter()
    for problem in problems:
        seen[problem.kind] += 1
        if seen[problem.kind] <= SHOWN_OF_A_KIND:
            lines.append(f"  {problem.line()}")
    for kind, count in seen.items():
        if count > SHOWN_OF_A_KIND:
            lines.append(f"  {kind}: {count - SHOWN_OF_A_KIND} more, {count} in all")
    return lines
