"""One frame as a picture: its pixels by window or palette, and a bar of colours with real world values beside it."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise
from math import ceil, floor, isfinite, log10

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from rules.checks.palette import descriptor
from rules.header import Header
from scp.maps.pixels import Frames, Undecodable, Values, frames_of
from scp.maps.values import Mapping, color_range, mappings, padding, segment_label, spacing, window
from scp.reports.wording import printable

SMALLEST, LARGEST = 512, 2048
"""Pixels that the longer side of the frame has in the picture: small ones are enlarged, large ones reduced."""
_MARGIN, _BAR, _TICK, _HEAD, _LINE = 24, 22, 6, 88, 22
_PAPER, _INK, _FAINT, _NOTHING = (18, 18, 20), (235, 235, 235), (150, 150, 155), (64, 32, 72)
_STEPS = 256
_TICKS = 5
_SUPPORTED = 1 << 26
"""Pixels of a frame that are drawn."""

Colors = NDArray[np.uint8]
"""A table of red, green and blue."""
Font = ImageFont.FreeTypeFont


@dataclass(frozen=True, slots=True)
class Shades:
    """Stored values from `low` to `high` in colours; a mapping says what they are in reality."""

    low: float
    high: float
    colors: Colors
    mapping: Mapping | None
    why: str

    @property
    def span(self) -> float:
        """From `low` to `high`; never 0."""
        return (self.high - self.low) or 1.0

    def drawn(self, values: Values, known: NDArray[np.bool_]) -> Colors:
        """Values as colours; those that are not known in a colour of their own."""
        part = np.clip((np.where(known, values, self.low).astype(np.float64) - self.low) / self.span, 0, 1)
        picture: Colors = self.colors[np.rint(part * (len(self.colors) - 1)).astype(np.intp)]
        picture[~known] = _NOTHING
        return picture


def render(header: Header, path: str, number: int) -> Image.Image:
    """A frame, from 1, as a picture. Undecodable where it cannot be."""
    frames = frames_of(header, path)
    values = frames.frame(number)
    if values.size > _SUPPORTED * frames.samples:
        raise Undecodable("has a frame too large to draw")
    if values.ndim == 3:
        picture, shades, told = _eight_bits(values), None, ""
    else:
        known = _known(header, values)
        shades = _shades(header, number, values, known)
        picture, told = shades.drawn(values, known), _told(shades, values, known)
    image = _sized(Image.fromarray(picture), spacing(header, number))
    return _laid_out(image, header, frames, number, shades, told)


def _told(shades: Shades, values: Values, known: NDArray[np.bool_]) -> str:
    """What is shown how, and which part of the pixels is not shown by its value."""
    total = max(values.size, 1)
    parts = {
        "above": int(np.count_nonzero(values[known] > shades.high)),
        "below": int(np.count_nonzero(values[known] < shades.low)),
        "without a value (purple)": int(total - np.count_nonzero(known)),
    }
    rest = [f"{100 * number / total:.2g} % {name}" for name, number in parts.items() if number]
    return f"shown by {'; of the pixels '.join([shades.why, ', '.join(rest)] if rest else [shades.why])}"


def _known(header: Header, values: Values) -> NDArray[np.bool_]:
    known = np.isfinite(values) if values.dtype.kind == "f" else np.ones(values.shape, bool)
    unused = padding(header)
    return known if unused is None else known & ((values < unused[0]) | (values > unused[1]))


def _eight_bits(values: Values) -> Colors:
    if values.dtype == np.uint8:
        return np.ascontiguousarray(values)
    most = float(values.max()) or 1.0
    return (values.astype(np.float64) * (255 / most)).clip(0, 255).astype(np.uint8)


# Which colours


def _shades(header: Header, number: int, values: Values, known: NDArray[np.bool_]) -> Shades:
    mapping = (*mappings(header, number), None)[0]
    seen = values[known]
    least, most = (float(seen.min()), float(seen.max())) if seen.size else (0.0, 1.0)
    palette, colored = _palette(header), color_range(header, number)
    if palette is not None and header.text("PhotometricInterpretation") == "PALETTE COLOR":
        first, colors = palette
        return Shades(first, first + len(colors) - 1, colors, mapping, "palette")
    if palette is not None and colored is not None:
        return Shades(*colored, palette[1], mapping, "palette, over the stored value colour range")
    if palette is not None and header.text("PixelPresentation") == "COLOR" and values.dtype.kind != "f":
        return _supplemental(header, number, palette, (least, most), mapping)
    gray = np.repeat(np.arange(_STEPS, dtype=np.uint8)[:, None], 3, axis=1)
    if header.text("PhotometricInterpretation") == "MONOCHROME1":
        gray = gray[::-1].copy()
    if header.integer("BitsAllocated") == 1:
        return Shades(0.0, 1.0, gray, mapping, "absent and present")
    windowed = window(header, number)
    if windowed is not None and (not seen.size or (windowed[0] < most and windowed[1] > least)):
        return Shades(*windowed, gray, mapping, "window")
    why = "least to greatest value" if windowed is None else "least to greatest value, as the window shows none"
    return Shades(least, most if most > least else least + 1, gray, mapping, why)


def _supplemental(
    header: Header, number: int, palette: tuple[float, Colors], seen: tuple[float, float], mapping: Mapping | None
) -> Shades:
    """Stored values below the first that the palette maps in gray, the others in its colours (C.8.16.2.1.1.1)."""
    first, colors = palette
    if seen[0] >= first:
        return Shades(first, first + len(colors) - 1, colors, mapping, "palette")
    low, high = window(header, number) or (seen[0], first - 1)
    start = max(seen[0], floor(min(low, first)))
    below = np.arange(start, first)
    gray = np.rint(np.clip((below - low) / ((high - low) or 1), 0, 1) * (_STEPS - 1)).astype(np.uint8)
    table = np.concatenate([np.repeat(gray[:, None], 3, axis=1), colors])
    return Shades(start, first + len(colors) - 1, table, mapping, "window, and palette above it")


def _palette(header: Header) -> tuple[float, Colors] | None:
    """The first value mapped and the colours: the instance's own palette, or the well-known one that it names."""
    own = [_table(header, color) for color in ("Red", "Green", "Blue")]
    tables = [each for each in own if each is not None]
    if len(tables) == 3 and len({len(each[1]) for each in tables}) == 1:
        return tables[0][0], np.stack([each[1] for each in tables], axis=1)
    uid = header.text("PaletteColorLookupTableUID")
    if uid is None:
        return None
    from pydicom.pixels.processing import apply_color_lut

    try:
        colors = apply_color_lut(np.arange(_STEPS, dtype=np.uint8), palette=uid)
    except (ValueError, KeyError, AttributeError):
        return None  # a palette of somebody's own, which is not here
    return 0.0, np.asarray(colors, dtype=np.uint8)


def _table(header: Header, color: str) -> tuple[float, NDArray[np.uint8]] | None:
    name = f"{color}PaletteColorLookupTable"
    found = descriptor(header, f"{name}Descriptor") if header.has(f"{name}Descriptor") else None
    raw = header.raw(f"{name}Data")
    if found is None or not raw:
        return None
    entries, first, bits = found
    order = ">" if header.encoding.big_endian else "<"
    if len(raw) >= 2 * entries:
        table = np.frombuffer(raw[: 2 * entries], f"{order}u2")
        return first, ((table >> 8) if bits == 16 else table & 0xFF).astype(np.uint8)
    return (first, np.frombuffer(raw[:entries], np.uint8)) if bits == 8 and len(raw) >= entries else None


# How it is laid out


def _sized(image: Image.Image, distances: tuple[float, float] | None) -> Image.Image:
    """As large as a person can see, pixels as wide and high as they are in the patient."""
    width, height = float(image.width), float(image.height)
    if distances is not None and 0.1 < distances[0] / distances[1] < 10:
        height *= distances[0] / distances[1]
    longest = max(width, height)
    scale = 1.0
    if longest < SMALLEST:
        scale = ceil(SMALLEST / longest)
    elif longest > LARGEST:
        scale = LARGEST / longest
    size = max(round(width * scale), 1), max(round(height * scale), 1)
    if size == image.size:
        return image
    return image.resize(size, Image.Resampling.NEAREST if scale >= 1 else Image.Resampling.BOX)


def _laid_out(
    image: Image.Image, header: Header, frames: Frames, number: int, shades: Shades | None, told: str
) -> Image.Image:
    large, small = _font(17), _font(13)
    ticks = [] if shades is None else _ticks(shades)
    unit = shades.mapping.unit if shades is not None and shades.mapping is not None else ""
    labels = max([small.getlength(each) for _, each in ticks] + [_length(unit, small) - _BAR], default=0)
    bar = 0 if shades is None else _MARGIN + _BAR + _TICK + 5 + ceil(labels)
    width = max(image.width + 2 * _MARGIN + bar, SMALLEST)
    page = Image.new("RGB", (width, _HEAD + image.height + _MARGIN + _LINE), _PAPER)
    page.paste(image, (_MARGIN, _HEAD))
    draw = ImageDraw.Draw(page)
    _write(draw, (_MARGIN, 14), _title(header, shades, number), large, _INK, width - 2 * _MARGIN)
    _write(draw, (_MARGIN, 40), _subtitle(header, frames, number), small, _FAINT, width - 2 * _MARGIN)
    if shades is not None:
        left = image.width + 2 * _MARGIN
        _color_bar(draw, page, (left, _HEAD, image.height), shades, ticks, small)
        _write(draw, (left, _HEAD - 22), unit, small, _INK, width - left)
        _write(draw, (_MARGIN, _HEAD + image.height + 10), told, small, _FAINT, width - 2 * _MARGIN)
    return page


def _title(header: Header, shades: Shades | None, number: int) -> str:
    """What the pixels are: the quantity, the segment, or what the content is called."""
    mapping = shades.mapping if shades is not None else None
    told = mapping.quantity[0][1].partition(" (")[0] if mapping is not None and mapping.quantity else ""
    told = told or segment_label(header, number) or (mapping.explanation if mapping is not None else "")
    told = told or header.text("ContentDescription") or header.text("ContentLabel") or header.text("Modality") or ""
    return printable(told)


def _subtitle(header: Header, frames: Frames, number: int) -> str:
    size = f"{frames.rows} x {frames.columns}, {frames.kind}"
    return printable(f"frame {number} of {frames.count}, {size}, {chr(92).join(header.texts('ImageType'))}")


def _color_bar(
    draw: ImageDraw.ImageDraw,
    page: Image.Image,
    place: tuple[int, int, int],
    shades: Shades,
    ticks: Sequence[tuple[float, str]],
    font: Font,
) -> None:
    left, top, height = place
    column = shades.colors[np.rint(np.linspace(len(shades.colors) - 1, 0, height)).astype(np.intp)]
    page.paste(Image.fromarray(np.repeat(column[:, None], _BAR, axis=1)), (left, top))
    draw.rectangle((left - 1, top - 1, left + _BAR, top + height), outline=_FAINT)
    for stored, label in ticks:
        y = top + round((shades.high - stored) / shades.span * (height - 1))
        draw.line((left + _BAR, y, left + _BAR + _TICK, y), fill=_INK)
        draw.text((left + _BAR + _TICK + 5, y), label, fill=_INK, font=font, anchor="lm")


def _ticks(shades: Shades) -> list[tuple[float, str]]:
    """Round real values within the range, each where its stored value is; stored values where nothing is mapped."""
    mapping = shades.mapping
    ends = [mapping.real(each) if mapping is not None else each for each in (shades.low, shades.high)]
    if mapping is not None and mapping.slope and mapping.intercept is not None and None not in ends:
        slope, intercept = mapping.slope, mapping.intercept
        real = sorted(float(each) for each in ends if each is not None)
        return [((each - intercept) / slope, label) for each, label in _round_values(real[0], real[1])]
    if mapping is None or not mapping.lut or mapping.first is None:
        return _round_values(shades.low, shades.high)
    return list(_looked_up(shades, mapping, mapping.first))


def _looked_up(shades: Shades, mapping: Mapping, first: float) -> Iterator[tuple[float, str]]:
    """Round real values of a lookup table, each where the first stored value is that reaches it."""
    low, high = max(ceil(shades.low - first), 0), min(floor(shades.high - first) + 1, len(mapping.lut))
    table = mapping.lut[low:high]
    rising = len(table) > 1 and all(a <= b for a, b in pairwise(table))
    if not rising:
        for stored, _ in _round_values(shades.low, shades.high):
            value = mapping.real(stored)
            if value is not None:
                yield stored, f"{value:.4g}"
        return
    for value, label in _round_values(table[0], table[-1]):
        yield first + low + bisect_left(table, value - 1e-9), label


def _round_values(low: float, high: float) -> list[tuple[float, str]]:
    """A few round numbers from `low` to `high`, written alike."""
    if not (isfinite(low) and isfinite(high)) or high <= low:
        return [(low, f"{low:g}")]
    rough = (high - low) / _TICKS
    power = 10.0 ** floor(log10(rough))
    step = next(each * power for each in (1, 2, 2.5, 5, 10) if each * power >= rough * 0.999)
    first, last = ceil(low / step - 1e-9), floor(high / step + 1e-9)
    values = [number * step for number in range(first, last + 1)]
    return [(value, _written(value, step, max(abs(low), abs(high)))) for value in values]


def _written(value: float, step: float, largest: float) -> str:
    if value == 0 or abs(value) < step / 1e6:
        return "0"
    if largest >= 1e5 or largest < 1e-3:
        return f"{value:.2e}".replace("e-0", "e-").replace("e+0", "e")
    return f"{value:.{max(0, -floor(log10(step) + 1e-9) + (1 if str(step).rstrip('0').endswith('25') else 0))}f}"


def _write(
    draw: ImageDraw.ImageDraw, at: tuple[int, int], text: str, font: Font, color: tuple[int, int, int], width: int
) -> None:
    """Text in one line, cut off with dots where it is too long; superscripts are raised, the font has none."""
    if _length(text, font) > width:
        while text and _length(text + "...", font) > width:
            text = text[:-1]
        text += "..."
    x, y = float(at[0]), at[1]
    text = text.replace(_MICRO, "u")
    for part, raised in _parts(text):
        used = _font(round(font.size * _RAISED)) if raised else font
        draw.text((x, y - 1 if raised else y), part, fill=color, font=used)
        x += used.getlength(part)


def _font(size: int) -> Font:
    font = ImageFont.load_default(size=size)
    assert isinstance(font, ImageFont.FreeTypeFont)  # what a build of Pillow without FreeType lacks
    return font


def _length(text: str, font: Font) -> float:
    return sum(font.getlength(part) * (_RAISED if raised else 1) for part, raised in _parts(text))


def _parts(text: str) -> list[tuple[str, bool]]:
    """The text in pieces, those that are raised apart."""
    return [
        ("".join(_PLAIN.get(letter, letter) for letter in letters), raised)
        for raised, letters in groupby(text, lambda letter: letter in _PLAIN)
    ]


_PLAIN = {"\u00b2": "2", "\u00b3": "3"}
_MICRO = "\u00b5"
_RAISED = 0.7
"""The size of what is raised, as a part of the others'."""
