"""Commands for analysts and operators: the log as it is, receipts, and the doctor."""
