"""PHP's nested arrays in query strings."""

import pytest

from sandbox.splynx.php import Tree, members, parse


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        pytest.param("a=1&b=", {"a": "1", "b": ""}, id="plain"),
        pytest.param("a[b]=1&a[c]=2", {"a": {"b": "1", "c": "2"}}, id="an array"),
        pytest.param("a%5Bb%5D=x%20y", {"a": {"b": "x y"}}, id="percent-encoded"),
        pytest.param("a[b][0]=IN&a[b][1][0]=n", {"a": {"b": {"0": "IN", "1": {"0": "n"}}}}, id="nested"),
        pytest.param("a[]=x&a[]=y", {"a": {"0": "x", "1": "y"}}, id="numbered by itself"),
        pytest.param("a=1&a[b]=2", {"a": {"b": "2"}}, id="an array wins over a text"),
        pytest.param("a=1&a=2", {"a": "2"}, id="the last one wins"),
    ],
)
def test_a_query_becomes_a_tree(text: str, tree: Tree) -> None:
    assert parse(text) == tree


def test_members_are_the_texts_of_an_array() -> None:
    assert members({"0": "a", "1": "b", "2": {"0": "c"}}) == ["a", "b"]
    assert members("a") == ["a"]
