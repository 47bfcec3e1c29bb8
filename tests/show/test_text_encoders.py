"""What is shown of text encoders side by side."""

from whisq.show.text_encoders import told


def figure(mean):
    return {"mean": mean, "interval": [mean - 0.1, mean + 0.1], "folds": [mean] * 5}


def encoder(ta, ridge, swap, **facts):
    parties = {name: {"ta": {"srcc": figure(of)}} for name, of in
               (("model", ta), ("pooled_ridge", ridge))}  # fmt: skip
    judged = {"parties": parties, "less_ridge": {"ta": figure(ta - ridge)}, "swap": figure(swap)}
    return {"protocols": {"systems": judged, "prompts": judged}} | facts


def cells(table):
    lines = table.markdown().splitlines()[4:]
    return [[cell.strip() for cell in line.split("|")[1:-1]] for line in lines]


def test_each_encoder_stands_beside_its_own_ridge_under_each_protocol_and_against_the_first():
    less = {held: {"ta": figure(0.05)} for held in ("systems", "prompts")}
    measured = {
        "corpus": "a corpus",
        "encoders": {
            "a/first": encoder(0.4, 0.5, 0.5, prompts=348, seconds=3.0, dim=384),
            "b/second": encoder(
                0.45, 0.4, 0.6, prompts=348, seconds=42.5, dim=576, less_first=less
            ),
        },
    }
    table = told(measured)
    assert "first, 384 dimensions, 3 s; second, 576 dimensions, 42.5 s" in table.caption
    assert "means of 5 folds" in table.caption
    rows = cells(table)
    assert [row[:2] for row in rows] == [
        ["first", "unseen systems"],
        ["second", "unseen systems"],
        ["first", "unseen prompts"],
        ["second", "unseen prompts"],
        ["second less first", "unseen systems"],
        ["second less first", "unseen prompts"],
    ]
    assert rows[0][2:] == ["0.400", "0.30 to 0.50", "0.500", "−0.100", "−0.20 to 0.00", "0.500"]
    assert rows[1][2:] == ["0.450", "0.35 to 0.55", "0.400", "+0.050", "−0.05 to 0.15", "0.600"]
    assert rows[4][2:] == ["+0.050", "−0.05 to 0.15", "", "", "", ""]
