"""Results as plain values: for JSON, and as a table."""

import json

from anlage.study.results import Cell, Comparison, Results

CELL = Cell(
    task="grade",
    arm="simclr",
    rung="linear",
    budget="10%",
    metrics={
        "auroc": {"value": 0.7, "low": 0.6, "high": 0.8, "run_std": 0.1},
        "brier_error": {"value": None, "low": None, "high": None, "run_std": None},
    },
    runs=3,
    failed=1,
    train_images=12.5,
    train_patients=10.0,
    seconds=2.0,
)
COMPARISON = Comparison(
    task="grade",
    arm="simclr",
    twin="random_frozen",
    rung="linear",
    twin_rung="linear",
    budget="10%",
    delta=0.1,
    low=-0.1,
    high=0.3,
    p_value=0.2,
    p_adjusted=0.4,
    probability_better=0.9,
    is_claimable=False,
    failed=1,
    runs=3,
    missing=0,
)


def results(*cells: Cell) -> Results:
    return Results(
        headlines={"grade": "auroc"},
        cells=cells,
        comparisons=(COMPARISON,),
        failures=({"job": "j", "reason": "r"},),
    )


def test_a_table_has_one_row_per_metric_with_the_cells_facts():
    frame = results(CELL).as_frame()
    assert frame["metric"].to_list() == ["auroc", "brier_error"]
    assert frame.row(0, named=True) == {
        **{"task": "grade", "rung": "linear", "budget": "10%", "arm": "simclr", "metric": "auroc"},
        **{"value": 0.7, "low": 0.6, "high": 0.8, "runs": 3, "failed": 1},
        **{"train_images": 12.5, "train_patients": 10.0, "seconds": 2.0},
    }
    assert frame["value"].to_list() == [0.7, None]


def test_no_cells_are_an_empty_table():
    assert results().as_frame().is_empty()


def test_json_gives_every_field_back():
    found = json.loads(json.dumps(results(CELL).as_dict()))
    assert found["headlines"] == {"grade": "auroc"}
    assert Cell(**found["cells"][0]) == CELL
    assert Comparison(**found["comparisons"][0]) == COMPARISON
    assert found["failures"] == [{"job": "j", "reason": "r"}]
