"""Rules of Acme for dsprep, and the pack that says how they are used. `RULES` names them without importing them."""

from pathlib import Path

RULES = {
    "ACM001": "acme_rules.boilerplate_answer:BoilerplateAnswer",
    "ACM002": "acme_rules.mixed_system_messages:MixedSystemMessages",
    "ACM003": "acme_rules.repeated_id:RepeatedId",
}


class Plugin:
    def rules(self):
        return RULES

    def packs(self):
        return {"acme": Path(__file__).parent / "acme.yaml"}
