-- Money in micro-USD. A reservation is made before a paid call and settled after it.
SET LOCAL lock_timeout = '5s';

CREATE TABLE spend_day (
    tenant_id uuid NOT NULL REFERENCES tenant (id) ON DELETE CASCADE,
    day date NOT NULL,
    reserved_micro_usd bigint NOT NULL DEFAULT 0 CHECK (reserved_micro_usd >= 0),
    spent_micro_usd bigint NOT NULL DEFAULT 0 CHECK (spent_micro_usd >= 0),
    PRIMARY KEY (tenant_id, day)
);

CREATE TABLE reservation (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    day date NOT NULL,
    amount_micro_usd bigint NOT NULL CHECK (amount_micro_usd >= 0),
    state text NOT NULL DEFAULT 'held' CHECK (state IN ('held', 'settled', 'released', 'expired')),
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id, day) REFERENCES spend_day (tenant_id, day) ON DELETE CASCADE
);
CREATE INDEX reservation_held ON reservation (tenant_id, expires_at) WHERE state = 'held';
CREATE INDEX reservation_of_day ON reservation (tenant_id, day);

ALTER TABLE spend_day ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE reservation ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;

CREATE POLICY own_tenant ON spend_day USING (tenant_id = current_setting('ccos.tenant')::uuid)
    WITH CHECK (tenant_id = current_setting('ccos.tenant')::uuid);
CREATE POLICY own_tenant ON reservation USING (tenant_id = current_setting('ccos.tenant')::uuid)
    WITH CHECK (tenant_id = current_setting('ccos.tenant')::uuid);

GRANT SELECT, INSERT, UPDATE, DELETE ON spend_day, reservation TO ccos_app;
