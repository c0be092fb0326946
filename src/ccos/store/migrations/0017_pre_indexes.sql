-- Which build of the search index a tenant wants, and how far each machine's index is.
SET LOCAL lock_timeout = '5s';

-- An index of a lower generation is built anew beside itself; without a row, 0 is wanted.
CREATE TABLE kb_index (
    tenant_id uuid PRIMARY KEY REFERENCES tenant (id) ON DELETE CASCADE,
    generation integer NOT NULL,
    asked_at timestamptz NOT NULL DEFAULT now()
);

-- `seq`: the change up to which the serving index is complete; `done` of `total` changes are in the one being built.
CREATE TABLE kb_node (
    tenant_id uuid NOT NULL REFERENCES tenant (id) ON DELETE CASCADE,
    node text NOT NULL,
    state text NOT NULL CHECK (state IN ('ready', 'building', 'failed')),
    generation integer NOT NULL,
    seq bigint NOT NULL,
    done bigint NOT NULL DEFAULT 0,
    total bigint NOT NULL DEFAULT 0,
    bytes bigint NOT NULL DEFAULT 0,
    seen_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, node)
);

ALTER TABLE kb_index ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE kb_node ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;

CREATE POLICY own_tenant ON kb_index USING (tenant_id = current_setting('ccos.tenant')::uuid)
    WITH CHECK (tenant_id = current_setting('ccos.tenant')::uuid);
CREATE POLICY own_tenant ON kb_node USING (tenant_id = current_setting('ccos.tenant')::uuid)
    WITH CHECK (tenant_id = current_setting('ccos.tenant')::uuid);

GRANT SELECT, INSERT, UPDATE, DELETE ON kb_index, kb_node TO ccos_app;
