"""The program's version: certificates name it, and setup.cfg reads it from here."""

__version__ = "0.8.9"
