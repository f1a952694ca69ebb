"""What is published hides every vehicle in k others, whatever is added up or taken away."""

from dataclasses import dataclass
from itertools import product

import pyarrow as pa
import pytest
from builders import at

from pipeline import release
from pipeline.release import sums


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


def od(*trips: tuple[str, str, int]) -> pa.Table:
    return pa.table({
        "first_zone": [one for one, _, _ in trips], "last_zone": [two for _, two, _ in trips],
        "hour_at": pa.array([at(0)] * len(trips), pa.timestamp("us", "UTC")), "support": [count for _, _, count in trips],
    })  # fmt: skip


def zones(**of: str) -> pa.Table:
    return pa.table({"zone": list(of.values()), "camera_id": list(of), "support": [20] * len(of)})


def test_two_revisions_tell_of_the_few_that_came_or_went():
    one, other = flow(20, 20, 20), flow(20, 25, 40)
    assert release.differences({"flow": one}, {"flow": other}, RULES).rows == {"flow": 1}
    assert release.differences({"flow": one}, {"flow": other}, RULES).told == 1
    assert release.differences({"flow": one}, {"flow": one}, RULES).told == 0
    assert release.differences({"flow": one}, {"flow": flow()}, RULES).told == 0


def test_zones_that_overlap_tell_of_the_few_between():
    whole = {"od": od(("A", "B", 50)), "zones": zones(a="A", b="B", c="B")}
    told = {"od": od(("A", "b", 45)), "zones": zones(a="A", b="b", c="c")}
    assert release.differences(whole, told, RULES).zones == 1
    hidden = told | {"od": od(("A", "b", 25))}
    assert release.differences(whole, hidden, RULES).zones == 0
    assert release.differences(whole, whole, RULES).zones == 0
    other = told | {"od": od(("A", "b", 95))}
    assert release.differences(whole, other, RULES).zones is None


def test_a_camera_of_which_nothing_can_be_published_is_withheld_whole():
    there = {"flow": flow(5), "mix": mix(5), "counts": mix(11).drop(["label"]), "occupancy": flow(11).drop(["heading"])}
    made = release.gate(there, RULES)
    assert not any(rows.num_rows for rows in made.values())
    assert release.audit(there, made, RULES).recoverable_cells == 0


def open_to(x: tuple[int, ...], told: dict[int, int], total: int, rules: Rules) -> list[tuple[int, int]]:
    """Try every night that would have been published so: the least and most of each withheld five minutes."""
    most = range(
        release.least(rules) if all(n < release.least(rules) for at, n in enumerate(x) if at not in told) else 60
    )
    shown = [
        range(max(told[at] - 2, release.least(rules)), told[at] + 3) if at in told else most for at in range(len(x))
    ]
    nights = [each for each in product(*shown) if abs(sum(each) - total) <= 2]
    return [
        (min(night[at] for night in nights), max(night[at] for night in nights))
        for at in range(len(x))
        if at not in told
    ]


@pytest.mark.parametrize("x", [(60, 3, 14), (20, 11, 1), (13, 12, 40), (5, 6, 12), (30, 4, 25)])
def test_trying_every_possible_night_leaves_each_withheld_count_open(x: tuple[int, ...]):
    there = {"flow": flow(*x), "mix": mix(sum(x))}
    made = release.gate(there, RULES)
    told = {row["interval_at"]: row["support"] for row in made["flow"].to_pylist()}
    shown = {n: told[at(300 * n)] for n in range(len(x)) if at(300 * n) in told}
    assert len(shown) < len(x) or min(x) >= 12
    for total in made["mix"]["support"].to_pylist():
        assert all(high - low >= RULES.k for low, high in open_to(x, shown, total, RULES))


def test_a_product_that_tells_nothing_but_the_night_is_one_row():
    night = {"totals": pa.table({"vehicles": [40], "support": [40]})}
    assert release.audit(night, release.gate(night, RULES), RULES).k_violations == 0


def test_shares_of_a_whole_are_published_together_or_not_at_all():
    kinds = pa.concat_tables([mix(14), mix(30).set_column(2, "label", pa.array(["bus"]))])
    there = {"flow": flow(40, 4), "mix": kinds, "counts": mix(44).drop(["label"])}
    cells = sums.laid_out(there, RULES)
    assert len(set(cells.together[cells.of("mix")].tolist())) == 1
    assert len(set(cells.together.tolist())) == 4
    assert release.gate(there, RULES)["mix"].num_rows in (0, 2)
