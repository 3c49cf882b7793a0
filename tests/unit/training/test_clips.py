"""The demo's files mix what real backlogs mix."""

from training.clips import CLIPS, reference_text, spoken_in
from training.voices import held_out_voices


def test_rates_formats_and_layouts_are_mixed() -> None:
    assert {8_000, 16_000, 22_050, 44_100, 48_000} <= {clip.packing.rate_hz for clip in CLIPS}
    assert {"wav", "mp3", "flac", "ogg", "webm", "mp4"} <= {c.packing.container for c in CLIPS}
    assert any(clip.packing.stereo for clip in CLIPS)
    assert any(clip.picture for clip in CLIPS)


def test_both_languages_a_folder_and_a_name_beyond_ascii_are_there() -> None:
    assert {clip.language for clip in CLIPS} == {"en", "zh"}
    assert any("/" in clip.file for clip in CLIPS)
    assert any(not clip.file.isascii() for clip in CLIPS)


def test_only_held_out_voices_speak() -> None:
    for clip in CLIPS:
        assert {said.voice for said in spoken_in(clip)} <= set(held_out_voices(clip.language))


def test_no_file_is_named_twice_and_every_reference_has_words() -> None:
    assert len({clip.file for clip in CLIPS}) == len(CLIPS)
    assert all(reference_text(clip).strip() for clip in CLIPS)
