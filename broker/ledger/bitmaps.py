"""PURE: bitmaps of files, as LedgerReader.bitmap returns them, and the script that reads one."""


def has_bit(bitmap: bytes | bytearray, index: int) -> bool:
    """Whether the bit of a file index is set."""
    return index // 8 < len(bitmap) and bool(bitmap[index // 8] & (128 >> index % 8))


def bits_of(bitmap: bytes | bytearray) -> list[int]:
    """Indexes of the bits that are set."""
    return [
        8 * place + bit
        for place, byte in enumerate(bitmap)
        if byte
        for bit in range(8)
        if byte & (128 >> bit)
    ]


HEX = """
local raw = redis.call('GET', KEYS[1]) or ''
return (raw:gsub('.', function(c) return string.format('%02x', c:byte()) end))
"""
"""Returns a bitmap in hex, since the client decodes all replies as text."""
