-- What the processes on this database know together of the providers' health. Nothing of a tenant is in it.
SET LOCAL lock_timeout = '5s';

CREATE TABLE breaker_state (
    deployment text PRIMARY KEY,
    change uuid NOT NULL,
    open boolean NOT NULL,
    trips integer NOT NULL CHECK (trips >= 0),
    resting_until timestamptz NOT NULL,
    probe_holder uuid,
    probe_until timestamptz,
    changed_at timestamptz NOT NULL DEFAULT now(),
    CHECK ((probe_holder IS NULL) = (probe_until IS NULL))
);

GRANT SELECT, INSERT, UPDATE, DELETE ON breaker_state TO ccos_app;
