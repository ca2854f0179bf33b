"""The analyst's and operator's view: the log as it is, and whether all is well."""
