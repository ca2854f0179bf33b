"""E-mail: compose mails, hand them to a relay, and read what bounces."""
