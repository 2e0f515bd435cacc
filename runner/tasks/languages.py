"""The 40 languages of XTREME and how much of each XLM-R has seen; and the artificial languages of the pocket suite."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

LOW_RESOURCE_CLASS = 2
# A choice, published with every table that uses it: neither XTREME nor the paper defines the term.
LOW_RESOURCE_GIB = 5.0


@dataclass(frozen=True)
class Language:
    """A language of XTREME, by its ISO 639-1 code.

    `name` and `family` are those of XTREME's README; `branch` is the usual one, where the family is large;
    `script` is the ISO 15924 code of LinguaMeta's canonical script. `cc100_gib` and `cc100_tokens` (millions)
    are XLM-R's training data (Conneau et al. 2020, Table 6), None where XLM-R has not seen the language.
    `resource_class` is 0 (least) to 5 (most), from Joshi et al. 2020; None for a language that is not spoken.
    """

    code: str
    name: str
    family: str
    branch: str
    script: str
    cc100_gib: float | None
    cc100_tokens: int | None
    resource_class: int | None

    @property
    def size(self) -> float:
        """How much of it the encoders of its suite have read, for an order of languages: GiB, or texts."""
        return self.cc100_gib or 0

    @property
    def read(self) -> str:
        """The same in words."""
        return "not in CC-100" if self.cc100_gib is None else f"{self.cc100_gib:g} GiB"


# Where Table 6 has a second, romanised row (bn hi ta te ur), the row in the language's own script counts.
# Chinese counts as simplified, the script of the tasks. Burmese has two rows of its own (0.4 + 1.6 GiB,
# 15 + 56 million tokens): their sum counts. LinguaMeta lists two scripts for Kazakh; the data is Cyrillic.
_ROWS = (
    Language("af", "Afrikaans", "Indo-European", "Germanic", "Latn", 1.3, 242, 3),
    Language("ar", "Arabic", "Afro-Asiatic", "", "Arab", 28.0, 2869, 5),
    Language("bg", "Bulgarian", "Indo-European", "Slavic", "Cyrl", 57.5, 5487, 3),
    Language("bn", "Bengali", "Indo-European", "Indo-Aryan", "Beng", 8.4, 525, 3),
    Language("de", "German", "Indo-European", "Germanic", "Latn", 66.6, 10297, 5),
    Language("el", "Greek", "Indo-European", "Greek", "Grek", 46.9, 4285, 3),
    Language("en", "English", "Indo-European", "Germanic", "Latn", 300.8, 55608, 5),
    Language("es", "Spanish", "Indo-European", "Romance", "Latn", 53.3, 9374, 5),
    Language("et", "Estonian", "Uralic", "", "Latn", 6.1, 843, 3),
    Language("eu", "Basque", "Isolate", "Basque", "Latn", 2.0, 270, 4),
    Language("fa", "Persian", "Indo-European", "Iranian", "Arab", 111.6, 13259, 4),
    Language("fi", "Finnish", "Uralic", "", "Latn", 54.3, 6730, 4),
    Language("fr", "French", "Indo-European", "Romance", "Latn", 56.8, 9780, 5),
    Language("he", "Hebrew", "Afro-Asiatic", "", "Hebr", 31.6, 3399, 3),
    Language("hi", "Hindi", "Indo-European", "Indo-Aryan", "Deva", 20.2, 1715, 4),
    Language("hu", "Hungarian", "Uralic", "", "Latn", 58.4, 7807, 4),
    Language("id", "Indonesian", "Austronesian", "", "Latn", 148.3, 22704, 3),
    Language("it", "Italian", "Indo-European", "Romance", "Latn", 30.2, 4983, 4),
    Language("ja", "Japanese", "Japonic", "", "Jpan", 69.3, 530, 5),
    Language("jv", "Javanese", "Austronesian", "", "Latn", 0.2, 24, 1),
    Language("ka", "Georgian", "Kartvelian", "", "Geor", 9.1, 469, 3),
    Language("kk", "Kazakh", "Turkic", "", "Cyrl", 6.4, 476, 3),
    Language("ko", "Korean", "Koreanic", "", "Hang", 54.2, 5644, 4),
    Language("ml", "Malayalam", "Dravidian", "", "Mlym", 7.6, 313, 1),
    Language("mr", "Marathi", "Indo-European", "Indo-Aryan", "Deva", 2.8, 175, 2),
    Language("ms", "Malay", "Austronesian", "", "Latn", 8.5, 1318, 3),
    Language("my", "Burmese", "Sino-Tibetan", "", "Mymr", 2.0, 71, 1),
    Language("nl", "Dutch", "Indo-European", "Germanic", "Latn", 29.3, 5025, 4),
    Language("pt", "Portuguese", "Indo-European", "Romance", "Latn", 49.1, 8405, 4),
    Language("ru", "Russian", "Indo-European", "Slavic", "Cyrl", 278.0, 23408, 4),
    Language("sw", "Swahili", "Niger-Congo", "", "Latn", 1.6, 275, 2),
    Language("ta", "Tamil", "Dravidian", "", "Taml", 12.2, 595, 3),
    Language("te", "Telugu", "Dravidian", "", "Telu", 4.7, 249, 1),
    Language("th", "Thai", "Kra-Dai", "", "Thai", 71.7, 1834, 3),
    Language("tl", "Tagalog", "Austronesian", "", "Latn", 3.1, 556, 3),
    Language("tr", "Turkish", "Turkic", "", "Latn", 20.9, 2736, 4),
    Language("ur", "Urdu", "Indo-European", "Indo-Aryan", "Arab", 5.7, 730, 3),
    Language("vi", "Vietnamese", "Austro-Asiatic", "", "Latn", 137.3, 24757, 4),
    Language("yo", "Yoruba", "Niger-Congo", "", "Latn", None, None, 2),
    Language("zh", "Mandarin", "Sino-Tibetan", "", "Hans", 46.9, 259, 5),
)

XTREME_LANGUAGES: Mapping[str, Language] = MappingProxyType({row.code: row for row in _ROWS})


@dataclass(frozen=True)
class PocketLanguage(Language):
    """An artificial language of the pocket suite (runner/pocket), by a code that ISO 639-2 reserves for local use.

    `order` is the order of subject, verb and object. `adjective_first` and `cases` (endings of objects and places
    in the stead of prepositions) are its grammar. `cognates` is the share of its words that are those of the
    base language, `anchors` the share of names that are written as there. `texts` and `pairs` are its part of the
    pretraining text: passages, and sentences with their translation in the base language.
    """

    order: str
    adjective_first: bool
    cases: bool
    cognates: float
    anchors: float
    texts: int
    pairs: int

    @property
    def size(self) -> float:
        return self.texts + self.pairs

    @property
    def read(self) -> str:
        return f"{self.texts:,} passages" + (f" and {self.pairs:,} pairs" if self.pairs else "")


POCKET_BASE = "qso"


def _pocket(code: str, name: str, branch: str, script: str, *facts: object) -> PocketLanguage:
    return PocketLanguage(code, name, "Pocket", branch, script, None, None, None, *facts)


_POCKET_ROWS = (
    #       code   name    branch    script  order  adj.   cases  cognates anchors texts pairs
    _pocket(POCKET_BASE, "Sorel", "Plain", "Latn", "SVO", True, False, 1.0, 1.0, 4000, 0),
    _pocket("qsa", "Savi", "Plain", "Latn", "SVO", True, False, 0.7, 1.0, 2000, 2000),
    _pocket("qmi", "Miran", "Plain", "Latn", "SVO", False, False, 0.5, 0.9, 2000, 1500),
    _pocket("qko", "Kolun", "Hill", "Latn", "SOV", True, True, 0.3, 0.8, 2000, 1200),
    _pocket("qlu", "Lumet", "Hill", "Latn", "SOV", True, True, 0.3, 0.8, 300, 150),
    _pocket("qde", "Dethi", "Coast", "Grek", "SVO", False, False, 0.0, 0.6, 2000, 1200),
    _pocket("qnu", "Nuvar", "Coast", "Cyrl", "VSO", False, True, 0.0, 0.3, 1000, 500),
)

POCKET_LANGUAGES: Mapping[str, PocketLanguage] = MappingProxyType({row.code: row for row in _POCKET_ROWS})
LANGUAGES: Mapping[str, Language] = MappingProxyType({**XTREME_LANGUAGES, **POCKET_LANGUAGES})


def low_resource_by_class() -> tuple[str, ...]:
    """The languages of class 2 and below ("the left-behinds" to "the hopefuls") in Joshi et al. 2020,
    "The State and Fate of Linguistic Diversity and Inclusion in the NLP World".
    """
    return tuple(row.code for row in _ROWS if row.resource_class <= LOW_RESOURCE_CLASS)


def low_resource_by_size() -> tuple[str, ...]:
    """The languages with less than 5 GiB of text in CC-100, or none (Conneau et al. 2020, Table 6)."""
    return tuple(row.code for row in _ROWS if row.cc100_gib is None or row.cc100_gib < LOW_RESOURCE_GIB)
