"""An explanation's tables: what each word does, and which faults the clip is like."""

from __future__ import annotations

from whisq.report.explain import Explanation
from whisq.report.tables import Cell, Table, number, word


def words_in_turn(explanation: Explanation) -> Table:
    """Lay out what is known of each word.

    Args:
        explanation: The clip's.

    Returns:
        The table, in the prompt's order.
    """
    costs = _costs(explanation)
    rows = [
        [
            number(place, 0),
            Cell(removal.word, removal.word.lower()),
            number(removal.ta, 2),
            number(removal.change, 2, sign=True, strong=True),
            number(costs[place - 1] if place <= len(costs) else None),
        ]
        for place, removal in enumerate(explanation.removals, start=1)
    ]
    heads = ["place", "word", "TA without it", "change", "transport cost"]
    note = (
        "A word whose removal lowers TA speaks for the clip. Without it the prompt is encoded "
        "anew, so that the other words' states change too."
    )
    return Table("Words, taken out in turn", heads, rows, note)


def faults_alike(explanation: Explanation) -> Table:
    """Lay out which faults of the sound a clip is like.

    Args:
        explanation: The clip's.

    Returns:
        The table, the most alike first.
    """
    rows = [[word(fault.fault), number(fault.moved, 2)] for fault in explanation.faults]
    note = (
        "Each fault is put on the clip at full strength. The less that moves the clip's states, "
        "held against clean music and with the median fault as 1, the more the clip sounds so "
        "already. A clip without any fault has a first of the list too."
    )
    return Table("Faults of the sound, the most alike first", ["fault", "moved"], rows, note)


def _costs(explanation: Explanation) -> list[float]:
    # The maps' rows are the prompt's words in order, but where one vector stands for all.
    maps = explanation.maps
    whole = len(maps.words) == 1 < len(explanation.removals)
    return [] if maps.word_cost is None or whole else maps.word_cost.tolist()
