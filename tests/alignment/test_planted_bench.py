"""The page of the benchmark says from what state of the source its numbers are."""

import runpy
from pathlib import Path

BENCH = Path(__file__).parents[2] / "benchmarks" / "bench_audit.py"


def test_uncommitted_changes_stay_on_the_page():
    page = runpy.run_path(str(BENCH))["page"]
    text = page({"commit": "b55e90007d9e+", "machine": "x86_64", "date": "2026-01-01"})
    assert "`b55e90007d9e+`" in text
