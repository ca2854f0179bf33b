"""The receipts: the projection, and the queries of its table."""
