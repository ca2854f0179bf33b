"""The audience: relations, locales, groups and topics as of each event of a batch."""
