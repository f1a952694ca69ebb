"""Hold what the DAG files share; imports nothing that a scheduler's image would not have."""
