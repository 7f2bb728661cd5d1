import hashlib
import io
import struct
import warnings
import zlib
from collections.abc import Callable

import pytest
from PIL import Image

from panel.kernel.errors import Refused
from refunds import uploads
from refunds.uploads import CheckedFile, Upload

PDF = b"%PDF-1.7\n1 0 obj\n<< /Type /Catalog >>\nendobj\nstartxref\n9\n%%EOF\n"
SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'
HTML = b"<!DOCTYPE html><html><body><script>alert(1)</script></body></html>"
TEST_VIRUS_TEXT = rb"X5O!P%@AP[4\PZX54(P^)7CC)7}$TEST-" + b"FILE!$H+H*"
CRUDE_POLYGLOT = b"GIF89a=1;alert(document.domain)//"


def drawn(image_format: str, size: tuple[int, int] = (40, 30), **options: object) -> bytes:
    """An image with something in it, so that its data is more than a few bytes."""
    image = Image.effect_noise(size, 80).convert("RGB")
    target = io.BytesIO()
    image.save(target, image_format, **options)
    return target.getvalue()


def animated(image_format: str, frames: int, size: tuple[int, int] = (1, 1)) -> bytes:
    pictures = [Image.new("RGB", size, (number * 83 % 256, number * 47 % 256, 90)) for number in range(frames)]
    target = io.BytesIO()
    pictures[0].save(target, image_format, save_all=True, append_images=pictures[1:], duration=40)
    return target.getvalue()


def png_chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png_of_zeros(side: int) -> bytes:
    """A PNG of one bit a pixel, side by side of them: a hundred megapixels fit into some kilobytes."""
    packer = zlib.compressobj(9)
    row = bytes(1 + (side + 7) // 8)
    data = b"".join(packer.compress(row) for _ in range(side)) + packer.flush()
    header = struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + png_chunk(b"IHDR", header) + png_chunk(b"IDAT", data) + png_chunk(b"IEND", b"")


def jpeg_of_scans(scans: int) -> bytes:
    """A progressive JPEG whose last scan is repeated."""
    plain = drawn("JPEG", progressive=True)
    last = plain[plain.rindex(b"\xff\xda") : -2]
    return plain[:-2] + last * scans + plain[-2:]


def refused(name: str, content: bytes) -> str:
    with pytest.raises(uploads.FileRefused) as refusal:
        uploads.checked(Upload(name, content))
    assert isinstance(refusal.value, Refused)
    assert (refusal.value.code, refusal.value.field) == ("file_refused", "files")
    return refusal.value.message


@pytest.mark.parametrize(
    ("name", "content", "content_type"),
    [
        ("screen.png", drawn("PNG"), "image/png"),
        ("photo.JPEG", drawn("JPEG"), "image/jpeg"),
        ("photo.jpg", drawn("JPEG", progressive=True), "image/jpeg"),
        ("shot.webp", drawn("WEBP"), "image/webp"),
        ("shot.webp", drawn("WEBP", lossless=True), "image/webp"),
        ("still.gif", drawn("GIF"), "image/gif"),
        ("moving.gif", animated("GIF", 20), "image/gif"),
        ("moving.png", animated("PNG", 20), "image/png"),
        ("moving.webp", animated("WEBP", 20), "image/webp"),
        ("bill.pdf", PDF, "application/pdf"),
        ("bill.pdf", PDF + b"\x00" * 900, "application/pdf"),
    ],
)
def test_takes_images_and_pdfs_byte_for_byte(name: str, content: bytes, content_type: str) -> None:
    found = uploads.checked(Upload(name, content))

    assert found == CheckedFile(name, content_type, len(content), hashlib.sha256(content).hexdigest(), content)


def test_keeps_the_metadata_of_a_photo_because_it_is_evidence() -> None:
    exif = Image.Exif()
    exif[0x0132] = "2026:03:02 09:15:00"
    photo = drawn("JPEG", exif=exif.tobytes())

    found = uploads.checked(Upload("photo.jpg", photo))

    assert Image.open(io.BytesIO(found.content)).getexif()[0x0132] == "2026:03:02 09:15:00"


@pytest.mark.parametrize(
    ("name", "content", "stored"),
    [
        ("invoice.pdf", drawn("PNG"), "invoice.png"),
        ("photo.png", drawn("JPEG"), "photo.jpg"),
        ("page.html", drawn("GIF"), "page.gif"),
        ("setup.pdf.exe", PDF, "setup.pdf"),
        ("noextension", PDF, "noextension.pdf"),
        ("Version 1.2", PDF, "Version 1.2.pdf"),
    ],
)
def test_gives_the_extension_that_fits_the_content(name: str, content: bytes, stored: str) -> None:
    assert uploads.checked(Upload(name, content)).name == stored


@pytest.mark.parametrize(
    ("name", "stored"),
    [
        ("../../etc/passwd.pdf", "passwd.pdf"),
        ("C:\\Users\\Dana\\bill.pdf", "bill.pdf"),
        ("bill\u202efdp.exe", "billfdp.pdf"),
        ("\u2066bill\u2069\u200b.pdf", "bill.pdf"),
        ("bi\x00ll\r\nX-Evil: 1.pdf", "billX-Evil: 1.pdf"),
        ("  my \u00a0 bill\t.pdf ", "my bill.pdf"),
        ("half\ud800.pdf", "half.pdf"),
        ("re\u0301sume\u0301.pdf", "r\u00e9sum\u00e9.pdf"),
        ("счёт за март.pdf", "счёт за март.pdf"),
        (".htaccess", "htaccess.pdf"),
        ("..", "file.pdf"),
        ("", "file.pdf"),
        ("folder/", "file.pdf"),
        ("\u202e", "file.pdf"),
        ("a" * 300 + ".pdf", "a" * 96 + ".pdf"),
        ("a" * 96 + ".pdf", "a" * 96 + ".pdf"),
        ("я" * 300, "я" * 96 + ".pdf"),
    ],
)
def test_makes_the_name_harmless(name: str, stored: str) -> None:
    assert uploads.checked(Upload(name, PDF)).name == stored


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("page.png", HTML),
        ("drawing.svg", SVG),
        ("drawing.png", SVG),
        ("page.pdf", b"\n" + PDF),
        ("page.pdf", HTML + PDF),
        ("virus.pdf", TEST_VIRUS_TEXT),
        ("program.png", b"MZ\x90\x00" + bytes(500)),
        ("bitmap.png", drawn("BMP")),
        ("scan.jpg", drawn("TIFF")),
        ("sound.webp", b"RIFF\x24\x00\x00\x00WAVEfmt "),
        ("short.png", b"\x89PN"),
    ],
)
def test_refuses_what_is_something_else_whatever_its_name_says(name: str, content: bytes) -> None:
    assert refused(name, content) == (
        f"“{name}” is neither an image (PNG, JPEG, WebP, GIF) nor a PDF, whatever its name says."
    )


def one_byte_flipped(content: bytes, at: int) -> bytes:
    changed = bytearray(content)
    changed[at] ^= 0xFF
    return bytes(changed)


@pytest.mark.parametrize(
    ("name", "content", "kind"),
    [
        ("polyglot.gif", CRUDE_POLYGLOT, "GIF"),
        ("script.png", b"\x89PNG\r\n\x1a\n<script>alert(1)</script>", "PNG"),
        ("cut.jpg", drawn("JPEG")[:-200], "JPEG"),
        ("cut.jpg", drawn("JPEG")[:20], "JPEG"),
        ("cut.png", drawn("PNG")[:-300], "PNG"),
        ("cut.gif", drawn("GIF")[:-300], "GIF"),
        ("cut.webp", drawn("WEBP")[:-100], "WEBP"),
        ("cut.webp", animated("WEBP", 5, (20, 20))[:-40], "WEBP"),
        ("flipped.png", one_byte_flipped(drawn("PNG"), 400), "PNG"),
        ("check-sum.png", one_byte_flipped(drawn("PNG"), -14), "PNG"),
    ],
)
def test_refuses_a_damaged_image(name: str, content: bytes, kind: str) -> None:
    assert refused(name, content) == f"“{name}” is damaged or incomplete: it can't be opened as a {kind} image."


def test_a_well_formed_gif_stays_one_whatever_its_comment_holds() -> None:
    polyglot = drawn("GIF", comment=b"*/=1;alert(document.domain);/*") + b"*/=1;alert(document.domain)//"

    found = uploads.checked(Upload("polyglot.js", polyglot))

    assert (found.name, found.content_type) == ("polyglot.gif", "image/gif")


@pytest.mark.parametrize("content", [PDF[:-7], PDF[:8], PDF + bytes(1024)])
def test_refuses_a_pdf_without_its_end(content: bytes) -> None:
    assert refused("bill.pdf", content) == "“bill.pdf” is an incomplete PDF: its end is missing."


@pytest.mark.parametrize(
    "bomb",
    [
        pytest.param(lambda: png_of_zeros(5001), id="just above the limit"),
        pytest.param(lambda: png_of_zeros(8000), id="above Pillow's own limit"),
        pytest.param(lambda: png_of_zeros(20_000), id="400 megapixels in 50 kB"),
        pytest.param(lambda: animated("GIF", 30, (1000, 1000)), id="an animation, each frame small enough"),
        pytest.param(lambda: animated("WEBP", 30, (1000, 1000)), id="the same as WebP"),
        pytest.param(lambda: drawn("GIF")[:6] + b"\xff" * 4 + drawn("GIF")[10:], id="a GIF that says 65535 x 65535"),
    ],
)
def test_refuses_what_unfolds_to_too_many_pixels(bomb: Callable[[], bytes]) -> None:
    content = bomb()
    assert len(content) <= uploads.MOST_BYTES

    assert refused("bomb.png", content) == (
        "“bomb.png” has too many pixels: at most 25 million, all frames of an animation together."
    )


def test_refuses_too_many_pixels_also_where_nobody_listens_to_warnings() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")

        assert "too many pixels" in refused("bomb.png", png_of_zeros(5001))


def test_takes_an_image_at_the_limit_of_pixels() -> None:
    assert uploads.checked(Upload("large.png", png_of_zeros(5000))).name == "large.png"


def test_refuses_an_animation_of_too_many_frames() -> None:
    assert uploads.checked(Upload("long.gif", animated("GIF", 250))).content_type == "image/gif"

    assert refused("long.gif", animated("GIF", 251)) == "“long.gif” has too many frames: at most 250 are allowed."


def test_refuses_a_jpeg_that_is_built_to_be_slow() -> None:
    assert uploads.checked(Upload("slow.jpg", jpeg_of_scans(30))).content_type == "image/jpeg"

    assert refused("slow.jpg", jpeg_of_scans(5000)) == "“slow.jpg” is built so that it takes too long to open."


def test_refuses_an_empty_file() -> None:
    assert refused("nothing.png", b"") == "“nothing.png” is empty."


def test_takes_five_megabytes_and_not_a_byte_more() -> None:
    padding = b" " * (uploads.MOST_BYTES - len(PDF))
    largest = PDF[:9] + padding + PDF[9:]

    assert uploads.checked(Upload("thick.pdf", largest)).size == 5 * 1024 * 1024
    assert refused("thick.pdf", largest + b"\n") == "“thick.pdf” is larger than 5 MB."


def test_a_refusal_names_the_file_by_its_harmless_name() -> None:
    assert refused("../\u202e<b>gnp.exe\r\n", b"") == "“<b>gnp.exe” is empty."


def test_says_how_many_files_a_request_may_have() -> None:
    assert uploads.MOST_FILES == 3
