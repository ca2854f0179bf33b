"""The stage: a page where the five products' people sign in and make things happen; for development, never where real people are."""
