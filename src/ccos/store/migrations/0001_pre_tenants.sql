-- Tenants and their keys. `current_setting('ccos.tenant')` is bound per transaction by store/database.py.
SET LOCAL lock_timeout = '5s';

CREATE TABLE tenant (
    id uuid PRIMARY KEY,
    slug text NOT NULL UNIQUE CHECK (slug ~ '^[a-z0-9][a-z0-9-]{0,62}$'),
    name text NOT NULL,
    settings jsonb NOT NULL DEFAULT '{}',
    created_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE api_key (
    tenant_id uuid NOT NULL REFERENCES tenant (id) ON DELETE CASCADE,
    id uuid NOT NULL,
    role text NOT NULL CHECK (role IN ('admin', 'supervisor', 'agent', 'integration')),
    hash bytea NOT NULL UNIQUE CHECK (octet_length(hash) = 32),
    label text NOT NULL DEFAULT '',
    created_at timestamptz NOT NULL DEFAULT now(),
    last_used_at timestamptz,
    revoked_at timestamptz,
    PRIMARY KEY (tenant_id, id)
);

ALTER TABLE tenant ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE api_key ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;

-- These two are also read before a tenant is bound (sign-in, the command line), so here unset means no rows
-- instead of an error; nullif, because a setting that was local to an earlier transaction reads as ''.
CREATE POLICY own_tenant ON tenant
    USING (id = nullif(current_setting('ccos.tenant', true), '')::uuid)
    WITH CHECK (id = nullif(current_setting('ccos.tenant', true), '')::uuid);
CREATE POLICY by_slug ON tenant FOR SELECT
    USING (slug = current_setting('ccos.tenant_slug', true));
CREATE POLICY own_tenant ON api_key
    USING (tenant_id = nullif(current_setting('ccos.tenant', true), '')::uuid)
    WITH CHECK (tenant_id = nullif(current_setting('ccos.tenant', true), '')::uuid);
CREATE POLICY by_hash ON api_key FOR SELECT
    USING (hash = decode(nullif(current_setting('ccos.key_hash', true), ''), 'hex'));

-- The owner administers tenants and keys, and reads nothing else without binding a tenant.
CREATE POLICY administration ON tenant TO CURRENT_USER USING (true) WITH CHECK (true);
CREATE POLICY administration ON api_key TO CURRENT_USER USING (true) WITH CHECK (true);

-- Periodic work goes through every tenant: it may know their ids, and nothing else about them.
CREATE FUNCTION tenant_ids() RETURNS SETOF uuid
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = ccos, pg_temp
    AS 'SELECT id FROM tenant ORDER BY id';
REVOKE ALL ON FUNCTION tenant_ids() FROM PUBLIC;

GRANT EXECUTE ON FUNCTION tenant_ids() TO ccos_app;
GRANT SELECT, INSERT, UPDATE ON tenant TO ccos_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON api_key TO ccos_app;
