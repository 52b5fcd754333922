"""Reports to lay out, mail and store; each takes overrides."""

import io
from datetime import timedelta
from typing import Any

from PIL import Image, ImageDraw

from services.agent.domain.citation import Citation, Reference
from services.agent.domain.draft import Draft, Sentence, Writer
from services.agent.domain.report import Action, Brief, Fact, Grading, Recurrence, Report
from shared.contracts.violation import (
    CameraFacts,
    FindingFacts,
    NormalisedBox,
    Opened,
    PictureBox,
    RuleFacts,
    SiteFacts,
    ZoneFacts,
)
from shared.vocabulary import Finding, Hazard, Jurisdiction, Severity
from tests.builders import AT, evidence, opened

HEAD_PROTECTION = Citation(
    id="osha-1926-100-a",
    title="29 CFR 1926.100(a), Head protection",
    jurisdiction="us-osha-construction",
    primary=True,
    requirement="Workers must be protected by helmets where impact, falling or flying objects, or electric shock "
    "and burns could injure the head.",
    applies_when="Such a head hazard exists at that place and time.",
    equipment_standard="ANSI Z89.1-1997, -2003 or -2009, or equally effective",
    needs_person_confirmation=False,
)
OVERHEAD = Citation(
    id="osha-1926-501-c",
    title="29 CFR 1926.501(c), Protection from falling objects",
    jurisdiction="us-osha-construction",
    primary=False,
    requirement="Where people are exposed to falling objects they wear hard hats, and toe boards, canopies or "
    "barricades keep objects or people away.",
    applies_when="Work goes on above people at that moment.",
    equipment_standard="",
    needs_person_confirmation=True,
)
SITE_POLICY = Citation(
    id="site-policy-ppe",
    title="Site safety policy 4.2, Personal protective equipment",
    jurisdiction="site-policy",
    primary=True,
    requirement="The site's own policy asks for the equipment that its rule names in this zone.",
    applies_when="The zone is declared in the site file with this rule.",
    equipment_standard="",
    needs_person_confirmation=False,
)

ACTIONS = (
    Action(
        "no_hardhat.elimination.1",
        "elimination",
        "Reschedule so that nobody works below while overhead work goes on.",
        "Site manager",
        1,
    ),
    Action(
        "no_hardhat.engineering.1",
        "engineering",
        "Fit toe boards or nets at the open edge and tether tools.",
        "Scaffold supervisor",
        7,
    ),
    Action(
        "no_hardhat.administrative.1",
        "administrative",
        "Barricade and sign the drop zone and control entry to it.",
        "Area supervisor",
        2,
    ),
    Action(
        "no_vest.administrative.1",
        "administrative",
        "Make helmet and vest a check at the gate and in the daily briefing.",
        "Gate supervisor",
        3,
    ),
    Action(
        "no_vest.ppe.1",
        "ppe",
        "Keep clean vests in all sizes at the zone entrance.",
        "Store keeper",
        5,
    ),
)


def facts(about: Opened) -> tuple[Fact, ...]:
    """As many as a real brief has."""
    pairs = (
        ("Site", about.site.name),
        ("Camera", about.camera.name),
        ("Zone", f"{about.zone.name}; declared hazards: overhead work"),
        ("Rule", about.rule.title),
        ("First seen", "4 March 2026 03:30:00 CST (09:30:00 UTC)"),
        ("Last seen when written", "03:30:03 CST, 3 s later; ongoing"),
        ("People", f"{about.people}, never identified"),
        ("Finding", "No hard hat: seen missing in 8 of 10 looks within 2.5 s, confidence 81%"),
        ("Finding", "No high-visibility vest: not seen in 9 of 10 looks within 2.5 s, confidence 70%"),
        ("Recurrence", "2 in 7 days, 5 in 30 days on this camera and rule"),
    )
    return tuple(Fact(f"F{number}", name, value) for number, (name, value) in enumerate(pairs, 1))


def brief(**overrides: Any) -> Brief:
    about = overrides.pop("opened", None) or opened()
    fields: dict[str, Any] = {
        "opened": about,
        "facts": facts(about),
        "references": (
            Reference(
                Finding.NO_HARDHAT,
                (HEAD_PROTECTION, OVERHEAD),
                "The site declares US construction and the zone declares overhead work.",
            ),
            Reference(
                Finding.NO_VEST,
                (SITE_POLICY,),
                "No regulation asks for a vest without public traffic or an excavation; the site's policy does.",
            ),
        ),
        "grading": Grading(
            Severity.HIGH,
            "serious",
            "likely",
            "A falling object can injure the head seriously, and work overhead is declared for this zone.",
        ),
        "offered_actions": ACTIONS,
        "recurrence": Recurrence(days_7=2, days_30=5),
    }
    return Brief(**{**fields, **overrides})


def draft(**overrides: Any) -> Draft:
    fields: dict[str, Any] = {
        "headline": Sentence("Worker without hard hat and vest in the hoist area", ("F3", "F8", "F9")),
        "what_was_seen": (
            Sentence("One person stood in the hoist area without a hard hat.", ("F3", "F7", "F8")),
            Sentence("A bare head was recognised in 8 of 10 looks within 2.5 seconds.", ("F8",)),
            Sentence(
                "A high-visibility vest was not seen in 9 of 10 looks while the torso was in view.", ("F9",)
            ),
            Sentence("The observation was still going on when this report was written.", ("F6",)),
        ),
        "why_it_matters": (
            Sentence(
                "The zone is declared for overhead work, where tools and material can fall.",
                ("F3", "osha-1926-100-a"),
            ),
            Sentence(
                "A hard hat is the last barrier between a falling object and the head.", ("osha-1926-100-a",)
            ),
            Sentence(
                "Without a vest a person is seen later by those who drive and lift in the area.",
                ("site-policy-ppe",),
            ),
        ),
        "immediate_action": (
            Sentence(
                "Stop the work below the hoist and bring the person out of the zone until head protection is worn.",
                ("F3", "F8"),
            ),
        ),
        "actions": tuple(action.id for action in ACTIONS),
    }
    return Draft(**{**fields, **overrides})


def report(**overrides: Any) -> Report:
    """A worker without hard hat and vest, told by the template."""
    fields: dict[str, Any] = {
        "brief": overrides.pop("brief", None) or brief(),
        "draft": draft(),
        "writer": Writer(name="template", prompt_version="template 1"),
        "actions": ACTIONS,
        "generated_at": AT + timedelta(seconds=20),
        "table_version": "1.0.0",
    }
    return Report(**{**fields, **overrides})


def box(role: str, label: str, confidence: float, *edges: float) -> PictureBox:
    """Edges are x1, y1, x2, y2 in fractions of the picture."""
    x1, y1, x2, y2 = edges
    return PictureBox.model_validate(
        {
            "role": role,
            "label": label,
            "confidence": confidence,
            "box": {"x1": x1, "y1": y1, "x2": x2, "y2": y2},
        }
    )


def restricted_zone_report(**overrides: Any) -> Report:
    """Two people in a restricted zone in Britain, told by a language model."""
    about = opened(
        site=SiteFacts(
            id="hall-3",
            name="Hall 3",
            timezone="Europe/London",
            jurisdictions=(Jurisdiction.GREAT_BRITAIN,),
            policy="Hall rules 2026",
        ),
        camera=CameraFacts(id="north-wall", name="North wall"),
        zone=ZoneFacts(
            id="press",
            name="Press line",
            hazards=(Hazard.MACHINERY, Hazard.POWERED_TRUCKS),
            polygon=((0.08, 0.55), (0.45, 0.45), (0.85, 0.8), (0.2, 0.97)),
        ),
        rule=RuleFacts(
            id="press-line",
            kind="restricted-zone",
            title="Nobody in the press line while it runs",
            version="3",
            per="zone",
            requires=(),
        ),
        findings=(
            FindingFacts(
                finding=Finding.RESTRICTED_ZONE,
                basis="present-in-zone",
                confidence=0.93,
                supporting=15,
                looked=15,
                window_s=3.0,
            ),
        ),
        people=2,
        evidence=evidence(
            boxes=(
                box("subject", "person", 0.93, 0.3, 0.25, 0.42, 0.85),
                box("subject", "person", 0.88, 0.55, 0.3, 0.66, 0.88),
                box("item", "hard hat", 0.9, 0.34, 0.25, 0.39, 0.33),
                box("other", "machinery", 0.6, 0.7, 0.05, 0.98, 0.6),
            ),
            close_up=NormalisedBox(x1=0.25, y1=0.2, x2=0.7, y2=0.9),
        ),
    )
    policy = Reference(
        Finding.RESTRICTED_ZONE,
        (SITE_POLICY,),
        "There is no general keep-out rule; the site's own policy declares this zone.",
    )
    grading = Grading(Severity.CRITICAL, "life-threatening", "possible", "A press can crush; it was running.")
    fields: dict[str, Any] = {
        "brief": brief(opened=about, references=(policy,), grading=grading),
        "writer": Writer("gpt-5-mini", "report 4", "", 2100, 640, 0.0021),
        "draft": draft(
            headline=Sentence("Two people in the press line while it runs", ("F3", "F7")),
            what_was_seen=(Sentence("Two people stood inside the outline of the zone.", ("F3", "F7")),),
        ),
        "actions": ACTIONS[:3],
    }
    return report(**{**fields, **overrides})


def jpeg(width: int = 1280, height: int = 720) -> bytes:
    """A plain scene: a wall, a floor, a figure where `builders.evidence` says that one is."""
    image = Image.new("RGB", (width, height), (196, 202, 206))
    draw = ImageDraw.Draw(image)
    draw.rectangle((0, 0.6 * height, width, height), fill=(142, 120, 96))
    draw.rectangle((0.44 * width, 0.3 * height, 0.56 * width, 0.9 * height), fill=(58, 66, 84))
    draw.ellipse((0.47 * width, 0.2 * height, 0.53 * width, 0.32 * height), fill=(196, 160, 136))
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=88)
    return buffer.getvalue()
