"""HTTP: the application, its problems, rates, metrics and OpenAPI document."""
