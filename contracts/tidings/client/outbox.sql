-- The transactional outbox of a service with a Postgres of its own: what is written here in a transaction of the service's is
-- in the log of Tidings once that commits, and is not if it does not. `tidings outbox` carries it there.
-- For PostgreSQL 14 or later; may be run again at any time.

CREATE SCHEMA IF NOT EXISTS tidings_outbox;

-- Events on their way, each a CloudEvent in JSON. The position is taken where `emit` is called, one after the other (no cache).
CREATE TABLE IF NOT EXISTS tidings_outbox.waiting (
    position bigint GENERATED ALWAYS AS IDENTITY (CACHE 1) PRIMARY KEY,
    event text NOT NULL
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 20000, autovacuum_analyze_scale_factor = 10);

-- Events that can never be accepted, each with the reason. `tidings outbox --again` has them tried once more.
CREATE TABLE IF NOT EXISTS tidings_outbox.refused (
    position bigint PRIMARY KEY,
    event text NOT NULL,
    reason text NOT NULL,
    refused_at timestamptz NOT NULL DEFAULT now()
);

-- The batch that was sent last: if any of it is in the log, then after this sequence of this incarnation of it.
CREATE TABLE IF NOT EXISTS tidings_outbox.underway (
    single boolean PRIMARY KEY DEFAULT true CHECK (single),
    epoch text NOT NULL,
    after bigint NOT NULL,
    positions bigint[] NOT NULL
);

CREATE OR REPLACE FUNCTION tidings_outbox.wake() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('tidings_outbox', '');
    RETURN NULL;
END $$;

CREATE OR REPLACE TRIGGER wake AFTER INSERT ON tidings_outbox.waiting
    FOR EACH STATEMENT EXECUTE FUNCTION tidings_outbox.wake();

-- Emit an event from SQL; its id is the answer.
-- SELECT tidings_outbox.emit('task.assigned', '{"task_id": "1", "task_title": "Say hello", "user_id": "amira"}', '/my-service');
CREATE OR REPLACE FUNCTION tidings_outbox.emit(
    type text, data jsonb, source text,
    tenant text DEFAULT NULL, actor text DEFAULT NULL, id text DEFAULT NULL, subject text DEFAULT NULL
) RETURNS text LANGUAGE sql VOLATILE AS $$
    WITH chosen AS (SELECT coalesce(id, gen_random_uuid()::text) AS id),
    sealed AS (
        SELECT chosen.id, jsonb_strip_nulls(jsonb_build_object(
            'specversion', '1.0', 'id', chosen.id, 'source', source, 'type', type,
            'tenant', tenant, 'actor', actor, 'subject', subject
        )) || jsonb_build_object('data', data) AS event
        FROM chosen
    ),
    written AS (INSERT INTO tidings_outbox.waiting (event) SELECT sealed.event::text FROM sealed)
    SELECT sealed.id FROM sealed
$$;
