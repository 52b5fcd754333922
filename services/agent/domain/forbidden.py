"""Words that no report may hold, whoever writes it, as declared patterns with the reason of each.

All patterns read text in compatibility form (NFKC), so that look-alike digits, spaces and letters do not hide a word.
"""

import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Forbidden:
    """One kind of wording that is refused.

    Attributes:
        code: short name of the kind.
        pattern: what it looks like; case is ignored unless the pattern says otherwise.
        why: for the repair of a draft: what to do instead.
    """

    code: str
    pattern: re.Pattern[str]
    why: str


def _words(code: str, pattern: str, why: str) -> Forbidden:
    return Forbidden(code, re.compile(rf"(?<!\w)(?:{pattern})(?!\w)", re.IGNORECASE), why)


_PEOPLE = r"(?:workers?|employees?|persons?|people|individuals?|operators?|contractors?|crews?|teams?)"

WORDING: tuple[Forbidden, ...] = (
    _words(
        "regulator-class",
        r"willful(?:ly)?|wilful(?:ly)?|egregious|de minimis|other[- ]than[- ]serious|failure[- ]to[- ]abate"
        r"|imminent danger|(?:serious|repeat(?:ed)?|gravity|citable)[- ](?:violations?|citations?"
        r"|offen[cs]es?|breach(?:es)?"
        r"|non-?compliances?|infractions?)|repeat offen\w+|classified as (?:serious|repeat\w*)|citable",
        "only a regulator assigns its classes; use the severity of the facts",
    ),
    _words(
        "legal-finding",
        r"violat(?:ion|ions|ed|es|e|ing|or|ors)|breach(?:ed|es|ing)?|illegal(?:ly)?"
        r"|unlawful(?:ly)?|infractions?"
        r"|offen[cs]es?|guilty|liable|liability|prosecut\w+|penalt(?:y|ies)|fined|fines|lawsuit"
        r"|negligen(?:ce|t|tly)"
        r"|against the (?:law|rules?)|broke the (?:law|rules?)|citation (?:was|is|will be) issued"
        r"|non-?compliant",
        "a camera makes no legal finding; call it a potential non-compliance",
    ),
    _words(
        "legal-finding",
        r"(?<!potential )(?<!possible )non-?compliances?",
        "say 'potential non-compliance'",
    ),
    _words(
        "blame",
        r"blam(?:e|ed|es|ing)|at fault|to fault|careless(?:ly|ness)?|reckless(?:ly|ness)?"
        r"|irresponsibl[ey]|la(?:zy|ziness)"
        r"|ignor(?:ed|es|ing)|disobey\w*|disregard(?:ed|s|ing)?|defian(?:t|ce)|refus(?:ed|es|ing)"
        r"|failed to|fails to|fail to"
        r"|failing to|failure to|neglect(?:ed|s|ing)?|forg[eo]t(?:ten|s)?|offenders?|culprits?"
        r"|perpetrators?|deliberate(?:ly)?"
        r"|intentional(?:ly)?|knowingly|misconduct|misbehav\w+|should have known|stupid\w*"
        r"|foolish\w*|incompeten(?:t|ce)"
        r"|unsafe behaviou?r|bad attitude|complacen(?:t|cy)|shortcuts?|cut(?:ting)? corners",
        "describe what was seen and what to change; blame nobody",
    ),
    _words(
        "discipline",
        r"disciplin\w+|reprimand\w*|punish\w*|sanction(?:ed|s|ing)?|dismissals?|dismissed from|sack(?:ed)?"
        r"|terminat(?:e|ed|ion)"
        rf"|(?:warn|dismiss|suspend|fire|remove|identify|retrain|question|report|penali[sz]e"
        rf"|interview)(?:ed|s|ing)? (?:the|this|that) {_PEOPLE}"
        r"|written warning|verbal warning|disciplinary|hold(?:ing)? \w+ accountable|name and shame",
        "no measure against a person; propose a change of the place or the work",
    ),
    _words(
        "identity",
        r"he|she|him|her|hers|his|himself|herself|man|men|woman|women|male|female|guy|guys|lady"
        r"|ladies|gentlem[ae]n|boy|girl"
        r"|mr|mrs|ms|mx|sir|madam|elderly|teenage\w*|middle-aged|old(?:er)? (?:person|worker)"
        r"|young(?:er)? (?:person|worker)"
        r"|asian|hispanic|latin[oax]|caucasian|african|arab|indian|chinese|european-looking"
        r"|black (?:person|worker)"
        r"|white (?:person|worker)|dark-skinned|light-skinned|ethnic\w*|nationality|immigrants?"
        r"|muslim|sikh|jewish|christian"
        r"|turban|hijab|bearded|beard|moustache|mustache|tattoo\w*|bald|blond\w*|brunette|pregnan\w+|disabled"
        r"|named|known as|identified as|recogni[sz]ed as|facial features|badge number|employee (?:number|id)"
        r"|staff (?:number|id)|licen[cs]e plate|number plate|registration number",
        "no identity, looks or traits of a person",
    ),
    _words(
        "injury-claim",
        r"(?:was|were|been|got|is|are) (?:\w+ )?(?:injured|hurt|killed|wounded|struck|electrocuted"
        r"|crushed|burned)"
        r"|suffered|fatalit(?:y|ies)|casualt(?:y|ies)|victims?|(?:accident|incident"
        r"|injury) (?:occurred|happened|took place)"
        r"|near[- ]miss(?:es)?|recordable",
        "no injury or incident is known; this is an observation",
    ),
    _words(
        "certainty",
        r"certainly|definite(?:ly)?|undoubtedly|undeniabl[ey]|unquestionabl[ey]|indisputabl[ey]"
        r"|obviously|clearly|without (?:a |any )?doubt"
        r"|beyond (?:a |any )?doubt|no doubt|proves?|proven|conclusive(?:ly)?"
        r"|guarantee[ds]?|has been confirmed",
        "the system can be wrong; say how sure it is from the facts",
    ),
    _words(
        "denial",
        r"false (?:alarms?|positives?|detections?)|(?:alarms?|detections?|observations?) (?:is|are|was|were) false"
        r"|(?:no|not an?|never an?|isn't an?|wasn't an?) (?:potential )?non-?compliances?"
        r"|no (?:rule|policy) (?:is|was|has been) broken|do nothing|no (?:reason|need) (?:to act|for action)"
        r"|no action (?:is |was )?(?:needed|required|necessary|asked for)",
        "tell what was seen; whether the system is mistaken, a person decides",
    ),
    _words(
        "model-speech",
        r"as an ai|language model|i'm sorry|i am sorry|i can'?t|i cannot|i'm unable|i am unable|i won't"
        r"|my instructions|system prompt|ignore (?:all|any|the|previous)|previous instructions"
        r"|openai|chatgpt|gpt-?\d\w*"
        r"|claude|gemini|llama",
        "write the report only",
    ),
)

MARKUP: tuple[Forbidden, ...] = (
    Forbidden("markup", re.compile(r"<\s*[a-zA-Z/!?]"), "plain text without tags"),
    Forbidden("markup", re.compile(r"&(?:#\d|#x|[a-zA-Z]{2,8};)"), "plain text without entities"),
    Forbidden(
        "markup",
        re.compile(r"\*\*|__|`|~~|\]\(|\{\{|\}\}|\{%|\$\{|\\[a-zA-Z]|^\s*(?:[#>*|-]|\d+\.)\s"),
        "plain text, no Markdown",
    ),
    Forbidden(
        "link",
        re.compile(r"(?i)\b(?:https?|ftp|file|data|javascript|mailto)\s*:|\bwww\.|\S@\S+\.\w"),
        "no links or addresses",
    ),
    Forbidden("fact-id", re.compile(r"\bF\d{1,3}\b"), "name facts in rests_on, not in the text"),
)

LAWS: tuple[re.Pattern[str], ...] = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        r"\b\d{0,3}\s*C\.?\s?F\.?\s?R\b",
        r"\b19\d\d\.\d+",
        r"\b(?:19)?(?:10|26)\.\d{2,4}\s*\(",
        r"\bparts?\s+(?:19\d\d|634)\b",
        r"\bsub-?parts?\s+[A-Z]{1,2}\b",
        r"\bgeneral duty\b",
        r"\b5\s*\(\s*a\s*\)",
        r"(?-i:\b(?:EN|ISO|IEC|ANSI|ISEA|ASTM|NFPA|BS|CSA|DIN|AS/NZS|NIOSH|ACGIH|MUTCD|MSHA|FMCSA)\b)",
        r"\b(?:en|iso|iec|ansi|isea|astm|nfpa|bs|csa|din)[ -]?(?:(?:iso|en|isea)[ -]?)?[a-z]?\d",
        r"(?-i:\b(?:CDM|COSHH|RIDDOR|LOLER|PUWER|REACH|HASAWA)\b)",
        r"\b(?:OSH|OSHA|health and safety at work|occupational safety and health)(?:,? etc\.?,?)? act\b",
        r"\b\d{2,4}/\d{1,4}/E[CEU]C?\b|\(E[CU]\)|\bEC\s+No\b",
        (
            r"\b(?:OSHA|HSE|Cal/OSHA)(?:'s)?\s+(?:standards?|rules?|regulations?|sections?|code"
            r"|requirements?|\d)"
        ),
        r"\bTitle\s+8\b|\bCal/OSHA\b|\bMIOSHA\b|\bWISHA\b|\bstate plan\b",
        r"\bZ(?:41|87|89)(?:\.\d)?\b|\bF24\d\d\b",
    )
)
"""What names a law or a standard."""

REFERENCES: tuple[re.Pattern[str], ...] = (
    *LAWS,
    *(
        re.compile(pattern, re.IGNORECASE)
        for pattern in (
            r"§",
            (
                r"\b(?:sections?|articles?|annex(?:es)?|clauses?|paragraphs?|regulations?|reg\.?|art\.?"
                r"|sec\.?|table|chapter|title)\s+(?:\d|[IVX]+\b|\()"
            ),
            r"\bdirectives?\b",
            r"\b(?:act|regulations|order|code|rules)\s+(?:of\s+)?(?:19|20)\d\d\b",
        )
    ),
)
"""What looks like a reference to a law or a standard; a site's own rules may look so, too."""

LEGAL_WORDS = re.compile(
    r"(?<!\w)(?:OSHA|HSE|regulators?|regulations?|regulatory|laws?|legal(?:ly)?|statut\w+"
    r"|federal|mandated|directive)(?!\w)",
    re.IGNORECASE,
)
"""Words that claim a law; only where the sentence rests on one."""

HEDGES = re.compile(
    r"(?<!\w)(?:may|might|could(?! not)|if|where|whether|potential(?:ly)?|possibl[ey]"
    r"|(?:to|must|should) (?:\w+ )?(?:confirm|be (?:\w+ )?confirmed)|not (?:yet )?(?:be(?:en)? )?confirmed"
    r"|(?:until|unless|once) [\w ]{0,30}?confirm(?:s|ed))(?!\w)",
    re.IGNORECASE,
)
"""A reference that a person has to confirm is never stated without one of these: that it was confirmed is none."""

CALLED_POTENTIAL = re.compile(r"potential non-compliance", re.IGNORECASE)

RELATIVE_TIME = re.compile(
    r"(?<!\w)(?:yesterday|today|tomorrow|tonight|(?:this|last|next) (?:morning|afternoon"
    r"|evening|night|week|weekend|month|year)"
    r"|o'clock|noon|midnight|(?:night|day|early|late|morning) shift|weekend|lunch(?:time)?)(?!\w)",
    re.IGNORECASE,
)

HABIT = re.compile(
    r"(?<!\w)(?:repeatedly|repeat|regularly|habitual(?:ly)?|often|frequent(?:ly)?|always"
    r"|usually|every (?:day|week|shift)|again"
    r"|once more|pattern of|previously|history of|another time|chronic\w*|ongoing problem"
    r"|continues to)(?!\w)",
    re.IGNORECASE,
)

WORN = re.compile(r"(?<!\w)(?:wore|wears?|wearing|worn|had on|has on|dressed in)(?!\w)", re.IGNORECASE)
"""What was seen is never that something is worn; unless the words before say that it is not, or ought to be."""

NOT_SO = re.compile(
    r"(?<!\w)(?:no|not|nobody|none|neither|never|without|cannot|must|should|where|to be|ha(?:s|ve) to|required)(?!\w)"
    r"|n't(?!\w)",
    re.IGNORECASE,
)

SEEN_MISSING = re.compile(
    r"(?<!\w)(?:seen (?:to be |as )?(?:missing|absent|off)|bare(?:-?headed|[ -](?:head|hand|feet|foot)\w*)?)(?!\w)",
    re.IGNORECASE,
)
"""Only for an item whose absence was seen; an item that was not seen may be there."""

NOT_BLURRED = re.compile(
    r"(?:(?<!\w)(?:not|never)|n't) (?:been |yet )?blurred|(?<!\w)(?:unblurred"
    r"|no faces? (?:is|are|was|were) blurred|without (?:\w+ ){0,3}blurred|blurring (?:is|was) (?:\w+ )?off)(?!\w)",
    re.IGNORECASE,
)
BLURRED = re.compile(r"(?<!\w)(?<!must be )(?<!should be )(?<!to be )blurred(?!\w)", re.IGNORECASE)

EVENT = _words(
    "unbacked-event",
    r"no longer|ended|came to an end|left (?:the|this|its|their|before|after|when|again)"
    r"|(?:is|are|was|were|been) (?:informed|told|notified|warned|stopped|approved)|stopped|approved"
    r"|ha(?:s|ve) (?:checked|looked)|removed|took off|taken off|drunk|intoxicated|asleep|slept|sleeping"
    r"|climb(?:ed|ing|s)?|jump(?:ed|ing|s)|telephon\w*|phones?|smok(?:ed?|es|ing)",
    "no fact tells of it",
)
"""How it went on, and what somebody did: never part of what was seen."""

ENGLISH = frozenset(
    [
        "the",
        "of",
        "and",
        "is",
        "was",
        "were",
        "with",
        "for",
        "to",
        "in",
        "on",
        "at",
        "be",
        "been",
        "are",
        "not",
        "may",
        "it",
        "this",
        "that",
        "from",
        "by",
        "or",
        "an",
        "as",
        "has",
        "have",
        "before",
        "until",
        "which",
        "would",
        "could",
        "can",
        "where",
        "when",
        "so",
        "if",
        "under",
        "there",
        "who",
        "than",
        "its",
        "no",
    ]
)
"""A sentence of five or more words holds one of these, or it is not English and the other checks mean nothing."""
