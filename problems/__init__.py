"""The problems that ship with PatternBoost: one short file each, and the table of known records."""
