"""What the mapping names is captured or left out with a reason, or the reference check says so."""

from collections.abc import Mapping
from typing import ClassVar

import pytest
from graphql import build_schema

from schemas.aggregate import Aggregate, Collection
from schemas.records import SonarRecord
from tests.sources import NOT_CAPTURED, SECTIONS, missed, not_grown

SONAR = build_schema("""
type Query {
    houses(paginator: Int): HouseConnection  rooms(paginator: Int): RoomConnection  beds(paginator: Int): BedConnection
    lamps(paginator: Int): LampConnection  lamp_shades(paginator: Int): LampShadeConnection
    town_setting: TownSetting  nearest_shop(to: ID): Shop  today: String
}
type HouseConnection { entities: [House] }  type House { _version: String id: ID name: String rooms: RoomConnection }
type RoomConnection { entities: [Room] }  type Room { id: ID house_id: ID kind: String house: House }
type BedConnection { entities: [Bed] }  type Bed { id: ID }
type LampConnection { entities: [Lamp] }  type Lamp { id: ID watts: Int house: House }
type LampShadeConnection { entities: [LampShade] }  type LampShade { id: ID color: String }
type TownSetting { zone: String }  type Shop { id: ID }
""")


class Room(SonarRecord):
    left_out: ClassVar = {"house_id": "it is its house's id"}

    id: int
    kind: str


class House(SonarRecord):
    id: int
    name: str
    rooms: list[Room] | None = None


class HouseOf(SonarRecord):
    name: str


class Lamp(SonarRecord):
    id: int
    house: HouseOf | None = None


HOUSE = Aggregate("house", Collection("houses", House, "House"))
LAMP = Aggregate("lamp", Collection("lamps", Lamp, "Lamp"))


def found(*of_sections: str, of: tuple[Aggregate, ...] = (HOUSE, LAMP), left_out: Mapping[str, str] = {}) -> list[str]:
    """What is missed of a mapping whose sections that count begin with these texts."""
    texts = dict(zip(SECTIONS, of_sections, strict=False))
    mapping = "".join(f"## {number} Title\n{texts.get(str(number), '')}\n" for number in range(10))
    return missed(mapping, SONAR, of, left_out)


def test_roots_and_what_nests_in_them_are_captured() -> None:
    assert found("| `House`, `Room` | by `houses` |", "`Lamp.watts`") == []


@pytest.mark.parametrize(
    "text", ["`Bed`", "`beds`", "`Bed.id`", "sum over `a + Bed.id / 2`"], ids=["type", "query", "field", "formula"]
)
def test_what_is_named_and_not_read_is_missed(text: str) -> None:
    for section in range(len(SECTIONS)):
        assert found(*[""] * section, text) == ["Bed: the mapping names it, and no aggregate reads its id"]


def test_only_back_ticked_names_of_collections_and_settings_count() -> None:
    assert found("Bed and beds, `Room.beds`, `a * b`, `Shop`, `nearest_shop`, `today`, `String`, `bed`") == []
    assert found("`town_setting`") == ["TownSetting: the mapping names it, and no aggregate reads its zone"]


def test_other_sections_name_nothing() -> None:
    assert missed("## 2 A\n`Bed`\n## 3 B\n## 4 C\n## 7 D\n## 8 E\n## 9 F\n`Bed`", SONAR, [HOUSE], {}) == []


def test_a_section_that_is_not_found_is_told() -> None:
    assert missed("## 3 B\n### 4 C\n## 7 D\n## 8 E", SONAR, [HOUSE], {}) == ["the mapping has no section 4"]


def test_a_star_stands_for_all_that_begin_or_end_so() -> None:
    assert found("`Lamp*`") == ["LampShade: the mapping names it, and no aggregate reads its color, id"]
    assert found("`*Shade`") == found("`Lamp*`")


def test_a_relation_that_shows_only_some_of_a_row_does_not_stand_for_it() -> None:
    assert found("`House`", of=(LAMP,)) == ["House: the mapping names it, and no aggregate reads its id"]
    assert found("`Room`", of=(LAMP,)) == ["Room: the mapping names it, and no aggregate reads its house_id, id, kind"]


def test_what_is_left_out_has_to_be_named_and_read_by_none() -> None:
    assert found("`Bed`", left_out={"Bed": "nobody sleeps"}) == []
    assert found("`Room`", left_out={"Bed": "nobody sleeps", "Room": "too small", "House": "sold"}) == [
        "Bed: left out, and the mapping does not name it",
        "House: left out, and the mapping does not name it",
        "Room: left out, and captured all the same",
    ]


def test_whatever_is_left_out_has_a_reason() -> None:
    assert all(why.strip() for why in NOT_CAPTURED.values())


GROWN = """## 0. Rules
### 0.2 Generations
| Item | first | newer |
|---|---|---|
| Rooms with more than one lamp | `dim` | when `TownSetting.lit` = true |
| `watts` on `Lamp`, `Bed` | absent | nullable `ID` |
| `Room`, `House` | `kind` | + `level`, connection `rooms` |
### 0.3 Notation
| `Bed` | - | + `softness` |
"""
DRIFT = """## 10. Schema drift
| later | Lamp/LampShade.color, House.name and Shop.open in `TownSetting` |
## 11. Entities
Bed.size
"""


def test_what_the_newer_generation_is_said_to_have_and_lacks_is_reported() -> None:
    assert not_grown(GROWN, DRIFT, SONAR) == [
        "Bed.watts",
        "House.level",
        "Lamp.color",
        "Room.level",
        "Room.rooms",
        "Shop.open",
        "TownSetting.lit",
    ]


def test_a_table_of_generations_that_is_not_found_is_told() -> None:
    assert not_grown("## 0. Rules", "## 9. Errors", SONAR) == [
        "the mapping's table of generations cannot be read",
        "the notes on drift cannot be read",
    ]
