"""What a sentence claims: numbers, times, people, items, hazards and names, each to be backed by what it rests on."""

import re
import unicodedata
from collections.abc import Iterable, Iterator

from shared.vocabulary import Finding, Hazard

_SMALL = [
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
]
_TENS = ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]
_SPELLED: dict[str, int] = {word: number for number, word in enumerate(_SMALL) if number != 1}
_SPELLED |= {word: 20 + 10 * number for number, word in enumerate(_TENS)}
_SPELLED |= {
    "hundred": 100,
    "thousand": 1000,
    "million": 1_000_000,
    "dozen": 12,
    "dozens": 12,
    "twice": 2,
    "thrice": 3,
}
_SPELLED |= {
    "third": 3,
    "fourth": 4,
    "fifth": 5,
    "sixth": 6,
    "seventh": 7,
    "eighth": 8,
    "ninth": 9,
    "tenth": 10,
}
_SPELLED |= {"couple": 2, "hundreds": 100, "thousands": 1000}

PEOPLE = (
    r"(?:people|persons?|workers?|employees?|individuals?|labou?rers?|colleagues?|visitors?"
    r"|operators?|men|women)"
)
_UNITS = (
    r"(?:seconds?|minutes?|hours?|days?|weeks?|months?|years?|times?|looks?|frames?|met(?:re"
    r"|er)s?|feet|foot|percent)"
)
_SAME = str.maketrans(
    {"\u2044": "/", "\u2018": "'", "\u2019": "'", "\u201c": '"', "\u201d": '"', "\u2212": "-"}
    | {chr(dash): "-" for dash in range(0x2010, 0x2016)}
)
_MEASURE = re.compile(
    r"(?<![\w.:,-])(\d+(?:\.\d+)?)[ -]*(%|(?:percent|seconds?|minutes?|hours?|days?)(?!\w))", re.I
)
_SHARE = re.compile(r"(?<![\w.:,-])(\d+) (?:out )?of (?:the )?(\d+)(?![\w.:])", re.I)
_ONE = re.compile(rf"(?<![\w-])(?:one|single)\s+(?:\w+\s+)?({PEOPLE}|{_UNITS})(?!\w)", re.IGNORECASE)
_NUMBER = re.compile(r"\w*\d\w*(?:[.,:/-]\w*\d\w*)*")
_SUFFIXED = re.compile(r"(\d[\d.,:/-]*)(?:s|m|h|x|ft|rd|th|st|nd|am|pm)$", re.IGNORECASE)
_CLOCK = re.compile(r"(\d{1,2})[:.](\d{2})(?::(\d{2}))?\s*([ap])(?:m\b|\.m\.?)", re.IGNORECASE)
_HOUR = re.compile(r"(?<![\d:.])(\d{1,2})\s*([ap])(?:m\b|\.m\.?)", re.IGNORECASE)
_ZONED = re.compile(r"(?<![\d:.])(\d{1,2}):(\d{2})(?::\d{2})? \(?([A-Z]{2,5}|[+-]\d{2,4})(?![\w:+-])")
_WORD = re.compile(r"[^\W\d_]+(?:'[^\W\d_]+)*")
_PLURAL_PEOPLE = re.compile(
    r"(?<!\w)(?:people|persons|workers|employees|individuals|colleagues|operators|crew|group|team)(?!\w)",
    re.I,
)
_NUMERAL = rf"\d+|one|(?:(?:{'|'.join(_TENS)})-)?(?:{'|'.join(_SMALL)})|{'|'.join(_SPELLED)}"
_COUNTED = re.compile(
    rf"(?<![\w.:-])({_NUMERAL})\s+(?:(?!of\b)[a-z]+\s+){{0,2}}?{PEOPLE}(?!\w)", re.IGNORECASE
)
_COUNT_OR_DAYS = re.compile(
    rf"(?<![\w.:,-])(?!one\b)({_NUMERAL})(?![\w:%]|[.,]\d)"
    rf"(?:(?: (?:and|or) (?:{_NUMERAL}))?[ -](days?)(?!\w))?",
    re.IGNORECASE,
)
_SEVERITY = r"low|minor|moderate|medium|high(?! vis)|critical"
_CONSEQUENCE = r"negligible|minor|moderate|serious|life[- ]threatening"
_LIKELIHOOD = r"low|remote|unlikely|possible|(?<!more )(?<!less )(?<!most )likely"
_HARM = r"(?:harm|injur|accident)\w*"
_WITHIN = r"(?: [\w'-]+){0,8}?"
_GRADES = tuple(
    re.compile(rf"(?<!\w)(?:{pattern})(?![\w-])", re.IGNORECASE)
    for pattern in (
        rf"({_SEVERITY})[ -](?:in |(?:level|degree) of )?severity|severity:?{_WITHIN} ((?:not )?(?:{_SEVERITY}))",
        rf"({_CONSEQUENCE}) consequences?|consequences?:?{_WITHIN} ((?:not )?(?:{_CONSEQUENCE}))",
        rf"(?:harm|likelihood)(?::|{_WITHIN} (?:is|are|was|be|remains?)){_WITHIN} ((?:not )?(?:{_LIKELIHOOD}))",
        rf"(low|remote) likelihood|{_HARM}[^.;]* (unlikely)|(unlikely)[^.;]* {_HARM}",
    )
)
_MONTHS = [
    "january",
    "february",
    "march",
    "april",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
]
_DAYS = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
_CALENDAR = frozenset([*_MONTHS, *_DAYS])


def fold(text: str) -> str:
    """*text* in compatibility form with plain digits, dashes, quotes and spaces."""
    plain = unicodedata.normalize("NFKC", text).translate(_SAME)
    return plain if plain.isascii() else "".join(map(_plain_digit, plain))


def unbacked_numbers(text: str, backing: str) -> list[str]:
    """Numbers, dates and times in *text*, in digits or in words, that do not stand in *backing* (both folded)."""
    known = [*_numbers(backing), *(str(value) for _, value in _spelled(backing))]
    text = _HOUR.sub(_to_24h, _CLOCK.sub(_to_24h, text))
    digits = [token for token in _numbers(text) if not _backed(token, known)]
    values = {float(token) for token in known if re.fullmatch(r"\d+(?:\.\d+)?", token)}
    spelled = [word for word, value in _spelled(text) if float(value) not in values]
    said = {word.casefold() for word in _WORD.findall(backing)}
    dates = [
        word for word in _WORD.findall(text) if word.casefold() in _CALENDAR - said and word[0].isupper()
    ]
    may = [] if "may" in said else re.findall(r"\d\s+May\b|\bMay\s+\d", text)
    return [*digits, *spelled, *dates, *may]


def unbacked_measures(text: str, backing: str) -> list[str]:
    """Numbers with a unit, counts of counts or over days, and times with a zone in *text* that *backing* has not so."""
    known = {measure for measure, _ in _measures(backing)}
    text = _HOUR.sub(_to_24h, _CLOCK.sub(_to_24h, text))
    return [said for measure, said in _measures(text) if measure not in known]


def misgraded(text: str, graded: Iterable[str]) -> list[str]:
    """What *text* says of severity, consequence or likelihood in other words than those *graded*."""
    said = [match for pattern in _GRADES for match in pattern.finditer(text)]
    known = {*graded}
    return [match[0] for match in said if not _agrees(match[match.lastindex or 0].casefold(), known)]


def _agrees(said: str, graded: set[str]) -> bool:
    grade = said.removeprefix("not ")
    return (grade.replace(" ", "-") in graded) == (grade == said)


def miscounted_people(text: str, people: int) -> list[str]:
    """Counts of people in *text* other than *people*."""
    wrong = []
    for match in _COUNTED.finditer(text):
        value = _value(match.group(1))
        if value is not None and value != people:
            wrong.append(match.group(0))
    return wrong


def plural_people(text: str) -> list[str]:
    """Words that speak of several people."""
    return _PLURAL_PEOPLE.findall(text)


def named_findings(text: str, findings: Iterable[Finding]) -> set[Finding]:
    """Those of *findings* whose equipment *text* speaks of."""
    missing = set(findings)
    spoken = [backed_by for pattern, backed_by in _ITEMS if pattern.search(text)]
    return {finding for finding in missing if any(finding in backed_by for backed_by in spoken)}


def unbacked_items(text: str, findings: Iterable[Finding], backing: str) -> list[str]:
    """Pieces of equipment in *text* that are neither missing by *findings* nor named in *backing*."""
    missing = set(findings)
    return [
        match.group(0)
        for pattern, backed_by in _ITEMS
        if not (backed_by & missing or pattern.search(backing))
        for match in [pattern.search(text)]
        if match
    ]


def unbacked_hazards(
    text: str, hazards: Iterable[Hazard], findings: Iterable[Finding], backing: str
) -> list[str]:
    """Hazards in *text* that the zone does not declare, no finding implies and *backing* does not name."""
    declared: set[Hazard | Finding] = {*hazards, *findings}
    return [
        match.group(0)
        for pattern, backed_by in _HAZARDS
        if not (backed_by & declared or pattern.search(backing))
        for match in [pattern.search(text)]
        if match
    ]


def unknown_names(text: str, known: frozenset[str]) -> list[str]:
    """Capitalised words inside *text*, and its subject, that are no *known* words (in lower case)."""
    inside = [
        match.group(0)
        for match in _WORD.finditer(text)
        if match.group(0)[0].isupper() and not _starts_sentence(text, match.start())
    ]
    subjects = [match.group(1) for match in _SUBJECT.finditer(text)]
    candidates = [*inside, *(word for word in subjects if word.casefold() not in _SUBJECTS)]
    return [word for word in candidates if not _is_known(word, known)]


def words(text: str) -> set[str]:
    """The words of *text* in lower case."""
    return {word.casefold() for word in _WORD.findall(text)}


def foreign_letters(text: str) -> str:
    """Letters of *text* outside the Latin script, and combining marks."""
    return "".join(c for c in text if _is_foreign(c))


def _plain_digit(character: str) -> str:
    return str(unicodedata.digit(character, character)) if character.isdigit() else character


def _is_foreign(character: str) -> bool:
    if unicodedata.category(character).startswith("M"):
        return True
    return character.isalpha() and not unicodedata.name(character, "").startswith("LATIN")


def _measures(text: str) -> Iterator[tuple[tuple[str, ...], str]]:
    for match in _MEASURE.finditer(text):
        yield (match.group(1), match.group(2).casefold().rstrip("s").replace("percent", "%")), match.group(0)
    for match in _SHARE.finditer(text):
        yield (match.group(1), "of", match.group(2)), match.group(0)
    for match in _ZONED.finditer(text):
        yield (match.group(1).zfill(2), match.group(2), match.group(3)), match.group(0)
    for part in text.split(";"):
        yield from _over_days(part)


def _over_days(text: str) -> Iterator[tuple[tuple[str, ...], str]]:
    """Such as 4 in 7 days; counts and days are paired in the order in which they are told."""
    told = [(_value(match.group(1)), match.group(2)) for match in _COUNT_OR_DAYS.finditer(text)]
    counts = [number for number, days in told if not days]
    periods = [number for number, days in told if days]
    if len(counts) == len(periods):
        for count, days in zip(counts, periods, strict=True):
            yield (f"{count}", "in", f"{days} days"), f"{count} in {days} days"


def _numbers(text: str) -> list[str]:
    return [_normal(token) for token in _NUMBER.findall(text)]


def _normal(token: str) -> str:
    token = token.strip("_").casefold()
    if re.fullmatch(r"\d{1,3}(?:,\d{3})+(?:\.\d+)?", token):
        token = token.replace(",", "")
    suffixed = _SUFFIXED.fullmatch(token)
    return suffixed.group(1) if suffixed else token


def _backed(token: str, known: list[str]) -> bool:
    if token in known:
        return True
    if re.fullmatch(r"\d{1,2}:\d{2}", token):
        return any(re.fullmatch(rf"0?{token}:\d\d", one) for one in known)
    return False


def _to_24h(match: re.Match[str]) -> str:
    *numbers, half = match.groups()
    hour = int(numbers[0]) % 12 + (12 if half.casefold() == "p" else 0)
    minutes = numbers[1] if len(numbers) > 1 else "00"
    seconds = f":{numbers[2]}" if len(numbers) > 2 and numbers[2] else ""
    return f"{hour:02d}:{minutes}{seconds}"


def _spelled(text: str) -> Iterator[tuple[str, int]]:
    for match in re.finditer(r"[a-z]+(?:-[a-z]+)?", text.casefold()):
        value = _value(match.group(0))
        if value is not None and match.group(0) != "one":
            yield match.group(0), value
    for match in _ONE.finditer(text):
        yield match.group(0), 1


def _value(word: str) -> int | None:
    word = word.casefold()
    if word.isdigit():
        return int(word)
    if word == "one":
        return 1
    tens, _, unit = word.partition("-")
    if tens in _TENS and unit in _SMALL:
        return _SPELLED[tens] + _SMALL.index(unit)
    return _SPELLED.get(word)


def _starts_sentence(text: str, position: int) -> bool:
    before = text[:position].rstrip(" \"'(")
    return not before or before[-1] in ".!?:;…"


def _is_known(word: str, known: frozenset[str]) -> bool:
    folded = re.sub(r"'s$", "", word.casefold())
    return folded in known or folded in _ALWAYS


_ALWAYS = frozenset(["ppe", "utc", "am", "pm", "i"])
_VERBS = (
    "was|is|has|had|did|does|stood|walked|entered|wore|works?|worked|stepped|appeared|appears"
    "|needs?|should|must|will|can|and [A-Z]"
)
_SUBJECT = re.compile(rf"(?:^|[.!?;:]\s+)([A-Z][\w'-]*)\s+(?:{_VERBS})(?!\w)")
_SUBJECTS = frozenset(
    [
        "it",
        "this",
        "that",
        "there",
        "nobody",
        "someone",
        "somebody",
        "everyone",
        "everybody",
        "anyone",
        "anybody",
        "work",
        "access",
        "entry",
        "nothing",
        "what",
        "which",
        "who",
        "each",
        "one",
        "all",
        "people",
        "workers",
        "detection",
        "confidence",
        "work",
        "equipment",
        "protection",
        "severity",
        "faces",
        "signage",
        "supervision",
    ]
)


def _table(
    *rows: tuple[str, Iterable[Finding | Hazard]],
) -> tuple[tuple[re.Pattern[str], frozenset[Finding | Hazard]], ...]:
    return tuple(
        (re.compile(rf"(?<!\w)(?:{words_})(?!\w)", re.IGNORECASE), frozenset(by)) for words_, by in rows
    )


_H, _F = Hazard, Finding
_AREA_TRAFFIC = (_H.VEHICULAR_TRAFFIC, _H.PUBLIC_TRAFFIC, _H.POWERED_TRUCKS, _F.PROXIMITY_VEHICLE)

_ITEMS = _table(
    (r"hard[- ]?hats?|helmets?|head protection|head ?gear|bare[- ]?head\w*", [_F.NO_HARDHAT]),
    (r"vests?|hi[- ]?vis|high[- ]?vis\w*|high[- ]?visibility|reflective|fluorescent", [_F.NO_VEST]),
    (r"masks?|respirators?|respiratory|face coverings?", [_F.NO_MASK]),
    (
        r"goggles|(?:safety |protective )?glasses|spectacles|eye ?(?:protection|wear)|visors?|face shields?",
        [_F.NO_GOGGLES],
    ),
    (r"gloves?|hand protection|bare[- ]?hand\w*", [_F.NO_GLOVES]),
    (r"boots?|shoes?|foot ?wear|foot protection|toe caps?|bare[- ]?f(?:oo|ee)t\w*", [_F.NO_BOOTS]),
    (r"ear ?(?:plugs?|muffs?|defenders?)|hearing protection|ear protection", [_F.NO_HEARING_PROTECTION]),
    (
        (
            r"harness(?:es)?|lanyards?|tie-?off|tied off|fall arrest\w*|life ?jackets?|coveralls?"
            r"|overalls|apron"
        ),
        [_F.WORK_AT_HEIGHT],
    ),
)

_HAZARDS = _table(
    (r"cranes?|slew\w*|counterweights?|swing radius", [_H.CRANE_SWING, _H.LIFTING]),
    (
        r"(?:suspended |lifted |raised )?loads?|hoist(?:s|ed|ing)?|rigging|slings?",
        [_H.LIFTING, _H.CRANE_SWING, _F.UNDER_LOAD],
    ),
    (
        (
            r"fall(?:s|ing|en)? (?:objects?|materials?|tools?|debris|particles)|(?:objects?|materials?"
            r"|tools?|debris|something) (?:that )?(?:fall|falls|falling|dropped)"
            r"|dropped (?:objects?|tools?|materials?)|drop zone|overhead"
        ),
        [_H.OVERHEAD_WORK, _H.LIFTING, _H.CRANE_SWING, _F.UNDER_LOAD],
    ),
    (
        (
            r"falls? from|fall(?:ing|en)? (?:from|off|over|to)|a fall|fall (?:hazard|risk"
            r"|protection)s?|heights?|(?:open|unprotected|leading) (?:side|edge)s?"
            r"|guard ?rails?|scaffold\w*|ladders?|roofs?"
        ),
        [_H.FALL_EDGE, _F.WORK_AT_HEIGHT],
    ),
    (r"traffic|vehicles?|drivers?|cars?|lorr(?:y|ies)|reversing|run over", _AREA_TRAFFIC),
    (r"trucks?|fork-?lifts?|pallet", [_H.POWERED_TRUCKS, _H.VEHICULAR_TRAFFIC]),
    (r"public (?:road|traffic|street|highway)s?|highways?", [_H.PUBLIC_TRAFFIC]),
    (r"excavat\w+|trench\w*|cave-?ins?|shoring|backhoes?|diggers?", [_H.EXCAVATION]),
    (
        r"machines?|machinery|moving parts?|rotating|nip points?|blades?|conveyors?|presses|entangle\w*",
        [_H.MACHINERY],
    ),
    (
        r"electr\w+|live (?:wires?|parts?|conductors?)|conductors?|shocks?|energi[sz]ed|voltage|arc flash",
        [_H.ELECTRICAL],
    ),
    (r"weld\w*|grinding|sparks?|molten|hot (?:work|surfaces?)|flames?|torch\w*|cutting", [_H.HOT_WORK]),
    (r"burns?|burnt|burned", [_H.HOT_WORK, _H.ELECTRICAL, _H.CHEMICAL]),
    (r"fumes?|vapou?rs?", [_H.CHEMICAL, _H.HOT_WORK]),
    (r"chemicals?|toxic|corrosive|solvents?|acids?|splash\w*|poison\w*|hazardous substances?", [_H.CHEMICAL]),
    (r"nois[ey]|decibels?|hearing loss|loud", [_F.NO_HEARING_PROTECTION]),
    (r"dusts?|dusty|lungs?|airborne|inhal\w+", [_F.NO_MASK]),
    (
        (
            r"asbestos|silica|radiation|radioactive|laser|explo(?:sion|sions|sive|sives|de|des)|fires?"
            r"|confined spaces?|drown\w*|biological"
            r"|virus\w*|infect\w+|gas(?:es)?|carbon monoxide|oxygen|lightning|heat stroke|heat stress"
            r"|collaps\w+|pressure|mercury|lead poisoning"
            r"|animals?|falling trees?|weather|ice|slip(?:s|ped|pery)?|trips?|tripped"
        ),
        [],
    ),
)
"""Words of a hazard and what backs them: a hazard that a person declared for the zone, or a finding that implies it."""
