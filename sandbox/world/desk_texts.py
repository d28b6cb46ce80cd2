"""What people write to the help desk and what it answers: ordinary sentences, and the HTML that mail programs make."""

from __future__ import annotations

from random import Random

SUBJECTS = (
    "No internet since this morning",
    "Slow in the evenings",
    "Question about my bill",
    "Please move my service",
    "Router keeps rebooting",
    "Cannot log in to the portal",
    "Phone has no dial tone",
    "Tree fell on the line",
    "Vacation hold please",
    "New card number",
    "Wi-Fi does not reach the barn",
    "RE: RE: Outage in Three Barns",
)
COMPLAINTS = (
    "The light on the box by the window is red again.",
    "Speed tests show a tenth of what we pay for, but only after seven.",
    "I was charged twice & would like to know why.",
    "We are moving to Mill Rd at the end of the month.",
    "It works when I unplug it, for an hour or so.",
    "My neighbor has the same problem, so it is not my router.",
    "Could somebody call me back after 5 pm?",
    "It is < 1 Mbps upstream, and video calls freeze.",
)
ANSWERS = (
    "We see your radio online now. Please restart the router once.",
    "A technician will come by on the date below.",
    "The second charge was a pending authorization; it drops off by itself.",
    "We have credited the days without service.",
    "Please tell us the best time to call.",
    "The tower was repaired this morning. Sorry for the trouble.",
)
COMMENTS = (
    "Signal fell after the storm, alignment suspected.",
    "Called, no answer, left a message.",
    "Same sector as two others, check the access point first.",
    "Customer is right about the double charge.",
    "Swapped the power injector, watching it.",
)
NOTES = (
    "Dog in the yard, call ahead.",
    "Prefers e-mail to calls.",
    "Gate code is with the neighbor.",
    "Pays in cash at the office on the first of the month.",
    "Roof mount, bring the long ladder.",
    "Promised a credit if it happens again.",
)
CALLS = ("Billing question", "Outage report", "Asked for an upgrade", "Returned our call", "Wants to cancel")
MAILINGS = (
    "Your invoice is ready",
    "Thank you for your payment",
    "Planned maintenance tonight",
    "Your payment could not be processed",
    "Welcome to Prairie Lantern Broadband",
)
TEXTS = (
    "Prairie Lantern: your technician is on the way.",
    "Prairie Lantern: planned maintenance tonight 1-3 am.",
    "Prairie Lantern: your payment is due tomorrow.",
)
CONTRACT_BODY = (
    "<h2>Service agreement</h2><p>Between <b>Prairie Lantern Broadband</b> and {{ account.name }}.</p>"
    "<ol><li>Service is provided as is.</li><li>Equipment stays ours.</li></ol><p>Signed: {{ signature }}</p>"
)

PIXEL = (
    "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAQAAAC1HAwCAAAAC0lEQVR42mNk+A8AAQUBAScY42YAAAAASUVORK5CYII="
)

ODD_BODIES: dict[str, str] = {
    "script": "<p>Hello</p><script>alert('x')</script><style>p { color: red }</style><p>Bye</p>",
    "event_handler": '<p onclick="steal()">Click <a href="javascript:void(0)" onmouseover="x()">here</a></p>',
    "remote_image": '<p>Logo:</p><img src="https://www.example.com/logo.png" width="1" height="1">',
    "embedded_image": f'<p>See the photo:</p><img src="{PIXEL}" alt="modem">',
    "four_byte": "<p>Thanks a lot \U0001f600\U0001f6f0\ufe0f</p>",
    "decomposed": "<p>Cafe\u0301 Mu\u0308ller</p>",
    "control_characters": "<p>Pasted\x00 from\x0b a\x1b[0m terminal\x07</p>",
    "unclosed_tags": "<div><p>First<p>Second <b>bold <i>both</b> odd</i><table><tr><td>cell",
    "conditional_comment": "<!--[if mso]><v:rect>x</v:rect><![endif]--><o:p></o:p><p class=MsoNormal>From Outlook</p>",
    "plain_with_signs": "if speed < 5 && light > 2 then\n\tcall me\n\n\n\nthanks",
    "entities": "<p>Fish &amp; Chips &lt;b&gt;not bold&lt;/b&gt;&nbsp;&copy; &#128225;</p>",
    "empty": "",
    "blank": " <p>&nbsp;</p> \n",
    "overlong": "<p>" + "All work and no play. " * 3200 + "</p>",
}
"""Bodies of mails that a mapping easily gets wrong, by what is odd about them."""


def letter(rng: Random, sentences: tuple[str, ...], name: str | None) -> str:
    """A short mail, usually as HTML, now and then as plain text."""
    lines = [rng.choice(sentences) for _ in range(rng.randint(1, 2))]
    if rng.random() < 0.15:
        return "\n".join(("Hi,", "", *lines, "", name or "Your help desk"))
    paragraphs = "".join(f"<p>{line.replace('&', '&amp;').replace('< ', '&lt; ')}</p>" for line in lines)
    return f"<div>{paragraphs}<p>Regards,<br>{name or 'Your help desk'}</p></div>"
