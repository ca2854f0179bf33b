"""What every service stands on: settings, NATS JetStream, Postgres, processes; the only importer of their clients."""
