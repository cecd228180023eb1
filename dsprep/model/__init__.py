"""The words of dsprep as types: records, examples, rules, findings, fixes, reports. No input or output happens here."""
