"""The mailbox: takes the mails of a machine under development, and shows them in a browser."""
