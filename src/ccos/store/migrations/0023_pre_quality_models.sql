-- What the loop learnt of a tenant: versions of its models of quality, of which at most one of a kind is in
-- force, and answers that are proposed to people.
SET LOCAL lock_timeout = '5s';

CREATE TABLE quality_model (
    tenant_id uuid NOT NULL REFERENCES tenant (id) ON DELETE CASCADE,
    id uuid NOT NULL,
    kind text NOT NULL,
    version int NOT NULL CHECK (version > 0),
    state text NOT NULL DEFAULT 'candidate' CHECK (state IN ('candidate', 'active', 'retired')),
    scorer text NOT NULL,
    labels int NOT NULL CHECK (labels >= 0),
    held_back int NOT NULL DEFAULT 0 CHECK (held_back >= 0),
    figures jsonb NOT NULL DEFAULT '[]',
    reason text NOT NULL DEFAULT '',
    content jsonb NOT NULL,
    made_at timestamptz NOT NULL DEFAULT now(),
    changed_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    promoted_at timestamptz,
    promoted_by text NOT NULL DEFAULT '',
    rolled_back_at timestamptz,
    PRIMARY KEY (tenant_id, id),
    UNIQUE (tenant_id, kind, version)
);
CREATE UNIQUE INDEX quality_model_active ON quality_model (tenant_id, kind) WHERE state = 'active';

CREATE TABLE approved_answer (
    tenant_id uuid NOT NULL REFERENCES tenant (id) ON DELETE CASCADE,
    id uuid NOT NULL,
    intent text NOT NULL,
    language text NOT NULL,
    body text NOT NULL,
    slots text[] NOT NULL DEFAULT '{}',
    tickets int NOT NULL CHECK (tickets > 0),
    changed double precision NOT NULL DEFAULT 0,
    state text NOT NULL DEFAULT 'proposed' CHECK (state IN ('proposed', 'accepted', 'refused')),
    made_at timestamptz NOT NULL DEFAULT now(),
    decided_at timestamptz,
    decided_by text NOT NULL DEFAULT '',
    PRIMARY KEY (tenant_id, id),
    UNIQUE (tenant_id, intent, language, body)
);

-- The last time that the loop ran for a tenant, and what it found.
CREATE TABLE loop_run (
    tenant_id uuid PRIMARY KEY REFERENCES tenant (id) ON DELETE CASCADE,
    ran_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    found jsonb NOT NULL DEFAULT '{}'
);

ALTER TABLE quality_model ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE approved_answer ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE loop_run ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY own_tenant ON loop_run USING (tenant_id = current_setting('ccos.tenant')::uuid)
    WITH CHECK (tenant_id = current_setting('ccos.tenant')::uuid);
CREATE POLICY own_tenant ON quality_model USING (tenant_id = current_setting('ccos.tenant')::uuid)
    WITH CHECK (tenant_id = current_setting('ccos.tenant')::uuid);
CREATE POLICY own_tenant ON approved_answer USING (tenant_id = current_setting('ccos.tenant')::uuid)
    WITH CHECK (tenant_id = current_setting('ccos.tenant')::uuid);
GRANT SELECT, INSERT, UPDATE, DELETE ON quality_model, approved_answer, loop_run TO ccos_app;
