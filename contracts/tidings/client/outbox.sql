-- The transactional outbox of a service with a Postgres of its own. Events written here in a
-- transaction reach the log of Tidings if and only if the transaction commits; `tidings outbox`
-- sends them. For PostgreSQL 14 or later; may be run again at any time.

CREATE SCHEMA IF NOT EXISTS tidings_outbox;

-- Waiting events, each a CloudEvent in JSON. `emit` takes the position; without a cache, because
-- sessions with cached numbers would take them out of order.
CREATE TABLE IF NOT EXISTS tidings_outbox.waiting (
    position bigint GENERATED ALWAYS AS IDENTITY (CACHE 1) PRIMARY KEY,
    event text NOT NULL
) WITH (
    -- Each row is soon deleted: vacuum by the number of dead rows, not by their part of the table.
    autovacuum_vacuum_scale_factor = 0,
    autovacuum_vacuum_threshold = 20000,
    autovacuum_analyze_scale_factor = 10
);

-- Invalid events, each with the reason. `tidings outbox --again` sends them again.
CREATE TABLE IF NOT EXISTS tidings_outbox.refused (
    position bigint PRIMARY KEY,
    event text NOT NULL,
    reason text NOT NULL,
    refused_at timestamptz NOT NULL DEFAULT now()
);

-- The batch that was sent last: if the log has it, then after this sequence of this epoch.
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

-- Emit an event from SQL, and return its id:
-- SELECT tidings_outbox.emit(
--     'user.joined', '{"user_id": "amira", "locale": "de"}', '/my-service', tenant => 'acme'
-- );
CREATE OR REPLACE FUNCTION tidings_outbox.emit(
    type text, data jsonb, source text,
    tenant text DEFAULT NULL, actor text DEFAULT NULL, id text DEFAULT NULL,
    subject text DEFAULT NULL
) RETURNS text LANGUAGE sql VOLATILE AS $$
    WITH chosen AS (SELECT coalesce(id, gen_random_uuid()::text) AS id),
    encoded AS (
        SELECT chosen.id, jsonb_strip_nulls(jsonb_build_object(
            'specversion', '1.0', 'id', chosen.id, 'source', source, 'type', type,
            'tenant', tenant, 'actor', actor, 'subject', subject
        )) || jsonb_build_object('data', data) AS event
        FROM chosen
    ),
    written AS (INSERT INTO tidings_outbox.waiting (event) SELECT encoded.event::text FROM encoded)
    SELECT encoded.id FROM encoded
$$;
