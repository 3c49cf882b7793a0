"""A recording whose rate or channels change is decoded to its end."""

import numpy as np
import pytest

from funasr_fleet.worker.audio.decoding.decode import decode_pieces
from tests.support.audio import Planes, as_file
from tests.support.examples import a_shard
from tests.support.fake_pipeline import Workbench
from tests.support.odd_audio import joined
from tests.support.rare_formats import ogg_checksum

CHANGES = {
    "rate": ((48_000, 1), (24_000, 1)),
    "channels": ((48_000, 1), (48_000, 2)),
    "fewer channels": ((48_000, 2), (48_000, 1)),
    "back again": ((48_000, 2), (24_000, 1), (48_000, 2)),
}


def decoded(body: bytes) -> tuple[Planes, int, bool]:
    pieces = list(decode_pieces(as_file(body)))
    planes = np.concatenate([piece.planes for piece in pieces], axis=1)
    changed = any(piece.is_new_format for piece in pieces)
    return planes, sum(piece.lost for piece in pieces), changed


@pytest.mark.parametrize(
    ("name", "change"),
    [
        *((name, change) for name in ("mp3", "adts", "ts") for change in CHANGES),
        ("chained opus", "rate"),
    ],
)
def test_every_part_is_decoded_with_the_channels_of_the_first(name: str, change: str) -> None:
    parts = CHANGES[change]
    planes, lost, changed = decoded(joined(name, parts))
    assert planes.shape[0] == parts[0][1]
    assert planes.shape[1] / 16_000 == pytest.approx(3 * len(parts), abs=0.25)
    assert lost / 16_000 < 0.2
    assert changed or name == "chained opus"  # libopus decodes every part at 48 kHz
    for number in range(len(parts)):
        part = planes[0, 16_000 * (3 * number + 1) : 16_000 * (3 * number + 2)]
        assert 0.2 < np.abs(part).max() < 0.6, f"part {number}"


@pytest.mark.parametrize("change", ["channels", "fewer channels", "back again"])
def test_the_part_that_ffmpeg_cannot_read_is_reported_as_lost(change: str) -> None:
    """FFmpeg stops where the number of channels changes in a chained Ogg file."""
    parts = CHANGES[change]
    planes, lost, _ = decoded(joined("chained opus", parts))
    assert planes.shape[1] / 16_000 == pytest.approx(3, abs=0.1)
    assert lost / 16_000 == pytest.approx(3 * (len(parts) - 1), abs=0.05)


def test_a_damaged_page_in_the_rest_does_not_hide_the_other_parts() -> None:
    body = joined("chained opus", CHANGES["back again"])
    assert lost_s(body[:-10]) == pytest.approx(6, abs=0.1)
    middle = len(body) * 3 // 5
    assert lost_s(body[:middle] + b"damaged" + body[middle:]) == pytest.approx(6, abs=0.1)


def test_the_rest_of_a_live_stream_begins_at_its_own_time() -> None:
    first, second = (joined("chained opus", [part]) for part in CHANGES["channels"])
    assert lost_s(first + moved(second, 36_000)) == pytest.approx(2, abs=0.1)  # from its first page


def test_lost_audio_is_no_longer_than_its_bytes_allow() -> None:
    first, second = (joined("chained opus", [part]) for part in CHANGES["channels"])
    rest = moved(second, 1e12, from_page=4)
    assert 3 < lost_s(first + rest) <= len(rest) / 10


def lost_s(body: bytes) -> float:
    return decoded(body)[1] / 16_000


def moved(body: bytes, by_s: float, from_page: int = 2) -> bytes:
    """An Ogg Opus file with later times, from a page on; the first two pages are headers."""
    pages = [b"OggS" + page for page in body.split(b"OggS")[1:]]
    return b"".join(pages[:from_page]) + b"".join(_moved(one, by_s) for one in pages[from_page:])


def _moved(page: bytes, by_s: float) -> bytes:
    time = int.from_bytes(page[6:14], "little") + round(48_000 * by_s)
    page = page[:6] + time.to_bytes(8, "little") + page[14:22] + bytes(4) + page[26:]
    return page[:22] + ogg_checksum(page).to_bytes(4, "little") + page[26:]


def test_a_file_whose_format_changes_is_a_success_with_a_warning(bench: Workbench) -> None:
    bench.run(a_shard(bench.upload_bytes("a.mp3", joined("mp3", CHANGES["back again"]))))
    assert "format_changed" in bench.document("a.mp3.json")["warnings"]
    assert bench.outcomes == ["ok"]
