"""JSON as JavaScript writes it; the values on the right are what Node's `JSON.stringify` gives."""

import json

import pytest

from connector.sandbox.javascript import stringify


@pytest.mark.parametrize(
    ("given", "written"),
    [
        ('{"a": [1, true, null, "x"], "b": {}}', '{"a":[1,true,null,"x"],"b":{}}'),
        ("1.0", "1"),
        ("-1.50", "-1.5"),
        ("-0.0", "0"),
        ("0.1", "0.1"),
        ("0.000001", "0.000001"),
        ("1e-7", "1e-7"),
        ("1.25e-9", "1.25e-9"),
        ("1e16", "10000000000000000"),
        ("123456789012345680000", "123456789012345680000"),
        ("1e21", "1e+21"),
        ("1.5e300", "1.5e+300"),
        ("9007199254740993", "9007199254740992"),
        ("1" + "0" * 400, "null"),
        (r'"é \u2028 \u0001 \n \"\\ / \ud83d\ude00"', '"é \u2028 \\u0001 \\n \\"\\\\ / 😀"'),
        (r'"\ud83d"', r'"\ud83d"'),
        ('{"b": 1, "10": 2, "2": 3, "02": 4, "-1": 5}', '{"2":3,"10":2,"b":1,"02":4,"-1":5}'),
        ('{"4294967295": 1, "4294967294": 2}', '{"4294967294":2,"4294967295":1}'),
    ],
)
def test_stringify(given: str, written: str) -> None:
    assert stringify(json.loads(given)) == written
