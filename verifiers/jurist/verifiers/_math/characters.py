"""Characters: the many ways to write the same sign, brought to plain LaTeX.

What a person reads as the same is made the same (full-width digits, other scripts' digits, superscripts, vulgar
fractions, mathematical alphabets, dashes). What only looks the same is left alone: a Cyrillic "x" is no Latin "x".
"""

# ruff: noqa: RUF001 - signs that look alike are the subject here

from __future__ import annotations

import re
import unicodedata

__all__ = ["plain"]

SIGNS = {
    "−": "-", "‐": "-", "‑": "-", "‒": "-", "–": "-", "—": "-", "―": "-", "﹣": "-", "－": "-",
    "×": r"\times ", "✕": r"\times ", "✖": r"\times ", "⋅": r"\cdot ", "·": r"\cdot ", "∙": r"\cdot ", "•": r"\cdot ",
    "∗": "*", "÷": r"\div ", "∕": "/", "⁄": "/", "∶": ":", "±": r"\pm ", "∓": r"\mp ",
    "≤": r"\le ", "⩽": r"\le ", "≦": r"\le ", "≥": r"\ge ", "⩾": r"\ge ", "≧": r"\ge ", "≠": r"\ne ", "≈": r"\approx ",
    "≃": r"\approx ", "≅": r"\approx ", "≡": r"\equiv ", "∈": r"\in ", "∉": r"\notin ", "∪": r"\cup ", "∩": r"\cap ",
    "∖": r"\setminus ", "⊆": r"\subseteq ", "⊂": r"\subset ", "∅": r"\emptyset ", "∞": r"\infty ", "√": r"\sqrt ",
    "∛": r"\sqrt[3]", "∜": r"\sqrt[4]", "∑": r"\sum ", "∏": r"\prod ", "∫": r"\int ", "∂": r"\partial ",
    "°": r"^\circ ", "º": r"^\circ ", "˚": r"^\circ ", "∠": r"\angle ",
    "△": r"\triangle ", "٬": ",", "٫": ".", "′": "'", "’": "'", "‘": "'", "″": "''", "“": '"', "”": '"',
    "…": r"\ldots ", "⋯": r"\cdots ", "→": r"\to ", "⇒": r"\Rightarrow ", "∧": r"\land ", "∨": r"\lor ",
    "⟨": r"\langle ", "⟩": r"\rangle ", "〈": r"\langle ", "〉": r"\rangle ", "⌊": r"\lfloor ", "⌋": r"\rfloor ",
    "⌈": r"\lceil ", "⌉": r"\rceil ", "ℝ": r"\mathbb{R}", "ℤ": r"\mathbb{Z}", "ℕ": r"\mathbb{N}", "ℚ": r"\mathbb{Q}",
    "ℂ": r"\mathbb{C}", "℃": r"^\circ\text{C}", "℉": r"^\circ\text{F}", "，": ",", "、": ",", "；": ";", "。": ".",
    "：": ":", "∣": "|", "‖": r"\|", "％": r"\%", "‰": r"\permil ", "ⅈ": "i", "ⅇ": "e", "Ω": r"\Omega ",
    "\u00a0": " ", "\u2009": r"\,", "\u202f": r"\,", "\u2007": " ", "\u2008": " ", "\u200a": " ", "\u3000": " ",
}  # fmt: skip

GREEK = dict(
    zip(
        "αβγδεζηθικλμνξπρστυφχψωΓΔΘΛΞΠΣΦΨΩϕϵϑ",
        (
            *("alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta", "iota", "kappa", "lambda", "mu"),
            *("nu", "xi", "pi", "rho", "sigma", "tau", "upsilon", "phi", "chi", "psi", "omega", "Gamma", "Delta"),
            *("Theta", "Lambda", "Xi", "Pi", "Sigma", "Phi", "Psi", "Omega", "phi", "epsilon", "theta"),
        ),
        strict=True,
    )
)

VULGAR = {
    "½": (1, 2), "⅓": (1, 3), "⅔": (2, 3), "¼": (1, 4), "¾": (3, 4), "⅕": (1, 5), "⅖": (2, 5), "⅗": (3, 5),
    "⅘": (4, 5), "⅙": (1, 6), "⅚": (5, 6), "⅐": (1, 7), "⅛": (1, 8), "⅜": (3, 8), "⅝": (5, 8), "⅞": (7, 8),
    "⅑": (1, 9), "⅒": (1, 10),
}  # fmt: skip

RAISED = dict(zip("⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁼⁽⁾ⁿⁱˣ", "0123456789+-=()nix", strict=True))
LOWERED = dict(zip("₀₁₂₃₄₅₆₇₈₉₊₋₌₍₎ₙᵢₖₘₓₐₑ", "0123456789+-=()nikmxae", strict=True))

_RAISED_RUN = re.compile(f"[{re.escape(''.join(RAISED))}]+")
_LOWERED_RUN = re.compile(f"[{re.escape(''.join(LOWERED))}]+")
_ROOT_OF_NUMBER = re.compile(r"√\s*(\d+(?:\.\d+)?)")
_OVERLINED = re.compile("(?:[0-9]\u0305)+")
_SPELT = {
    **{ord(sign): latex for sign, latex in SIGNS.items()},
    **{ord(sign): f"\\{name} " for sign, name in GREEK.items()},
    **{ord(sign): rf"\frac{{{top}}}{{{bottom}}}" for sign, (top, bottom) in VULGAR.items()},
}

_INVISIBLE = re.compile(r"[\x00-\x08\x0b\x0e-\x1f\x7f]")
"""Control characters but white space: a NUL inside a number changes nothing that a reader sees."""


def plain(text: str) -> str:
    """Write `text` in ASCII and LaTeX where it has an equal there; linear in its length."""
    if text.isascii():
        return _INVISIBLE.sub("", text) if not text.isprintable() else text
    text = _ROOT_OF_NUMBER.sub(r"\\sqrt{\1}", text)
    text = _OVERLINED.sub(lambda run: f"\\overline{{{run[0].replace(chr(0x305), '')}}}", text)
    text = _RAISED_RUN.sub(lambda run: f"^{{{''.join(RAISED[sign] for sign in run[0])}}}", text)
    text = _LOWERED_RUN.sub(lambda run: f"_{{{''.join(LOWERED[sign] for sign in run[0])}}}", text)
    text = unicodedata.normalize("NFKC", text.translate(_SPELT)).translate(_SPELT)
    return _INVISIBLE.sub("", "".join(map(_visible, text)))


def _visible(sign: str) -> str:
    """One character, as a digit of ours if it is a digit of any script, as nothing if it cannot be seen."""
    if sign < "\x80":
        return sign
    category = unicodedata.category(sign)
    if category == "Nd":
        return str(unicodedata.digit(sign))
    return "" if category == "Cf" else sign
