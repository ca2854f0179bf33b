"""The dialects of the products: a module or a package for each product."""
