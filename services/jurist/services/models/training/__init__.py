"""Makes the small judge that ships with Jurist, and shows how one is made."""
