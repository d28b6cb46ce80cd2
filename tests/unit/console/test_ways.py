"""What the ways into Splynx cost is told by the doctor, before anything is written."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from console import doctor_splynx
from plumbing.settings import Settings
from tests.unit.schemas.test_ownership import RULES


@pytest.mark.parametrize(
    ("beside", "rule", "told"),
    [
        pytest.param(True, "", ["every entity goes its usual way"], id="beside Splynx's database"),
        pytest.param(False, "", ["payment: one by one over REST"], id="without it"),
        pytest.param(True, "write_paths: {payment: rest}\n", ["payment: one by one over REST"], id="the rules say so"),
        pytest.param(
            False, "write_paths: {payment: sql}\n", ["payment: not written: it needs SQL"], id="it cannot be had"
        ),
    ],
)
async def test_the_doctor_names_what_each_way_costs(tmp_path: Path, beside: bool, rule: str, told: list[str]) -> None:
    (tmp_path / "rules.yaml").write_text(RULES + rule)
    settings = cast(Settings, SimpleNamespace(rules=tmp_path / "rules.yaml", ledger_beside_rows=beside))
    findings: Any = await doctor_splynx.ways(settings)
    assert all(one.ok and one.check == "write paths" for one in findings)
    assert len(findings) == len(told)
    assert all(one.says.startswith(says) for one, says in zip(findings, told, strict=True))
