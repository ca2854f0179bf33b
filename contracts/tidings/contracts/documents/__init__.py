"""Documents generated from the contracts: JSON Schema and AsyncAPI."""
