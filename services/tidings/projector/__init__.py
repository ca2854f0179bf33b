"""The projector: turns the log into rows, each batch with its checkpoint in one transaction."""
