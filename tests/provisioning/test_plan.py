"""Plans: only what we declare is compared, and a plan can be read before anything happens."""

from provisioning.kind import Object
from provisioning.plan import Action, Change, Difference, compare, counts, differences


def test_fields_the_server_added_are_not_ours() -> None:
    observed = {"spec": {"hard": {"pods": "20"}, "scopes": ["x"]}, "status": {"used": {}}, "metadata": {"uid": "1"}}
    assert differences(desired={"spec": {"hard": {"pods": "20"}}}, observed=observed) == ()


def test_a_changed_a_missing_and_a_nested_field() -> None:
    found = differences(desired={"a": 1, "b": {"c": "x", "d": "y"}}, observed={"a": 2, "b": {"c": "x"}})
    assert found == (Difference("a", 2, 1), Difference("b.d", None, "y"))


def test_lists_are_compared_whole() -> None:
    assert differences(desired={"l": [{"n": "a"}]}, observed={"l": [{"n": "a", "added": True}]}) == ()
    assert differences(desired={"l": [1]}, observed={"l": [1, 2]}) == (Difference("l", [1, 2], [1]),)


def test_empty_is_the_same_as_absent() -> None:
    assert differences(desired={"a": {}, "b": [], "c": ()}, observed={}) == ()


def test_a_plan_for_four_things() -> None:
    desired = [
        Object(key="new", body={"a": 1}),
        Object(key="other", body={"a": 1}),
        Object(key="same", body={"a": 1}),
        Object(key="unwanted", body=None),
        Object(key="never there", body=None),
    ]
    observed = {"new": None, "other": {"a": 2}, "same": {"a": 1}, "unwanted": {"a": 1}}
    changes = compare(kind="k", desired=desired, observed=observed)
    assert changes == (
        Change("k", "new", Action.CREATE),
        Change("k", "other", Action.UPDATE, (Difference("a", 2, 1),)),
        Change("k", "same", Action.KEEP),
        Change("k", "unwanted", Action.DELETE),
    )
    assert counts(changes) == {"create": 1, "update": 1, "delete": 1, "keep": 1}


def test_a_sensitive_difference_shows_no_value() -> None:
    desired = [Object(key="Secret/s", body={"data": {"k": "hidden-new"}}, sensitive=True)]
    (change,) = compare(kind="credentials", desired=desired, observed={"Secret/s": {"data": {"k": "hidden-old"}}})
    assert "hidden" not in str(change.as_dict())
    assert change.action is Action.UPDATE
