"""Which picture format a file claims to be, by its first bytes; whatever is not one of six is nothing."""

from roseau.domain.media.decoding.messages import Format

# The head must reach the compatible brands of an ISO media file (ISO/IEC 14496-12, section 4.3).
HEAD_BYTES = 64

_AVIF_BRANDS = {b"avif", b"avis"}
_HEIC_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx"}


def find_format(head: bytes) -> Format | None:
    """Name the format that the first `HEAD_BYTES` of a file announce, or None for everything we refuse."""
    if head.startswith(b"\xff\xd8\xff"):
        return "jpeg"
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return "png"
    if head.startswith((b"GIF87a", b"GIF89a")):
        return "gif"
    if head.startswith(b"RIFF") and head[8:12] == b"WEBP":
        return "webp"
    if head[4:8] == b"ftyp":
        return _find_iso_format(head)
    return None


def _find_iso_format(head: bytes) -> Format | None:
    # Cameras write the neutral brand "mif1" first and tell the coding among the compatible ones.
    end = min(int.from_bytes(head[:4], "big"), len(head))
    brands = {head[8:12], *(head[at : at + 4] for at in range(16, end - 3, 4))}
    if brands & _AVIF_BRANDS:
        return "avif"
    if brands & _HEIC_BRANDS:
        return "heic"
    return None
