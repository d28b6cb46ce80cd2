"""What the stages did, for people: the texts behind the documents of `topics`, `snapshot`, `process` and `sink`."""

from typing import Any

from console.output import table


def topics_text(document: dict[str, Any]) -> str:
    """What was, or would be, created and put right."""
    if not (document["topics"] or document["subjects"] or document["protect"] or document["put_right"]):
        return "All topics and schemas are there."
    verb = "Created" if document["applied"] else "Would create"
    lines = [f"{verb} topic {one['name']} ({one['partitions']} partitions)" for one in document["topics"]]
    verb = "Set" if document["applied"] else "Would set"
    lines += [
        f"{verb} {{setting}} of topic {{topic}} to {{wanted}}; it was {{has}}".format(**one)
        for one in document["put_right"]
    ]
    verb = "Registered" if document["applied"] else "Would register"
    lines += [f"{verb} {subject}" for subject in document["subjects"]]
    verb = "Protected" if document["applied"] else "Would protect"
    lines += [f"{verb} {subject} from schemas that do not fit" for subject in document["protect"]]
    if not document["applied"]:
        lines.append("Nothing was changed. Do it with: crossfade topics --apply")
    return "\n".join(lines)


def capture_text(document: dict[str, Any]) -> str:
    """Rows read of each aggregate, or who reads them instead."""
    handed = document["signal_id"] is not None
    if handed and not document["snapshot"]:
        return "Another process captures this Sonar; it was asked to do it."
    rows = [["aggregate", "rows", "of"]]
    rows += [[name, str(read), str(whole or "?")] for name, (read, whole) in document["snapshot"].items()]
    lines = [table(rows), *(f"Sonar has no {name} {ids}" for name, ids in document["missing"].items())]
    lines += [f"{name} stands still [{code}]; crossfade doctor says why" for name, code in document["standing"].items()]
    if handed:
        return "\n".join([*lines, "Read by the process that captures this Sonar."])
    return "\n".join([*lines, f"{document['requests']} requests in {document['seconds']:.1f} s"])


def process_text(document: dict[str, Any]) -> str:
    """Bundles made, and events set aside, of each aggregate."""
    rows = [["aggregate", "produced", "dead-lettered"]]
    names = sorted({*document["produced"], *document["dead_lettered"]})
    rows += [
        [name, str(document["produced"].get(name, 0)), str(document["dead_lettered"].get(name, 0))] for name in names
    ]
    return table(rows)


def sink_text(document: dict[str, Any]) -> str:
    """What was, or would be, written."""
    rows = [["entity", "outcome", "records"]]
    counted = document["records"] if document["applied"] else document["steps"]
    rows += [[entity, name, str(count)] for entity, counts in counted.items() for name, count in counts.items()]
    text = table(rows)
    if document["fields"]:
        text += f"\nadditional fields: {', '.join(document['fields'])}"
    if document["labels"]:
        text += f"\nflag labels: {', '.join(document['labels'])}"
    if document["applied"]:
        return text
    if document["adoptions"]:
        told = ", ".join(f"{count} of {entity}" for entity, count in document["adoptions"].items())
        text += (
            f"\nrows with Sonar ids that the ledger does not know: {told}; see crossfade plan, then --approve adoption"
        )
    elif document["others"]:
        text += f"\n{document['others']} customers are in this Splynx already; if it is meant, --approve target"
    return text + "\nNothing was written. Do it with: crossfade sink --apply"
