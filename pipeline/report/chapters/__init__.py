"""Reckon what the report says, a file a subject: what is given of a night -> facts that JSON can hold."""
