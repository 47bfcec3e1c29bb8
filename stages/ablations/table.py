"""All variants side by side: metrics/ablations.json and metrics/ablations.csv."""

import json
from pathlib import Path

from pandas import read_csv

from whisq import params
from whisq.corpus.card import read_card
from whisq.trials.comparison import compare, table

FOLDER = Path("metrics/ablations")
REFERENCES = (
    "default",
    "no_coattention",
    "thirds",
    "challenge_baseline",
    "best_pooled",
    "best_thirds",
)
METRICS = (
    *(f"{level}_{axis}_srcc" for level in ("utt", "sys") for axis in ("omq", "ta")),
    *(f"utt_{axis}_{metric}" for axis in ("omq", "ta") for metric in ("mse", "lcc", "ktau")),
    *("ta_order_srcc", "ta_other_srcc", "swap", "ta_shuffled_srcc", "ot_cost_srcc"),
    *("floor_omq_srcc", "floor_ta_srcc"),
    *("dev_score", "epochs", "weights", "seconds"),
)


def main() -> None:
    """Run the stage."""
    names = params.load().ablations
    variants = {
        name: read_csv(FOLDER / f"{name}.csv")
        for name in names
        if (FOLDER / f"{name}.csv").exists()
    }
    compared = compare(variants, REFERENCES, METRICS)
    short = json.loads(json.dumps(compared), parse_float=lambda text: round(float(text), 6))
    Path("metrics/ablations.json").write_text(json.dumps(short) + "\n")
    rows = table(compared)
    rows.insert(0, "corpus", read_card("data/raw")["name"])
    rows.to_csv("metrics/ablations.csv", index=False, float_format="%.4f")
    shown = rows.pivot_table("mean", ["protocol", "variant"], "metric", sort=False).round(3)
    wanted = [name for name in METRICS if name in shown and not name.endswith(("mse", "lcc"))]
    print(shown[wanted].to_string())


if __name__ == "__main__":
    main()
