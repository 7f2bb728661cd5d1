"""Files that a customer sends with a refund request, judged by their content and never by what they claim to be.

An image counts as one when it decodes to its last row, a PDF when it begins and ends like one. That keeps out what only
pretends; it can't promise that a file holds nothing else (a well-formed GIF may carry a script in its comment). So who
serves one sends our `content_type`, as an attachment, with `nosniff` and in a sandbox: then it is never run.

Images are stored as they came, metadata included: they are evidence, and their dates and places are a part of it.
Only their owner and staff can fetch them.
"""

import hashlib
import io
import re
import threading
import unicodedata
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from PIL import Image

from panel.kernel.errors import Refused

MOST_FILES: Final = 3
"""Files with one request; whoever takes them in counts them."""

MOST_BYTES: Final = 5 * 1024 * 1024
"""Bytes of one file. Ask for the size before reading, or read one byte more than this and no further."""

MOST_PIXELS: Final = 25_000_000
"""Pixels of an image, all frames of an animation together. Checking that many takes up to a second and 400 MB (WebP;
170 MB for JPEG), so a process checks one image at a time."""

MOST_FRAMES: Final = 250
LONGEST_NAME: Final = 100

_MOST_SCANS: Final = 50
_START_OF_SCAN: Final = b"\xff\xda"
_PDF_TAIL: Final = 1024
_PDF_START: Final = re.compile(rb"%PDF-[12]\.[0-9]")
_EXTENSION: Final = re.compile(r"\.[A-Za-z][A-Za-z0-9]{0,9}\Z", re.ASCII)
_UNSEEN: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Zl", "Zp"})

_ONE_AT_A_TIME: Final = threading.Lock()

# Beyond this Pillow warns, and beyond twice as much it refuses by itself, also in the midst of an animation.
Image.MAX_IMAGE_PIXELS = MOST_PIXELS


class Kind(StrEnum):
    """What a file is, by its content; the value is the content type that it is served with."""

    PNG = "image/png"
    JPEG = "image/jpeg"
    WEBP = "image/webp"
    GIF = "image/gif"
    PDF = "application/pdf"


EXTENSIONS: Final[dict[Kind, tuple[str, ...]]] = {
    Kind.PNG: (".png",),
    Kind.JPEG: (".jpg", ".jpeg"),
    Kind.WEBP: (".webp",),
    Kind.GIF: (".gif",),
    Kind.PDF: (".pdf",),
}
"""The extensions that fit, the one that is given to a file without a fitting one first."""


class FileRefused(Refused):
    """A file can't be taken; the sentence names it and says why. The field is `files`."""

    code = "file_refused"

    def __init__(self, name: str, why: str) -> None:
        """Say why the file of this name, already made harmless, is refused."""
        super().__init__(f"“{name}” {why}", field="files")


@dataclass(frozen=True, slots=True)
class Upload:
    """A file as it came: the name that the browser gave, and all of its bytes."""

    name: str
    content: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class CheckedFile:
    """A file that may be stored.

    Attributes:
        name: harmless, at most 100 characters, with an extension that fits the content.
        content_type: by the content, such as `image/png`.
        size: in bytes.
        sha256: of the content, in hex.
    """

    name: str
    content_type: str
    size: int
    sha256: str
    content: bytes = field(repr=False)


def checked(upload: Upload) -> CheckedFile:
    """Return the file as it may be stored.

    Raises FileRefused: it is empty or too large, neither one of the images nor a PDF, damaged, or would unfold to more
    than MOST_PIXELS or MOST_FRAMES.
    """
    content = upload.content
    plain = _harmless(upload.name)
    if not content:
        raise FileRefused(plain, "is empty.")
    if len(content) > MOST_BYTES:
        raise FileRefused(plain, f"is larger than {MOST_BYTES // 1024**2} MB.")
    kind = _kind(content)
    if kind is None:
        raise FileRefused(plain, "is neither an image (PNG, JPEG, WebP, GIF) nor a PDF, whatever its name says.")
    if kind is Kind.PDF:
        if b"%%EOF" not in content[-_PDF_TAIL:]:
            raise FileRefused(plain, "is an incomplete PDF: its end is missing.")
    else:
        _unfold(plain, content, kind)
    return CheckedFile(
        name=_with_extension(plain, kind),
        content_type=kind.value,
        size=len(content),
        sha256=hashlib.sha256(content).hexdigest(),
        content=content,
    )


def _kind(content: bytes) -> Kind | None:
    """Say what the file begins as. Its first byte counts: what has something in front is something else."""
    if content.startswith(b"\x89PNG\r\n\x1a\n"):
        return Kind.PNG
    if content.startswith(b"\xff\xd8\xff"):
        return Kind.JPEG
    if content.startswith((b"GIF87a", b"GIF89a")):
        return Kind.GIF
    if content.startswith(b"RIFF") and content[8:12] == b"WEBP":
        return Kind.WEBP
    return Kind.PDF if _PDF_START.match(content) else None


def _unfold(name: str, content: bytes, kind: Kind) -> None:
    """Decode every frame within the limits; the pixels are thrown away. Raises FileRefused."""
    if kind is Kind.JPEG and content.count(_START_OF_SCAN) > _MOST_SCANS:
        # Each scan of thirty bytes makes the decoder go over the whole image again, for hours if one lets it.
        raise FileRefused(name, "is built so that it takes too long to open.")
    try:
        with _ONE_AT_A_TIME:
            with _opened(content, kind) as image:
                image.verify()  # the check sums of a PNG, which decoding does not look at
            with _opened(content, kind) as image:
                _decode(name, image, kind)
    except FileRefused:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise _too_large(name) from error
    except Exception as error:  # what a decoder raises about a stranger's bytes is anybody's guess
        raise FileRefused(name, f"is damaged or incomplete: it can't be opened as a {kind.name} image.") from error


def _opened(content: bytes, kind: Kind) -> Image.Image:
    return Image.open(io.BytesIO(content), formats=(kind.name,))


def _decode(name: str, image: Image.Image, kind: Kind) -> None:
    pixels = 0
    for frame in range(MOST_FRAMES):
        pixels += image.width * image.height
        if pixels > MOST_PIXELS:
            raise _too_large(name)
        image.load()
        # Further pictures in a JPEG are previews and depth maps, to which phones point wrongly often enough.
        if kind is Kind.JPEG or not _advanced(image, frame + 1):
            return
    raise FileRefused(name, f"has too many frames: at most {MOST_FRAMES} are allowed.")


def _advanced(image: Image.Image, frame: int) -> bool:
    try:
        image.seek(frame)
    except EOFError:  # Pillow's word for: there is none
        return False
    return True


def _too_large(name: str) -> FileRefused:
    return FileRefused(
        name, f"has too many pixels: at most {MOST_PIXELS // 10**6} million, all frames of an animation together."
    )


def _harmless(name: str) -> str:
    """Return the last component of the name without what can't be seen or turns the direction of writing."""
    last = re.split(r"[/\\]", unicodedata.normalize("NFC", name))[-1]
    seen = "".join(" " if character.isspace() else character for character in last if _is_seen(character))
    short = " ".join(seen.split()).strip(". ")[:LONGEST_NAME].rstrip()
    return short or "file"


def _is_seen(character: str) -> bool:
    return unicodedata.category(character) not in _UNSEEN


def _with_extension(name: str, kind: Kind) -> str:
    fitting = EXTENSIONS[kind]
    stem = _EXTENSION.sub("", name).rstrip(". ")
    for candidate in (name, stem):  # of `bill.pdf.exe` with a PDF in it, `bill.pdf` is left
        if candidate.lower().endswith(fitting):
            return candidate
    return stem[: LONGEST_NAME - len(fitting[0])].rstrip(". ") + fitting[0]
