"""Turn public traffic-camera feeds into anonymous movement. Read `tables.py` first, then `stages.py`."""
