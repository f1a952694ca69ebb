"""What is published hides every vehicle in k others, whatever is added up or taken away."""

from dataclasses import dataclass

import pyarrow as pa
import pytest
from builders import at

from pipeline import release


@dataclass(frozen=True)
class Rules:
    """k of 10, and a margin that makes it 12."""

    k: int = 10
    split_rate: float = 0.2
    round_to: int = 5


RULES = Rules()


def flow(*supports: int, heading: str = "N", camera: str = "a") -> pa.Table:
    """Five minutes after five minutes of one camera."""
    return pa.table({
        "camera_id": pa.array([camera] * len(supports), pa.string()), "heading": pa.array([heading] * len(supports), pa.string()),
        "interval_at": pa.array([at(300 * n) for n in range(len(supports))], pa.timestamp("us", "UTC")),
        "support": pa.array(supports, pa.int64()),
    })  # fmt: skip


def mix(support: int, camera: str = "a") -> pa.Table:
    return pa.table({"camera_id": [camera], "hour_at": [at(0)], "label": ["car"], "support": [support]}).cast(
        pa.schema([("camera_id", pa.string()), ("hour_at", pa.timestamp("us", "UTC")), ("label", pa.string()), ("support", pa.int64())])
    )  # fmt: skip


def given(*supports: int, rules: Rules = RULES) -> tuple[list[int], release.Audit]:
    """Return the counts of five minutes that are published beside that of their hour, and the audit."""
    there = {"products/flow": flow(*supports), "products/mix": mix(sum(supports))}
    made = release.gate(there, rules)
    return made["products/flow"]["support"].to_pylist(), release.audit(there, made, rules)


def test_a_row_needs_k_and_a_margin_for_vehicles_that_count_twice():
    assert [release.least(Rules(split_rate=rate)) for rate in (0.0, 0.1, 0.15, 0.2)] == [11, 11, 12, 12]
    assert release.gate({"flow": flow(11, 12, 40)}, RULES)["flow"]["support"].to_pylist() == [10, 40]


def test_counts_are_multiples_of_five_and_never_below_k():
    assert given(12, 13, 17, 18)[0] == [10, 15, 15, 20]
    assert release.rounded(flow(13)["support"].to_numpy(), Rules(k=12)).tolist() == [15]
    assert release.rounded(flow(7)["support"].to_numpy(), Rules(k=6)).tolist() == [6]


def test_what_was_withheld_cannot_be_had_back_by_subtraction():
    there = {"products/flow": flow(60, 50, 3), "products/mix": mix(113)}
    told = {name: rows.filter(pa.compute.field("support") >= 12) for name, rows in there.items()}
    assert release.audit(there, told, Rules(round_to=1)).recoverable_cells == 1
    for rules in (RULES, Rules(round_to=1)):
        assert release.audit(there, release.gate(there, rules), rules).recoverable_cells == 0


def test_rounding_alone_hides_little():
    made, audit = given(60, 3)
    assert audit.withheld["flow"]["small"] == 1
    assert (made, audit.withheld["flow"]["beside"] + audit.withheld["mix"]["beside"]) != ([60], 0)


def test_nothing_more_is_withheld_where_many_small_rows_hide_one_another():
    made, audit = given(60, *[6] * 8)
    assert made == [60]
    assert (audit.withheld["flow"], audit.withheld["mix"]["beside"]) == ({"rows": 9, "small": 8, "beside": 0}, 0)


def test_a_row_is_hidden_as_well_where_the_sum_only_bounds_it():
    one, other = flow(40), flow(2, heading="S")
    there = {"flow": pa.concat_tables([one, other]), "occupancy": flow(44).drop(["heading"])}
    told = {"flow": one, "occupancy": there["occupancy"]}
    assert release.audit(there, told, RULES).recoverable_cells == 1
    assert release.audit(there, release.gate(there, RULES), RULES).recoverable_cells == 0


def test_an_audit_names_rows_that_are_too_small_and_rows_nobody_knows():
    there = {"flow": flow(3, 40)}
    audit = release.audit(there, {"flow": pa.concat_tables([there["flow"], flow(40, camera="b")])}, RULES)
    assert (audit.k_violations, audit.withheld["flow"]["small"]) == (2, 0)


def test_the_cost_is_the_mean_error_of_large_cells():
    audit = given(52, 97, 3, 30, rules=RULES)[1]
    assert audit.large_cells == 3
    assert audit.mape_withheld >= audit.mape >= 0
    assert release.audit({"flow": flow(52)}, {"flow": flow(50)}, RULES).mape == pytest.approx(2 / 52)


def test_nothing_at_all_is_released_and_audited_as_nothing():
    there = {"products/flow": flow(), "products/mix": mix(0).slice(1)}
    audit = release.audit(there, release.gate(there, RULES), RULES)
    assert (audit.cells, audit.k_violations, audit.recoverable_cells, audit.mape, audit.trips_kept) == (
        0,
        0,
        0,
        None,
        None,
    )
    assert release.audit({}, {}, RULES).cells == 0
