"""The usual names of a language become one code; unknown languages are rejected."""

import pytest
from pydantic import ValidationError

from funasr_fleet.contract.job import Options, Shard
from funasr_fleet.contract.language import UnknownLanguage, code_among, language_code
from tests.support.examples import a_ref, a_shard


@pytest.mark.parametrize(
    ("given", "code"),
    [
        *((given, "en") for given in ("en", "EN", " en ", "eng", "en_US", "en-gb", "English")),
        *((given, "zh") for given in ("ZH", "zh-CN", "zh_Hans_CN", "zh-Hant-TW", "cmn", "chinese")),
        *((given, "zh") for given in ("mandarin", "\u4e2d\u6587")),
        *((given, "yue") for given in ("yue", "zh-yue", "cantonese", "\u7ca4\u8bed")),
        *((given, "de") for given in ("german", "Deutsch", "ger", "deu", "de-AT")),
        *((given, "ja") for given in ("ja_JP", "jpn", "\u65e5\u672c\u8a9e")),
        *((given, "fil") for given in ("tl", "fil", "tagalog", "Filipino")),
        *((given, "sr") for given in ("sh", "Serbo-Croatian", "serbian", "sr-Latn")),
        *((given, "nl") for given in ("Flemish", "nl-BE")),
        ("sq-XK", "sq"),
        ("es-419", "es"),
        ("english (us)", "en"),
        ("iw", "he"),
        ("haw", "haw"),
        ("arb", "ar"),
        *((given, given) for given in ("la", "sa", "su", "ln", "ba", "oc", "eo", "bo", "nn")),
        *((given, None) for given in ("auto", "AUTO", "", " ")),
    ],
)
def test_the_usual_forms_of_a_language_become_its_code(given: str, code: str | None) -> None:
    assert language_code(given) == Options(language=given).language == code


@pytest.mark.parametrize(
    "given",
    [
        *(
            "xx",
            "*",
            "en,zh",
            "en-",
            "foo",
            "englsh",
            "C",
            "e",
            "123",
            "\0",
            "a\0bzh",
            "\0german",
            "german\0",
        ),
        *("und", "mul", "mis", "zxx", "any"),
        *("x-foo", "qaa", "qtz", "x-klingon"),  # private use
        *("english1", "chinese2", "1english"),
        *("en-xx", "en-XX", "zh-ZZ", "de-AA", "fr-QQ", "en-XA"),  # no regions
        *("i-default", "en-x-foo"),
        *("cpe", "crp", "zhx", "creoles and pidgins", "chinese (family)"),
        *("art", "ine", "sem", "nai", "roa", "slavic languages"),  # collections
    ],
)
def test_an_unknown_language_is_refused(given: str) -> None:
    with pytest.raises(UnknownLanguage):
        language_code(given)
    with pytest.raises(ValidationError, match="must be a language, such as en, zh-CN or german"):
        Options(language=given)


def test_a_file_may_override_the_language_of_its_job_with_auto() -> None:
    files = (a_ref(options={"language": "auto"}), a_ref(options={"language": "German"}))
    shard = Shard.from_message(a_shard(*files, options={"language": "english"}).to_message())
    assert shard.options.language == "en"
    assert [shard.options.overlaid(ref).language for ref in shard.files] == [None, "de"]


@pytest.mark.parametrize(
    ("code", "languages", "found"),
    [
        ("en", ("zh", "en"), "en"),
        ("jv", ("en", "jw"), "jw"),
        ("fil", ("tl",), "tl"),
        ("nb", ("no", "da"), "no"),
        ("yue", ("zh", "en"), None),
        ("gl", ("pt", "es"), None),
        ("gsw", ("de",), None),
        ("en", (), "en"),
    ],
)
def test_only_another_code_of_the_same_language_is_found(
    code: str, languages: tuple[str, ...], found: str | None
) -> None:
    assert code_among(code, languages) == found
