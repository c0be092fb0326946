-- The knowledge base and solved cases, cut into passages, with the feed the per-node search index follows.
SET LOCAL lock_timeout = '5s';

CREATE TABLE kb_item (
    tenant_id uuid NOT NULL REFERENCES tenant (id) ON DELETE CASCADE,
    id uuid NOT NULL,
    kind text NOT NULL CHECK (kind IN ('kb', 'case')),
    external_id text NOT NULL,
    title text NOT NULL,
    body text NOT NULL,
    url text,
    visibility text NOT NULL CHECK (visibility IN ('public', 'internal')),
    locale text,
    updated_at timestamptz,
    valid_until timestamptz,
    category text,
    tags text[] NOT NULL DEFAULT '{}',
    content_hash bytea NOT NULL,
    version integer NOT NULL DEFAULT 1,
    stored_at timestamptz NOT NULL DEFAULT now(),
    archived_at timestamptz,
    PRIMARY KEY (tenant_id, id),
    UNIQUE (tenant_id, kind, external_id)
);

CREATE TABLE kb_passage (
    tenant_id uuid NOT NULL,
    item_id uuid NOT NULL,
    ordinal integer NOT NULL,
    heading text NOT NULL DEFAULT '',
    body text NOT NULL,
    PRIMARY KEY (tenant_id, item_id, ordinal),
    FOREIGN KEY (tenant_id, item_id) REFERENCES kb_item (tenant_id, id) ON DELETE CASCADE
);

CREATE TABLE kb_change (
    tenant_id uuid NOT NULL,
    seq bigint GENERATED ALWAYS AS IDENTITY,
    item_id uuid NOT NULL,
    at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, seq),
    FOREIGN KEY (tenant_id, item_id) REFERENCES kb_item (tenant_id, id) ON DELETE CASCADE
);
CREATE INDEX kb_change_of_item ON kb_change (tenant_id, item_id);

ALTER TABLE kb_item ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE kb_passage ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE kb_change ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;

CREATE POLICY own_tenant ON kb_item USING (tenant_id = current_setting('ccos.tenant')::uuid)
    WITH CHECK (tenant_id = current_setting('ccos.tenant')::uuid);
CREATE POLICY own_tenant ON kb_passage USING (tenant_id = current_setting('ccos.tenant')::uuid)
    WITH CHECK (tenant_id = current_setting('ccos.tenant')::uuid);
CREATE POLICY own_tenant ON kb_change USING (tenant_id = current_setting('ccos.tenant')::uuid)
    WITH CHECK (tenant_id = current_setting('ccos.tenant')::uuid);

GRANT SELECT, INSERT, UPDATE, DELETE ON kb_item, kb_passage, kb_change TO ccos_app;
