"""An output prefix names one folder, also in stores that map keys to paths."""

import pytest

from funasr_fleet.contract.layout import MAX_KEY_BYTES, check_output

LEAVING = [
    *("s3://out/../", "s3://out/a/../b/", "s3://out/./", "s3://out/a/./", "s3://../a/", "s3://./"),
    *("s3://out/a/\u2025/", "s3://out/\uff0e\uff0e/", "s3://out/a\uff0f..\uff0fb/"),
]
UNSAFE = [
    *(f"s3://out/a{chr(number)}b/" for number in (0, 1, 9, 10, 13, 27, 0x7F, 0x85, 0x9B)),
    *("s3://out/a\\..\\b/", "s3://out/\u202ea/", "s3://out/a\u2028b/", "s3://out/\ud800/"),
    *("s3://o\x1but/a/", "s3://o\\ut/a/"),
]
KEPT = [
    *(
        "s3://out/",
        "s3://out/a b/",
        "s3://out/..a/",
        "s3://out/a../",
        "s3://out/a.b/",
        "s3://o/.a/",
    ),
    *("s3://out/%2e%2e/", "s3://out/%2F_jobs/", "s3://out/a//b/", "s3://out/a /", "s3://out/A/"),
    *("s3://out/\u7535\u8bdd/", "s3://out/caf\u00e9/", "s3://out/cafe\u0301/"),
    f"s3://out/{'a' * (MAX_KEY_BYTES - 1)}/",
]


@pytest.mark.parametrize("uri", LEAVING)
def test_a_prefix_that_could_leave_its_folder_is_rejected(uri: str) -> None:
    with pytest.raises(ValueError, match=r"the path component '\.' or '\.\.'"):
        check_output(uri)


@pytest.mark.parametrize("uri", UNSAFE)
def test_a_prefix_with_characters_that_are_never_shown_is_rejected(uri: str) -> None:
    with pytest.raises(ValueError, match="backslashes, control characters or unsafe Unicode"):
        check_output(uri)


def test_a_prefix_that_leaves_no_room_for_names_is_rejected() -> None:
    for name in ("a" * MAX_KEY_BYTES, "\u6f22" * (MAX_KEY_BYTES // 3)):
        with pytest.raises(ValueError, match=f"at most {MAX_KEY_BYTES} bytes"):
            check_output(f"s3://out/{name}/")


@pytest.mark.parametrize("uri", KEPT)
def test_other_prefixes_are_accepted_unchanged(uri: str) -> None:
    assert check_output(uri) == uri
