from src import predict


def test_tomorrow_is_like_today() -> None:
    assert predict([3.0, 5.0]) == 5.0
