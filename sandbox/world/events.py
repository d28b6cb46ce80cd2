"""Things that happen to an ISP on an ordinary day, and how often. An event that finds nobody to happen to says so and
leaves no trace."""

from __future__ import annotations

from collections.abc import Callable

from sandbox.world import account_events, money_events, people_events
from sandbox.world.life import Life

EVENTS: tuple[tuple[Callable[[Life], bool], float], ...] = (
    (money_events.paid, 26),
    (people_events.contact_edited, 12),
    (account_events.status_changed, 6),
    (people_events.phone_edited, 6),
    (people_events.custom_value_edited, 5),
    (account_events.sign_up, 4),
    (people_events.contact_added, 4),
    (people_events.group_attached, 4),
    (money_events.pending_succeeded, 4),
    (account_events.move, 3),
    (people_events.group_detached, 3),
    (account_events.address_edited, 3),
    (account_events.billing_edited, 3),
    (people_events.contact_deleted, 2),
    (account_events.renamed, 1.5),
    (account_events.parent_changed, 1.5),
    (money_events.reversed_fully, 1.5),
    (money_events.reversed_partly, 1.5),
    (money_events.pending_failed, 1),
    (money_events.succeeded_failed, 1),
    (money_events.refunded_at_processor, 1),
    (people_events.instrument_stored, 1),
    (money_events.payment_deleted, 0.7),
    (money_events.reversal_deleted, 0.7),
    (account_events.archived, 0.7),
    (account_events.unarchived, 0.4),
    (money_events.voided_at_processor, 0.3),
    (people_events.group_renamed, 0.1),
    (people_events.status_renamed, 0.05),
)
